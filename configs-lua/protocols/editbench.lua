-- 240 pictures with free-form masks; BrushNet's prompt is the full caption.
local function row(name, psnr, mse, lpips, clip, source)
  return { name = name, source = source or "arXiv:2412.10316",
           values = { ["brushnet-psnr"] = psnr, ["brushnet-mse"] = mse and mse / 1000, ["brushnet-lpips"] = lpips and lpips / 1000, ["clip-score"] = clip } }
end
return {
  about = "EditBench, full prompts (Wang et al. 2023), as BrushNet measures it",
  data = { set = "editbench", split = "test", size = 512, crop = "squash", mask = "object" },
  sampling = { sampler = "unipc", steps = 50, guidance_scale = 7.5 },
  seed = 1234,
  metrics = { "brushnet-psnr", "brushnet-mse", "brushnet-lpips", "clip-score" },
  published = {
    row("BLD", 20.89, 10.93, 31.90, 28.62),
    row("SD-Inpainting", 23.25, 6.94, 24.30, 28.00),
    row("HD-Painter", 23.07, 6.70, 24.32, 28.34),
    row("PowerPaint", 23.34, 20.12, 24.12, 27.80),
    row("ControlNet inpainting *", 22.61, 35.93, 26.14, 27.74),
    row("BrushNet", nil, nil, nil, 28.67, "arXiv:2403.06976"),
    row("BrushNet *", 33.66, 0.63, 10.12, 28.87),
    row("BrushEdit *", 32.97, 0.70, 7.24, 29.62),
  },
}
