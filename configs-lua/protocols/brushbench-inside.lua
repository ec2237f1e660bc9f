-- BrushNet's benchmark, 600 pictures of 512 x 512, the hole on the object; without pasting back unless a row is starred.
-- The arXiv version has the columns LPIPS and MSE swapped in this table; here they are set right, in this program's units.
local row, later = require "base.brushnet_rows".from("arXiv:2403.06976"), "arXiv:2412.10316"
return {
  about = "BrushBench, inside: the hole is the object (Ju et al. 2024)",
  data = { set = "brushbench-inside", split = "test", size = 512, crop = "squash", mask = "object" },
  sampling = { sampler = "unipc", steps = 50, guidance_scale = 7.5 },
  seed = 1234,
  metrics = { "brushnet-psnr", "brushnet-mse", "brushnet-lpips", "clip-score", "aesthetic-v1", "image-reward", "hps-v2.1" },
  published = {
    row("BLD", 9.78, 25.87, 6.17, 21.33, 9.76, 49.26, 26.15),
    row("SD-Inpainting", 11.72, 27.06, 6.50, 21.52, 13.87, 48.39, 26.17, later),
    row("HD-Painter", 11.68, 26.90, 6.42, 22.61, 9.95, 43.50, 26.37),
    row("PowerPaint", 11.46, 27.35, 6.24, 21.43, 32.73, 48.43, 26.48),
    row("ControlNet inpainting *", 11.21, 26.92, 6.39, 22.73, 24.58, 43.49, 26.22),
    row("BrushNet", 12.36, 27.40, 6.53, 21.65, 9.31, 48.28, 26.48),
    row("BrushNet *", 12.64, 27.78, 6.51, 31.94, 0.80, 18.67, 26.39),
    row("BrushEdit *", nil, nil, nil, 31.98, 0.79, 18.92, 26.24, later),
  },
}
