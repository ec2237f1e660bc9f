-- A miniature of CAT-Diffusion: everything from nothing at 64 x 64, on a CPU (docs/catdiff.md). A world says on which pictures:
--
--     (require "catdiff.mini").of { name = "catdiff-scenes", sets = { "solids" }, held_out = "solids", seen = "scenes", ids = 12 }
--
-- sets: what is trained on, in equal shares; held_out: the set whose splits val, test and unseen are looked at; seen: another set in place of both for autoencoder and CLIP (vae_sets: for the
-- autoencoder alone); ids: tokens of a prompt.
-- What comes back has the configs that it begins from (vae, clip, base; text, judge), `measures` for tables, and what configs-lua/catdiff.lua asks for.
return { of = function(world)
  local function mix_of(sets)
    local mix = {}
    for i, set in ipairs(sets) do mix[i] = { set = set } end
    return mix
  end
  local function run(what) return "runs/" .. world.name .. "-" .. what end
  local mix   = mix_of(world.sets)
  local early = { mix = world.seen and { { set = world.seen } } or mix, eval = { set = world.seen or world.held_out } }       -- of autoencoder and CLIP
  local train = { mix = mix, size = 64, flip = true, mask = "object+2|object-box" }
  local eval  = { set = world.held_out, split = "val", size = 64, mask = "object-box" }

  -- Widths of the networks, under their published keys, and words.
  local networks = {
    clip_vision   = { projection_dim = 64, image_size = 64, patch_size = 8, hidden_size = 128, intermediate_size = 512, num_hidden_layers = 4, num_attention_heads = 4 },
    text_encoder  = { vocab_size = 1527, max_position_embeddings = world.ids, hidden_size = 64, intermediate_size = 256, num_hidden_layers = 2, num_attention_heads = 4,
                      eos_token_id = 1526, projection_dim = 64 },
    sem_inpainter = { image_size = 64, patch_size = 8, hidden_size = 128, intermediate_size = 512, num_hidden_layers = 4, num_attention_heads = 4,
                      spatial_mlp = { hidden_size = 128, intermediate_size = 512 }, global_mlp = { hidden_size = 128, intermediate_size = 512 },
                      label_mlp = { in_channels = 64, intermediate_size = 256, out_channels = 128 } },
    vae           = { block_out_channels = { 32, 64, 64 }, down_block_types = { "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D" },
                      up_block_types = { "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D" }, layers_per_block = 1, norm_num_groups = 16, scaling_factor = 0.9 },
    unet          = { in_channels = 9, block_out_channels = { 64, 96, 128 }, layers_per_block = 1, cross_attention_dim = 64, attention_head_dim = 4,
                      down_block_types = { "DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D" },
                      up_block_types = { "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D" } },
    tokenizer     = "data/stamps/tokenizer",
    prompts       = { max_length = world.ids },
  }

  -- Squared differences, by Adam as it is: absolute ones under a largest norm learn colours last, green after thousands of steps. A divergence that weighs something:
  -- without it luminance has six times the deviation of colours, which then drown in the denoiser's noise.
  local vae = lac.extend(require "ldm.mini-vae", {
    name  = world.name .. "-vae",
    steps = 2500,
    data  = { train = { mix = world.vae_sets and mix_of(world.vae_sets) or early.mix, turn = 0 }, eval = early.eval },
    loss  = { pixel = "l2", kl = 2e-3, gan = 0 },
    optim = { vae = { beta1 = 0.9, beta2 = 0.99, clip = 0, schedule = { total = 2500 } } },
    validate = { limit = 256 },
  })

  -- Its text tower tells UNet and SemInpainter what is wanted, its image tower is eyes and teacher.
  local clip = lac.extend(require "clip.mini", {
    name  = world.name .. "-clip",
    data  = { train = { mix = early.mix }, eval = early.eval },
    model = { clip = { text_config = { max_position_embeddings = world.ids } }, prompts = networks.prompts },
  })

  -- What is begun from, as the paper's is from Stable Diffusion's inpainting, and trained as that was: captions, holes of any shape anywhere, a quarter of them the whole picture. Asked for an
  -- object it often paints the ground.
  local base = {
    name   = world.name .. "-base",
    first  = { vae, clip },
    recipe = "latent",
    steps  = 3000,
    batch  = { global = 32 },
    data   = { train = lac.extend(train, { mask = "union" }), eval = eval },
    model  = {
      system = "sd-inpaint", settings = { steps = 20, guidance_scale = 3 }, cache = "pictures",
      unet = { config = networks.unet }, vae = { config = networks.vae }, text_encoder = { config = networks.text_encoder }, tokenizer = networks.tokenizer, prompts = networks.prompts,
    },
    loss   = { objective = { snr_gamma = 5 }, prompt_dropout = 0.1, whole = 0.25 },
    optim  = { unet = { kind = "adamw", lr = 1e-3, clip = 1, ema = 0.998, ema_warmup = true, schedule = { kind = "cosine", warmup = 200, total = 3000, final = 1e-4 } } },
    init   = { { from = run "vae", network = "vae" }, { from = run "clip", of = "clip", network = "text_encoder" } },
    sample = { every = 1000, images = 12 }, validate = { loss = { every = 500, draws = 2 } }, checkpoint = { every = 500 }, log = { every = 25 },
  }

  -- Grounds that training never saw, the holes objects' boxes or outlines, and, apart, things that it never saw either. through: pictures as the autoencoder makes them, for distances to the
  -- truth: at this size what it loses is most of them (docs/catdiff.md).
  local function measures(metrics, through)
    local function measure(name, split, mask, limit)
      return { name = name, data = { set = world.held_out, split = split, size = 64, mask = mask }, through = through and run "vae" or nil, metrics = metrics, limit = limit, pictures = 24, seed = 1 }
    end
    return { measure("boxes", "test", "object-box", 400), measure("outlines", "test", "object", 200), measure("boxes-of-things-never-seen", "unseen", "object-box", 150) }
  end

  return lac.extend(networks, {
    data = { train = train, eval = eval }, measures = measures,
    parts = {
      vae = vae, clip = clip, base = base,
      -- another CLIP of the same data, by which the miniature is scored: what was trained with the one is not judged by it
      judge = lac.extend(clip, { name = world.name .. "-judge", seed = 2 }),
      -- text to image, as the paper's baselines have Stable Diffusion 1.5: what blending paints with, and SmartBrush begins from
      text = lac.extend(base, { name = world.name .. "-text", model = { system = "sd-blend", unet = { config = { in_channels = 4 } } }, loss = { whole = 0 } }),
    },

    settings      = { steps = 20, guidance_scale = 3 },
    cache         = "pictures",
    loss          = { objective = { snr_gamma = 5 }, prompt_dropout = 0.1 },
    kd_region     = "masked",
    brush         = { loss = { whole = 0.2, known = false }, settings = { predicted_mask = "last" } },      -- docs/catdiff.md, Baselines
    distill       = 0.1,
    optim         = { kind = "adamw", clip = 1, ema = 0.998, ema_warmup = true },
    schedule      = function(lr, steps) return { kind = "cosine", warmup = 50, total = steps, final = lr / 10 } end,
    lr            = { new = 1e-3, old = 1e-4 },         -- ten to one, as published
    steps         = { distill = 600, unet = 500, sem = 150, joint = 300 },
    init          = {
      distill = { { from = run "clip", of = "clip", network = "clip_vision" }, { from = run "clip", of = "clip", network = "text_encoder" },
                  { from = run "clip", of = "clip", network = "sem_inpainter", rename = { ["vision_model."] = "fusion_model." }, strict = false } },
      unet    = { { from = run "base", network = "vae" }, { from = run "base", network = "unet", strict = false } },
      row1    = { { from = run "base", network = "all" } },
      row2    = { { from = run "base", network = "vae" }, { from = run "base", network = "text_encoder" }, { from = run "base", network = "unet", strict = false },
                  { from = run "clip", of = "clip", network = "clip_vision" } },
      smartbrush = { { from = run "text", network = "vae" }, { from = run "text", network = "text_encoder" }, { from = run "text", network = "unet", widen = true, strict = false } },
    },
    run = {
      name  = world.name,
      first = { base },
      batch = { global = 32 },
      data  = { train = train, eval = eval },
      sample = { every = 1000, images = 12 }, validate = { loss = { every = 250, draws = 2, limit = 256 } }, checkpoint = { every = 100 }, log = { every = 25 },
    },
  })
end }
