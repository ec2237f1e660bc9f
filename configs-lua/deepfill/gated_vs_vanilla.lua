-- Gated against vanilla convolution on *stamps*, three seeds each, equal steps. As 48 gated filters stand beside 32 full ones in the
-- published networks, 24 stand beside 16 here.
return lac.extend(require "deepfill.quickstart", {
  name   = "gated-vs-vanilla",
  sample = { every = 0 },
  sweep  = { ["model.generator"] = { { conv = "gated", cnum = 24 }, { conv = "vanilla", cnum = 16 } }, seed = { 1, 2, 3 } },
})
