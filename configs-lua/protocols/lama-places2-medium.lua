-- LaMa took 30,000 of the 36,500 pictures by a shuffle without a seed and drew its masks without one: its very sample is lost.
return {
  about = "LaMa on Places2, medium masks, 512 x 512 (Suvorov et al. 2022)",
  data = { set = "places2-val", split = "val", size = 512, mask = "lama-medium" },
  metrics = { "fid", "lpips-vgg", "ssim-zero" },
}
