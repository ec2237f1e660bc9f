-- The miniature's autoencoder.
return lac.extend(require "ldm.mini-vae", {
  name = "catdiff-mini-vae",
  data = { train = { mix = { { set = "stamps" }, { set = "collage" }, { set = "grounds" } } }, eval = { set = "grounds" } },
})
