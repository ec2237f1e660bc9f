-- CAT-Diffusion as published, as configs-lua/catdiff.lua wants it: 40,000 steps of 128 pictures in four stages. Where paper and released code differ, docs/catdiff.md says what is taken;
-- `parity` and `paper` are the other choices.
--
--     lacuna pack openimages --root OpenImages --split train --every --max-side 1024 -o sets/openimages-train-objects.h5
--     lacuna pack openimages --root OpenImages --split validation --limit 13400 --size 512 --manifest sets/openimages-objects.jsonl --masks box -o sets/openimages-objects-box.h5
--
--     lacuna pack folder LAION-aesthetics --captions -o sets/laion-aesthetics.h5
--
-- Four fifths of the pictures are objects: half of the holes their masks grown by 5 x 5, half their boxes, the picture cut around them, the prompt their label. A fifth are pictures of LAION
-- (aesthetic subset, sides of 512 and more, CLIP score 0.32 and more) with their captions, all hole: the released code has no hole there, which leaves nothing to learn (`parity`).
-- Not here: the fifth of the labels in whose place a captioner (BLIP-2) wrote of the object's box.
local sd, clip = "weights/stable-diffusion-inpainting", "weights/clip-vit-large-patch14"       -- folders of diffusers and of transformers

local text_to_image = "weights/stable-diffusion-v1-5"

local vae, words = { from = sd, network = "vae" }, { from = sd, network = "text_encoder" }
local eyes       = { from = clip, network = "clip_vision" }
local objects    = { set = "openimages-train-objects", weight = 4 }
local fed_unet   = { from = sd, network = "unet", strict = false }              -- RefAdapters are not in it

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
  loss          = { objective = {}, prompt_dropout = 0.1 },
  kd_region     = "masked",
  brush         = { loss = {}, settings = {} },       -- its share of text-to-image is LAION's fifth
  optim         = { kind = "adamw", decay = 0.01 },
  lr            = { new = 1e-4, old = 1e-5 },
  steps         = { distill = 10000, unet = 10000, sem = 10000, joint = 10000 },
  init          = {
    distill = { eyes, words, { from = clip, network = "sem_inpainter", rename = { ["vision_model."] = "fusion_model." }, strict = false } },
    unet    = { vae, fed_unet },
    row1    = { vae, words, { from = sd, network = "unet" } },
    row2    = { vae, words, eyes, fed_unet },
    smartbrush = { vae, words, { from = text_to_image, network = "unet", widen = true, strict = false } },          -- but for the last layer, which says a mask too
  },
  run = {
    name  = "catdiff",
    batch = { global = 128, micro = 16 },
    data  = { train = { mix = { objects, { set = "laion-aesthetics", mask = "whole" } }, size = 512, around = true, mask = "object+2|object-box" },
              eval = { set = "openimages-objects-box", split = "validation", size = 512, crop = "squash", mask = "object" } },
    sample = { every = 1000, images = 12 }, validate = { loss = { every = 1000, limit = 512 } }, checkpoint = { every = 500 }, log = { every = 25 },
  },

  -- The released code: all patches in the lesson, SemInpainter and RefAdapters begin with drawn weights, one coin for a whole batch, cells that the hole touches, the hole black before the
  -- autoencoder, no hole in LAION's pictures.
  parity = {
    kd_region = "all", ref_zero_init = false, settings = { hole_fill = "black", mask_rule = "half" },
    loss = { drop = "per-batch", latent_mask = "any-touch" },
    init = { distill = { eyes, words } },
    run = { data = { train = { mix = { objects, { set = "laion-aesthetics", mask = "none" } } } } },
  },
  -- The paper's own words; of LAION it says none.
  paper = { run = { data = { train = { mix = { objects } } } }, optim = { kind = "adam", decay = 0 }, lr = { new = 1e-5, old = 1e-5 } },
}
