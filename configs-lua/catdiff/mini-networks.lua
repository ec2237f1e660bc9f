-- Widths of the miniature's networks, under their published keys, and its words.
return {
  clip_vision   = { projection_dim = 64, image_size = 64, patch_size = 8, hidden_size = 128, intermediate_size = 512, num_hidden_layers = 4, num_attention_heads = 4 },
  text_encoder  = { vocab_size = 1527, max_position_embeddings = 8, hidden_size = 64, intermediate_size = 256, num_hidden_layers = 2, num_attention_heads = 4, eos_token_id = 1526,
                    projection_dim = 64 },
  sem_inpainter = { image_size = 64, patch_size = 8, hidden_size = 128, intermediate_size = 512, num_hidden_layers = 4, num_attention_heads = 4,
                    spatial_mlp = { hidden_size = 128, intermediate_size = 512 }, global_mlp = { hidden_size = 128, intermediate_size = 512 },
                    label_mlp = { in_channels = 64, intermediate_size = 256, out_channels = 128 } },
  vae           = { block_out_channels = { 32, 64, 64 }, down_block_types = { "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D" },
                    up_block_types = { "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D" }, layers_per_block = 1, norm_num_groups = 16, scaling_factor = 0.9 },
  unet          = { in_channels = 9, block_out_channels = { 64, 96, 128 }, layers_per_block = 1, cross_attention_dim = 64, attention_head_dim = 4,
                    down_block_types = { "DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D" },
                    up_block_types = { "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D" } },
  tokenizer     = "data/stamps/tokenizer",
  prompts       = { max_length = 8 },
}
