-- The miniature of CAT-Diffusion as configs-lua/catdiff.lua wants it: rates, steps, and what it begins from (docs/catdiff.md).
local clip, base, text, data = "runs/catdiff-mini-clip", "runs/catdiff-mini-base", "runs/catdiff-mini-text", require "catdiff.mini-data"

return lac.extend(require "catdiff.mini-networks", {
  settings      = { steps = 20, guidance_scale = 3 },
  cache         = "pictures",
  loss          = { objective = { snr_gamma = 5 }, prompt_dropout = 0.1 },
  kd_region     = "masked",
  distill       = 0.1,
  optim         = { kind = "adamw", clip = 1, ema = 0.998, ema_warmup = true },
  schedule      = function(lr, steps) return { kind = "cosine", warmup = 50, total = steps, final = lr / 10 } end,
  lr            = { new = 1e-3, old = 3e-4 },
  steps         = { distill = 600, unet = 500, sem = 150, joint = 300 },
  init          = {
    distill = { { from = clip, of = "clip", network = "clip_vision" }, { from = clip, of = "clip", network = "text_encoder" },
                { from = clip, of = "clip", network = "sem_inpainter", rename = { ["vision_model."] = "fusion_model." }, strict = false } },
    unet    = { { from = base, network = "vae" }, { from = base, network = "unet", strict = false } },
    row1    = { { from = base, network = "all" } },
    row2    = { { from = base, network = "vae" }, { from = base, network = "text_encoder" }, { from = base, network = "unet", strict = false },
                { from = clip, of = "clip", network = "clip_vision" } },
    smartbrush = { { from = text, network = "vae" }, { from = text, network = "text_encoder" }, { from = text, network = "unet", widen = true, strict = false } },
  },
  run = {
    name  = "catdiff-mini",
    first = { require "catdiff.mini-base" },
    batch = { global = 32 },
    data  = { train = data.train, eval = data.eval },
    sample = { every = 1000, images = 12 }, validate = { loss = { every = 250, draws = 2, limit = 256 } }, checkpoint = { every = 100 }, log = { every = 25 },
  },
})
