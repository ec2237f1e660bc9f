-- LaMa took 30,000 of the 36,500 pictures by a shuffle without a seed and drew its masks without one: its very sample is lost.
return {
  about = "LaMa on Places2, wide masks, 512 x 512 (Suvorov et al. 2022)",
  data = { set = "places2-val", split = "val", size = 512, mask = "lama-thick" },
  metrics = { "fid", "lpips-vgg", "ssim-zero" },
  published = {
    { name = "LaMa-Fourier", source = "arXiv:2109.07161, as remembered", values = { fid = 2.21, ["lpips-vgg"] = 0.135 } },
    { name = "CoModGAN", source = "arXiv:2109.07161, as remembered", values = { fid = 1.82, ["lpips-vgg"] = 0.147 } },
    { name = "MADF", source = "arXiv:2109.07161, as remembered", values = { fid = 3.76, ["lpips-vgg"] = 0.139 } },
    { name = "AOT-GAN", source = "arXiv:2109.07161, as remembered", values = { fid = 5.94, ["lpips-vgg"] = 0.149 } },
    { name = "DeepFill v2", source = "arXiv:2109.07161, as remembered", values = { fid = 5.2, ["lpips-vgg"] = 0.155 } },
    { name = "EdgeConnect", source = "arXiv:2109.07161, as remembered", values = { fid = 8.37, ["lpips-vgg"] = 0.16 } },
    { name = "RegionWise", source = "arXiv:2109.07161, as remembered", values = { fid = 4.75, ["lpips-vgg"] = 0.149 } },
  },
}
