-- A miniature CLIP from nothing: the objects of *stamps* on its photographs at 64 x 64, and their names (docs/clip.md). Feature network of FD[mini-clip] and
-- CLIPscore[mini-clip] (docs/evaluation.md).
return {
  name   = "mini-clip",
  recipe = "clip",
  steps  = 1500,
  batch  = { global = 128 },
  data   = {
    train = { set = "collage", size = 64, shorter = 64, shorter_max = 80, flip = true, turn = 0.5, tint = 0.3 },
    eval  = { set = "collage", split = "val", size = 64 },
  },
  model  = {
    clip = {
      projection_dim = 64,
      vision_config  = { image_size = 64, patch_size = 8, hidden_size = 128, intermediate_size = 512, num_hidden_layers = 4, num_attention_heads = 4 },
      text_config    = { vocab_size = 1527, max_position_embeddings = 8, hidden_size = 64, intermediate_size = 256, num_hidden_layers = 2, num_attention_heads = 4,
                         eos_token_id = 1526 },
    },
    tokenizer = "data/stamps/tokenizer",
    prompts   = { max_length = 8 },
  },
  optim  = { clip = { kind = "adamw", lr = 1e-3, beta2 = 0.98, eps = 1e-6, decay = 0.1, clip = 1, ema = 0.995, ema_warmup = true,
                      schedule = { kind = "cosine", warmup = 100, total = 1500, final = 1e-5 } } },
  validate   = { loss = { every = 250 } },
  checkpoint = { every = 500 },
  log        = { every = 25 },
}
