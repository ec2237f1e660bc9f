-- A first stage from nothing: AutoencoderKL at a quarter of the side, on the photographs of *stamps* at 64 x 64, and on those with objects that
-- mini-inpaint.lua paints, which works on its latents (docs/latent-training.md).
-- Without LPIPS, whose weights nobody ships here: `loss.perceptual` and `init` say where they are, for who has them.
return {
  name   = "mini-vae",
  recipe = "autoencoder",
  steps  = 4000,
  batch  = { global = 16 },
  data   = {
    train = { mix = { { set = "stamps" }, { set = "collage" } }, size = 64, shorter = 64, shorter_max = 144, flip = true, turn = 0.5, tint = 0.3 },
    eval  = { set = "collage", split = "val", size = 64 },
  },
  model  = {
    kl = { block_out_channels = { 32, 64, 64 }, down_block_types = { "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D" },
           up_block_types = { "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D" }, layers_per_block = 1, norm_num_groups = 16 },
    discriminator = { ndf = 32, n_layers = 2 },
  },
  -- A discriminator of the last quarter alone: by then there is something to look at.
  loss   = { perceptual = 0, kl = 1e-6, gan = 0.1, disc_start = 3000 },
  optim  = {
    vae           = { kind = "adam", lr = 1e-3, beta1 = 0.5, beta2 = 0.9, clip = 1,
                      schedule = { kind = "cosine", warmup = 100, total = 4000, final = 2e-5 } },
    discriminator = { kind = "adam", lr = 2e-4, beta1 = 0.5, beta2 = 0.9 },
  },
  sample     = { every = 500, images = 12 },
  validate   = { every = 500, metrics = { "psnr", "l1-pm1", "ssim" }, loss = { every = 500 } },
  checkpoint = { every = 500 },
  log        = { every = 25 },
}
