-- Gated against vanilla convolution on *stamps*, three seeds each, equal steps. As 48 gated filters stand beside 32 full ones in the
-- published networks, 24 stand beside 16 here; each kind starts from weights that keep its signal's size.
return lac.extend(require "deepfill.quickstart", {
  name   = "gated-vs-vanilla",
  steps  = 1000,
  optim  = { generator = { schedule = { total = 1000 } } },
  sample = { every = 0 },
  sweep  = {
    seed  = { 1, 2, 3 },
    model = {
      gated   = { generator = { conv = "gated", cnum = 24 }, init_gain = 2.4 },
      vanilla = { generator = { conv = "vanilla", cnum = 16 }, init_gain = 1.25 },
    },
  },
})
