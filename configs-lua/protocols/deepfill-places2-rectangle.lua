-- The authors released no code of their measuring; their l1 and l2 are read as means over the hole on [0, 1] in per cent (docs/deepfill.md).
return {
  about = "DeepFill v2 on Places2's validation pictures, rectangles (Yu et al. 2019)",
  data = { set = "places2-val", split = "val", size = 256, mask = "rect" },
  metrics = { "l1-percent@hole", "l2-percent@hole", "l1-percent", "l2-percent", "psnr", "psnr@hole", "ssim-zero", "tv" },
  published = {
    { name = "PatchMatch", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 16.1, ["l2-percent@hole"] = 3.9 } },
    { name = "Global and local", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 9.3, ["l2-percent@hole"] = 2.2 } },
    { name = "DeepFill v1", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 8.6, ["l2-percent@hole"] = 2.1 } },
    { name = "PartialConv, as re-implemented there", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 9.8, ["l2-percent@hole"] = 2.3 } },
    { name = "DeepFill v2", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 8.6, ["l2-percent@hole"] = 2.0 } },
  },
}
