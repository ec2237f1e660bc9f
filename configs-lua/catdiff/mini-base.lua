-- What the miniature begins from, as the paper's does from Stable Diffusion's inpainting: captions, masks of every kind, some of the whole picture.
local mini, data = require "catdiff.mini-networks", require "catdiff.mini-data"
return {
  name   = "catdiff-mini-base",
  first  = { require "catdiff.mini-vae", require "catdiff.mini-clip" },
  recipe = "latent",
  steps  = 3000,
  batch  = { global = 32 },
  data   = { train = lac.extend(data.train, { mask = "union|object-box" }), eval = data.eval },
  model  = {
    system = "sd-inpaint", settings = { steps = 20, guidance_scale = 3 }, cache = "pictures",
    unet = { config = mini.unet }, vae = { config = mini.vae }, text_encoder = { config = mini.text_encoder }, tokenizer = mini.tokenizer, prompts = mini.prompts,
  },
  loss   = { objective = { snr_gamma = 5 }, prompt_dropout = 0.1, whole = 0.1 },
  optim  = { unet = { kind = "adamw", lr = 1e-3, clip = 1, ema = 0.998, ema_warmup = true, schedule = { kind = "cosine", warmup = 200, total = 3000, final = 1e-4 } } },
  init   = { { from = "runs/catdiff-mini-vae", network = "vae" }, { from = "runs/catdiff-mini-clip", of = "clip", network = "text_encoder" } },
  sample = { every = 1000, images = 12 }, validate = { loss = { every = 500, draws = 2 } }, checkpoint = { every = 500 }, log = { every = 25 },
}
