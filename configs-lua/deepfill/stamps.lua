-- *stamps* photographs at 64 x 64: L1 inside the hole first, then the GAN. The weights that ship are of the first stage (weights/README.md).
return lac.extend(require "base.deepfill", {
  name  = "deepfill-stamps",
  steps = 16000,
  batch = { global = 16 },
  data  = {
    train = { set = "stamps", split = "train", size = 64, shorter = 64, shorter_max = 144, flip = true, turn = 0.5, tint = 0.8, mask = "union" },
    eval  = { set = "stamps", split = "val", size = 64, shorter = 64, mask = "file:union-56-seed3-64" },
  },
  -- Glorot's weights shrink the signal to 0.4 a gated layer (gate 1/2, variance 2/3): 1e-5 is left at the bottleneck, and the
  -- network does not see the picture for thousands of steps. 2.4 keeps its size.
  model = { generator = { cnum = 32 }, discriminator = { width = 24 }, init_gain = 2.4 },
  loss  = { region = "hole" },
  optim = { generator = { ema = 0.999 } },
  sample     = { every = 250, images = 12 },
  validate   = { every = 250, metrics = { "l1-pm1@hole" } },
  checkpoint = { every = 250 },
  log        = { every = 25 },
  stages = {
    { stage = "l1",
      model = { discriminator = { kind = "none" } },
      optim = { generator = { lr = 4e-4, schedule = { kind = "cosine", warmup = 200, total = 16000, final = 2e-5 } } } },
    { stage = "gan", steps = 800, loss = { gan = 0.02 },
      optim = { generator = { lr = 1e-4 }, discriminator = { lr = 2e-4 } } },
  },
})
