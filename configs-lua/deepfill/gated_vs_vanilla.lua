-- Gated against vanilla convolution (cnum 32 full filters, as v1) on *stamps*, three seeds each, equal steps.
return lac.extend(require "deepfill.quickstart", {
  name   = "gated-vs-vanilla",
  model  = { generator = { cnum = 24 } },
  sample = { every = 0 },
  sweep  = { ["model.generator.conv"] = { "gated", "vanilla" }, seed = { 1, 2, 3 } },
})
