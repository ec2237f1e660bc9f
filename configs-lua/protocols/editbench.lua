-- 240 pictures with free-form masks; BrushNet's prompt is the full caption.
local row = require "base.brushnet_rows".from("arXiv:2412.10316")
return {
  about = "EditBench, full prompts (Wang et al. 2023), as BrushNet measures it",
  data = { set = "editbench", split = "test", size = 512, crop = "squash", mask = "object" },
  sampling = { sampler = "unipc", steps = 50, guidance_scale = 7.5 },
  seed = 1234,
  metrics = { "brushnet-psnr", "brushnet-mse", "brushnet-lpips", "clip-score", "aesthetic-v1", "image-reward", "hps-v2.1" },
  published = {
    row("BLD", nil, nil, nil, 20.89, 10.93, 31.90, 28.62),
    row("SD-Inpainting", nil, nil, nil, 23.25, 6.94, 24.30, 28.00),
    row("HD-Painter", nil, nil, nil, 23.07, 6.70, 24.32, 28.34),
    row("PowerPaint", nil, nil, nil, 23.34, 20.12, 24.12, 27.80),
    row("ControlNet inpainting *", nil, nil, nil, 22.61, 35.93, 26.14, 27.74),
    row("BrushNet", nil, nil, nil, nil, nil, nil, 28.67, "arXiv:2403.06976"),
    row("BrushNet *", nil, nil, nil, 33.66, 0.63, 10.12, 28.87),
    row("BrushEdit *", nil, nil, nil, 32.97, 0.70, 7.24, 29.62),
  },
}
