-- Table 2 of CAT-Diffusion (arXiv:2409.08260), docs/catdiff.md: objects of MSCOCO, by their outlines and by their boxes.
--
--     trainer configs-lua/tables/catdiff_coco.lua                  as published, from Stable Diffusion's weights
--     trainer configs-lua/tables/catdiff_coco.lua preset=mini      everything from nothing at 64 x 64, on a CPU
--
-- No source at hand has the table's cells, so none is here.
local methods = require "catdiff.methods"

-- How exact SmartBrush takes the mask to be: 0, an outline, to 3, a box.
local function measure(name, protocol, precision)
  return { name = name, protocol = protocol, sampling = { precision = precision }, metrics = { "fid", "lfid-bbox", "clip-score", "clip-cat" }, pictures = 24 }
end

local facts = {
  "Published, local FID by boxes: CAT-Diffusion is 42.1 % below Stable Diffusion's inpainting and 20.7 % below SmartBrush; it is best by most metrics (9,311 objects, which are not named).",
  "Neither CAT-Diffusion nor SmartBrush is trained on MSCOCO. The miniature has no second collection of pictures: its pictures are those of table 1.",
  "GLIDE in the paper is OpenAI's, in pixels; here it is its recipe on Stable Diffusion's inpainting network (docs/latent.md). SmartBrush has no released weights: it is trained on the same objects.",
}

return {
  name = "catdiff-coco",
  table = {
    caption = "Objects of MSCOCO, by their outlines and by their boxes.",
    rows = methods.published,
    differences = methods.differences,
    measures = { measure("segmentation", "catdiff-coco-segmentation", 0), measure("boxes", "catdiff-coco-box", 3) },
    notes = facts,
  },
  preset  = "published",
  presets = {
    published = { table = { weights = methods.judges } },
    mini = {
      name = "catdiff-coco-mini",
      table = {
        first = methods.first,
        seeds = { 1, 2, 3 },
        rows = methods.mini,
        weights = { ["mini-clip"] = "runs/catdiff-mini-judge" },
        measures = (require "catdiff.mini-measures").of { "FD[mini-clip]", "LFD[mini-clip]", "CLIPscore[mini-clip]", "l1@hole" },
        notes = facts,
      },
    },
  },
}
