-- The paper's own cells are not in this file: no source that we could check has them.
return {
  about = "MSCOCO 2017, bounding boxes (Chen et al. 2024, CAT-Diffusion; SmartBrush's protocol)",
  data = { set = "coco-objects", split = "validation", size = 512, crop = "squash", mask = "object-box" },
  sampling = { sampler = "ddim", steps = 50, guidance_scale = 7.5, eta = 0 },
  metrics = { "fid", "lfid-bbox", "clip-score", "clip-cat" },
}
