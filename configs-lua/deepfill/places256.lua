-- arXiv:1806.03589 on Places2 at 256 x 256; batch, Adam and losses as in the authors' code, steps as in its ports.
-- lacuna pack folder PLACES -o sets/places2.h5 first (data_large for training: crops at native scale).
return lac.extend(require "base.deepfill", {
  name  = "deepfill-places256",
  steps = 1000000,
  batch = { global = 16 },
  data  = {
    train = { set = "places2", split = "train", size = 256, crop = "random", mask = "union", threads = 4 },
    eval  = { set = "places2", split = "val", size = 256, mask = "file:union-56-seed3-256" },
  },
  sample     = { every = 2000, images = 16 },
  validate   = { every = 4000, limit = 1000, metrics = { "l1-percent@hole", "psnr", "ssim" } },
  checkpoint = { every = 4000 },
})
