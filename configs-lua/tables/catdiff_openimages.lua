-- Table 1 of CAT-Diffusion (arXiv:2409.08260), docs/catdiff.md: objects of OpenImages V6, by their outlines and by their boxes.
--
--     trainer configs-lua/tables/catdiff_openimages.lua                  as published, from Stable Diffusion's weights
--     trainer configs-lua/tables/catdiff_openimages.lua preset=mini      everything from nothing at 64 x 64, on a CPU
--
-- No source at hand has the table's cells, so none is here.
return (require "catdiff.methods").table("catdiff-openimages", "Objects of OpenImages V6", "catdiff-openimages", {
  "Published: CAT-Diffusion is best by all metrics for both sorts of masks; blending has CLIP scores like it, and far worse FID and local FID; SmartBrush lies between (13,400 objects, which are not named).",
})
