-- What a picture costs (arXiv:2409.08260, section 4), docs/catdiff.md: CAT-Diffusion beside the inpainting model that it was trained from, which take turns.
--
--     trainer configs-lua/tables/catdiff_timing.lua                  as published: 512 x 512, 50 steps of DDIM, guidance 7.5
--     trainer configs-lua/tables/catdiff_timing.lua preset=mini      the miniature, 64 x 64
local cat = require "catdiff"
local how = { sampler = "ddim", steps = 50, guidance_scale = 7.5 }
local paper = "arXiv:2409.08260"

return {
  name = "catdiff-timing",
  table = {
    caption = "Seconds a picture.",
    rows = {
      { name = "Stable Diffusion, inpainting", weights = "weights/stable-diffusion-inpainting", settings = how },
      { name = "CAT-Diffusion", config = lac.extend(cat, { preset = "published" }), settings = how },
    },
    measures = { {
      name = "seconds", time = { size = 512, rounds = 20, prompt = "a dog" },
      published = { { name = "SD-Inpaint", source = paper, values = { seconds = 1.60 } }, { name = "CAT-Diffusion", source = paper, values = { seconds = 1.84 } } },
    } },
  },
  presets = {
    mini = {
      name = "catdiff-timing-mini",
      table = {
        first = { (require "catdiff.mini-stamps").parts.base },
        rows = {
          { name = "inpainting", weights = "runs/catdiff-mini-base", settings = how },
          { name = "CAT-Diffusion", config = lac.extend(cat, { preset = "mini", sweep = { seed = { 1 } } }), settings = how },
        },
        measures = { { name = "seconds", time = { size = 64, rounds = 20, prompt = "apple" } } },
        notes = { "Published, of the networks as they are: 1.84 s against 1.60 s, 1.15 times." },
      },
    },
  },
}
