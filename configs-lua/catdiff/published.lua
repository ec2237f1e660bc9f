-- CAT-Diffusion as published, as configs-lua/catdiff.lua wants it: from the released code (docs/catdiff.md) where paper and code differ.
local sd, clip = "weights/stable-diffusion-inpainting", "weights/clip-vit-large-patch14"
return {
  clip_vision   = { hidden_size = 1024, intermediate_size = 4096, num_hidden_layers = 24, num_attention_heads = 16, image_size = 224, patch_size = 14, projection_dim = 768 },
  text_encoder  = { hidden_size = 768, intermediate_size = 3072, num_hidden_layers = 12, num_attention_heads = 12, projection_dim = 768, eos_token_id = 2 },
  sem_inpainter = { recompute = true },
  vae           = { block_out_channels = { 128, 256, 512, 512 }, layers_per_block = 2,
                    down_block_types = { "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D" },
                    up_block_types = { "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D" } },
  unet          = { in_channels = 9, cross_attention_dim = 768, attention_head_dim = 8 },
  tokenizer     = sd .. "/tokenizer",
  prompts       = { max_length = 77 },
  settings      = { steps = 50, guidance_scale = 7.5 },
  recompute     = true,
  loss          = { objective = {}, prompt_dropout = 0.1, drop = "per-batch", latent_mask = "any-touch" },
  optim         = { kind = "adamw", decay = 0.01 },
  lr            = { new = 1e-4, old = 1e-5 },
  steps         = { distill = 10000, unet = 10000, sem = 10000, joint = 10000 },
  init          = {},
  run = {
    name  = "catdiff",
    batch = { global = 128, micro = 16 },
    data  = { train = { set = "openimages-train-objects", size = 512, around = true, mask = "object+2|object-box" },
              eval = { set = "openimages-objects-box", split = "validation", size = 512, crop = "squash", mask = "object-box" } },
    sample = { every = 1000, images = 12 }, validate = { loss = { every = 1000, limit = 512 } }, checkpoint = { every = 500 }, log = { every = 25 },
  },
}
