-- The paper's own cells are not in this file: no source that we could check has them. That there were 13,400 objects is published, which ones is not:
-- they are chosen by this program's rule (docs/formats.md), and the manifest's SHA-256 stands in every result. Pictures and masks are squashed to
-- 512 x 512 by Pillow's bicubic, as the released code does it; boxes are drawn there.
return {
  about = "OpenImages V6, bounding boxes (Chen et al. 2024, CAT-Diffusion; SmartBrush's protocol)",
  data = { set = "openimages-objects-box", split = "validation", size = 512, crop = "squash", mask = "object" },
  sampling = { sampler = "ddim", steps = 50, guidance_scale = 7.5, eta = 0 },
  metrics = { "fid", "lfid-bbox", "clip-score", "clip-cat" },
}
