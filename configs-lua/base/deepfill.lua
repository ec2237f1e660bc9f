-- DeepFill v2 (arXiv:1806.03589) as in the authors' code: what its experiments share.
return {
  recipe = "deepfill",
  model = {
    generator     = { mode = "tf", conv = "gated", cnum = 48 },
    discriminator = { kind = "patch", width = 64 },
  },
  loss = { l1 = 1, gan = 1 },
  optim = {
    generator     = { kind = "adam", form = "tf", lr = 1e-4, beta1 = 0.5, beta2 = 0.999 },
    discriminator = { kind = "adam", form = "tf", lr = 1e-4, beta1 = 0.5, beta2 = 0.999 },
  },
}
