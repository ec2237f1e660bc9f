-- Ten minutes on two cores: a narrow network on 64 x 64 crops of the photographs of *stamps*. L1 counts inside the hole alone and
-- the GAN weighs little: so short a training has time for colours and edges, not for texture.
return lac.extend(require "base.deepfill", {
  name  = "deepfill-quickstart",
  steps = 2000,
  batch = { global = 16 },
  data  = {
    train = { set = "stamps", split = "train", size = 64, shorter = 64, shorter_max = 112, flip = true, tint = 0.8, mask = "union" },
    eval  = { set = "stamps", split = "val", size = 64, shorter = 64, mask = "file:union-56-seed3-64" },
  },
  model = { generator = { cnum = 24 }, discriminator = { width = 16 }, init_gain = 2.4 },
  loss  = { region = "hole", gan = 0.02 },
  optim = { generator     = { lr = 5e-4, ema = 0.99, schedule = { kind = "cosine", warmup = 50, total = 2000, final = 5e-5 } },
            discriminator = { lr = 2e-4 } },
  sample     = { every = 200, images = 8 },
  validate   = { every = 100, metrics = { "l1-pm1@hole" } },
  checkpoint = { every = 200 },
})
