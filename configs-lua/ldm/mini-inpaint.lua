-- Text-conditioned latent inpainting from nothing: objects of *stamps* on its photographs at 64 x 64, over the autoencoder of mini-vae.lua
-- (docs/latent-training.md). The hole is the box around an object, the prompt its name.
return {
  name   = "mini-inpaint",
  recipe = "latent",
  steps  = 4000,
  batch  = { global = 32 },
  data   = {
    train = { set = "collage", size = 64, flip = true, mask = "object-box" },
    eval  = { set = "collage", split = "val", size = 64, mask = "object-box" },
  },
  model  = {
    system   = "sd-inpaint",
    settings = { steps = 20, guidance_scale = 3 },
    -- scaling_factor: 1 / the standard deviation of the latents that mini-vae.lua ends with
    vae  = { config = { block_out_channels = { 32, 64, 64 }, down_block_types = { "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D" },
                        up_block_types = { "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D" }, layers_per_block = 1, norm_num_groups = 16,
                        scaling_factor = 0.2 } },
    unet = { config = { in_channels = 9, block_out_channels = { 64, 96, 128 }, layers_per_block = 1, cross_attention_dim = 64, attention_head_dim = 4,
                        down_block_types = { "DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D" },
                        up_block_types = { "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D" } } },
    text_encoder = { config = { vocab_size = 1527, hidden_size = 64, intermediate_size = 256, num_hidden_layers = 2, num_attention_heads = 4,
                                max_position_embeddings = 8, eos_token_id = 1526 } },
    tokenizer  = "data/stamps/tokenizer",
    prompts    = { max_length = 8 },
    train_text = true,
  },
  loss   = { objective = { snr_gamma = 5 }, prompt_dropout = 0.1 },
  optim  = { unet = { kind = "adamw", lr = 1e-3, ema = 0.998, ema_warmup = true, clip = 1,
                      schedule = { kind = "cosine", warmup = 200, total = 4000, final = 2e-5 } } },
  init   = { { from = "runs/mini-vae", network = "vae" } },
  sample = { every = 500, images = 12 },
  validate = { loss = { every = 500, draws = 8 } },
  checkpoint = { every = 500 },
  log    = { every = 25 },
}
