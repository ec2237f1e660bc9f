-- On from the first stage of deepfill.stamps, with the learning rate once more from above: what ships (weights/README.md).
return lac.extend(require "deepfill.stamps", {
  name   = "deepfill-stamps-longer",
  steps  = 9000,
  init   = { { from = "runs/deepfill-stamps" } },
  stages = {
    { stage = "l1",
      model = { discriminator = { kind = "none" } },
      optim = { generator = { lr = 3e-4, schedule = { kind = "cosine", warmup = 200, total = 9000, final = 1e-5 } } } },
  },
})
