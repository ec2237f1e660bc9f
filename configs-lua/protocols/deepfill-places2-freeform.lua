-- As deepfill-places2-rectangle, with the free-form masks of the released code.
return {
  about = "DeepFill v2 on Places2's validation pictures, free-form masks (Yu et al. 2019)",
  data = { set = "places2-val", split = "val", size = 256, mask = "brush" },
  metrics = { "l1-percent@hole", "l2-percent@hole", "l1-percent", "l2-percent", "psnr", "psnr@hole", "ssim-zero", "tv" },
  published = {
    { name = "PatchMatch", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 11.3, ["l2-percent@hole"] = 2.4 } },
    { name = "Global and local", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 21.6, ["l2-percent@hole"] = 7.1 } },
    { name = "DeepFill v1", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 17.2, ["l2-percent@hole"] = 4.7 } },
    { name = "PartialConv, as re-implemented there", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 10.4, ["l2-percent@hole"] = 1.9 } },
    { name = "DeepFill v2", source = "arXiv:1806.03589, as remembered", values = { ["l1-percent@hole"] = 9.1, ["l2-percent@hole"] = 1.6 } },
  },
}
