-- The paper has no numbers on faces.
return {
  about = "DeepFill v2's measures on CelebA-HQ, rectangles",
  data = { set = "celebahq", split = "val", size = 256, mask = "rect" },
  metrics = { "l1-percent@hole", "l2-percent@hole", "l1-percent", "l2-percent", "psnr", "psnr@hole", "ssim-zero", "tv" },
}
