-- The paper has no numbers on faces.
return {
  about = "DeepFill v2's measures on CelebA-HQ, free-form masks",
  data = { set = "celebahq", split = "val", size = 256, mask = "brush" },
  metrics = { "l1-percent@hole", "l2-percent@hole", "l1-percent", "l2-percent", "psnr", "psnr@hole", "ssim-zero", "tv" },
}
