-- The miniature's autoencoder. Squared differences, by Adam as it is: absolute ones under a largest norm learn colours last, green after thousands of steps. A divergence that weighs something:
-- without it luminance has six times the deviation of colours, which then drown in the denoiser's noise.
return lac.extend(require "ldm.mini-vae", {
  name  = "catdiff-mini-vae",
  steps = 2500,
  data  = { train = { mix = { { set = "stamps" }, { set = "collage" }, { set = "grounds" } }, turn = 0 }, eval = { set = "grounds" } },
  loss  = { pixel = "l2", kl = 2e-3, gan = 0 },
  optim = { vae = { beta1 = 0.9, beta2 = 0.99, clip = 0, schedule = { total = 2500 } } },
  validate = { limit = 256 },
})
