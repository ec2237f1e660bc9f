-- The miniature's text-to-image network, as the paper's baselines have Stable Diffusion 1.5: what blending paints with, and SmartBrush begins from.
return lac.extend(require "catdiff.mini-base", {
  name  = "catdiff-mini-text",
  model = { system = "sd-blend", unet = { config = { in_channels = 4 } } },
  loss  = { whole = 0 },
})
