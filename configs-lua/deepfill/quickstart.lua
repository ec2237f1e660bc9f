-- Twelve minutes on two cores: a narrow network on 64 x 64 crops of the photographs of *stamps*.
return lac.extend(require "base.deepfill", {
  name  = "deepfill-quickstart",
  steps = 1200,
  batch = { global = 16 },
  data  = {
    train = { set = "stamps", split = "train", size = 64, shorter = 64, shorter_max = 128, flip = true, mask = "union" },
    eval  = { set = "stamps", split = "test_far", size = 64, shorter = 64, mask = "file:union-56-seed3-64" },
  },
  model = { generator = { cnum = 24 }, discriminator = { width = 16 } },
  sample     = { every = 200, images = 8 },
  validate   = { every = 200, metrics = { "l1-pm1@hole" } },
  checkpoint = { every = 200 },
})
