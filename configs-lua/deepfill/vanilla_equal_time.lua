-- The vanilla half of deepfill.gated_vs_vanilla in the time that a gated run takes: 84 pictures a second to its 111 on two cores of a
-- Xeon with AMX, so 760 steps to its 1000.
return lac.extend(require "deepfill.quickstart", {
  name   = "vanilla-equal-time",
  steps  = 760,
  model  = { generator = { conv = "vanilla", cnum = 16 }, init_gain = 1.25 },
  optim  = { generator = { schedule = { total = 760 } } },
  sample = { every = 0 },
  sweep  = { seed = { 1, 2, 3 } },
})
