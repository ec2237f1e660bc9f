-- Table 2 of CAT-Diffusion (arXiv:2409.08260), docs/catdiff.md: objects of MSCOCO, by their outlines and by their boxes.
--
--     trainer configs-lua/tables/catdiff_coco.lua                  as published, from Stable Diffusion's weights
--     trainer configs-lua/tables/catdiff_coco.lua preset=mini      everything from nothing at 64 x 64, on a CPU
--
-- No source at hand has the table's cells, so none is here.
return (require "catdiff.methods").table("catdiff-coco", "Objects of MSCOCO", "catdiff-coco", {
  "Published, local FID by boxes: CAT-Diffusion is 42.1 % below Stable Diffusion's inpainting and 20.7 % below SmartBrush; it is best by most metrics (9,311 objects, which are not named).",
  "Neither CAT-Diffusion nor SmartBrush is trained on MSCOCO. The miniature has no second collection of pictures: its pictures are those of table 1.",
})
