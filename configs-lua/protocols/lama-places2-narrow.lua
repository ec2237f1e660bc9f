-- LaMa took 30,000 of the 36,500 pictures by a shuffle without a seed and drew its masks without one: its very sample is lost.
return {
  about = "LaMa on Places2, narrow masks, 512 x 512 (Suvorov et al. 2022)",
  data = { set = "places2-val", split = "val", size = 512, mask = "lama-thin" },
  metrics = { "fid", "lpips-vgg", "ssim-zero" },
  published = {
    { name = "LaMa-Fourier", source = "arXiv:2109.07161, as remembered", values = { fid = 0.63, ["lpips-vgg"] = 0.09 } },
    { name = "CoModGAN", source = "arXiv:2109.07161, as remembered", values = { fid = 0.82, ["lpips-vgg"] = 0.111 } },
    { name = "MADF", source = "arXiv:2109.07161, as remembered", values = { fid = 0.57, ["lpips-vgg"] = 0.085 } },
    { name = "AOT-GAN", source = "arXiv:2109.07161, as remembered", values = { fid = 0.79, ["lpips-vgg"] = 0.091 } },
    { name = "DeepFill v2", source = "arXiv:2109.07161, as remembered", values = { fid = 1.06, ["lpips-vgg"] = 0.104 } },
    { name = "EdgeConnect", source = "arXiv:2109.07161, as remembered", values = { fid = 1.33, ["lpips-vgg"] = 0.111 } },
    { name = "RegionWise", source = "arXiv:2109.07161, as remembered", values = { fid = 0.9, ["lpips-vgg"] = 0.102 } },
  },
}
