-- The same pictures, everything but the object is hole.
local row, later = require "base.brushnet_rows".from("arXiv:2403.06976"), "arXiv:2412.10316"
return lac.extend(require "protocols.brushbench-inside", {
  about = "BrushBench, outside: everything but the object is hole (Ju et al. 2024)",
  data = { set = "brushbench-outside" },
  published = {
    row("BLD", 7.81, 26.77, nil, 15.85, 35.86, 21.40, 26.73),
    row("SD-Inpainting", nil, nil, nil, 18.04, 19.87, 15.13, 27.21, later),
    row("HD-Painter", 9.66, 27.79, nil, 18.03, 22.99, 15.22, 26.96),
    row("PowerPaint", 7.45, 28.01, nil, 18.04, 31.78, 15.13, 26.72),
    row("ControlNet inpainting *", 9.57, 27.76, nil, 17.50, 37.72, 19.95, 26.92),
    row("BrushNet", 10.82, 28.02, nil, 18.06, 22.86, 15.08, 27.33),
    row("BrushNet *", 10.88, 28.09, nil, 27.82, 2.25, 4.63, 27.22),
    row("BrushEdit *", nil, nil, nil, 27.65, 2.30, 4.90, 27.29, later),
  },
})
