-- CAT-Diffusion (Chen et al. 2024, arXiv:2409.08260), docs/catdiff.md:
--
--     trainer configs-lua/catdiff.lua                  as published: objects of OpenImages V6 at 512 x 512, from Stable Diffusion's inpainting and CLIP ViT-L/14
--     trainer configs-lua/catdiff.lua preset=mini      everything from nothing at 64 x 64, on a CPU: objects of *stamps*; preset=scenes: rendered solids, nothing fetched
--
-- Each world, published (no prefix), mini- and scenes-, has rows 1 and 2 of the ablation (preset=row1, row2, mini-row1, ...) and SmartBrush on the same data for as many steps (smartbrush);
-- what a miniature begins from is trained first, or alone: preset=mini-vae, -clip, -base, and -judge and -text, which only tables want. A stage is skipped by stages.N.steps=0.
-- preset=parity: whatever the released code does otherwise (catdiff/published.lua); preset=paper: Adam at 1e-5 everywhere, as the paper says it. `--dry-run` tells what data and weights are
-- wanted, where they come from, and what it costs.

-- s: widths, weights, rates and steps of one size.
local function experiment(s)
  local text  = { text_encoder = { config = s.text_encoder }, tokenizer = s.tokenizer, prompts = s.prompts }
  local eyes  = lac.extend(text, { clip_vision = { config = s.clip_vision } })
  local sem   = { sem_inpainter = { config = s.sem_inpainter } }
  local fed   = { unet = { config = { fusion_dim = s.clip_vision.hidden_size } }, ref_zero_init = s.ref_zero_init }       -- with RefAdapters
  local plain = lac.extend({ vae = { config = s.vae }, unet = { config = s.unet }, settings = s.settings, cache = s.cache, recompute = s.recompute }, text)
  local full  = lac.extend(lac.extend(lac.extend(plain, eyes), sem), lac.extend(fed, { system = "catdiff" }))

  -- RefAdapters and SemInpainter are new, the UNet is not.
  local adapters = { { match = "*.attn3.*", lr = s.lr.new }, { match = "*.norm4.*", lr = s.lr.new } }
  local function optim(lr, steps, groups)
    return lac.extend(s.optim, { lr = lr, groups = groups, schedule = s.schedule and s.schedule(lr, steps) })
  end
  local function denoise(stage)
    return lac.extend({ recipe = "latent", loss = s.loss }, stage)
  end

  return {
    full = {
      -- 1a: SemInpainter learns of CLIP what is behind the hole
      { stage = "distill", recipe = "distill", steps = s.steps.distill, model = lac.extend(eyes, sem), loss = { kd_region = s.kd_region }, sample = { every = 0 },
        optim = { sem_inpainter = optim(s.lr.new, s.steps.distill) }, init = s.init.distill },
      -- 1b: UNet and RefAdapters learn to read what CLIP sees of the truth
      denoise { stage = "unet", steps = s.steps.unet, model = lac.extend(full, { visual = "truth" }), optim = { unet = optim(s.lr.old, s.steps.unet, adapters) },
                init = s.init.unet },
      -- 2a: SemInpainter alone, by the denoiser's loss, and its lesson beside if s says so
      denoise { stage = "sem", steps = s.steps.sem, model = lac.extend(full, { train_unet = false, train_sem_inpainter = true }), loss = { distill = s.distill },
                optim = { unet = optim(s.lr.new, s.steps.sem) } },
      -- 2b: everything
      denoise { stage = "joint", steps = s.steps.joint, model = lac.extend(full, { train_sem_inpainter = true }), loss = { distill = s.distill },
                optim = { unet = optim(s.lr.old, s.steps.joint, { adapters[1], adapters[2], { match = "sem_inpainter/*", lr = s.lr.new } }) } },
    },
    row1 = {
      denoise { stage = "row1", steps = s.steps.unet + s.steps.joint, model = lac.extend(plain, { system = "sd-inpaint" }),
                optim = { unet = optim(s.lr.old, s.steps.unet + s.steps.joint) }, init = s.init.row1 },
    },
    row2 = {
      denoise { stage = "row2", steps = s.steps.unet + s.steps.joint, model = lac.extend(lac.extend(plain, eyes), lac.extend(fed, { system = "catdiff-masked" })),
                optim = { unet = optim(s.lr.old, s.steps.unet + s.steps.joint, adapters) }, init = s.init.row2 },
    },
    -- from a UNet of text alone; a share of the pictures is painted whole (docs/latent.md: what differs from the publication)
    smartbrush = {
      denoise { stage = "smartbrush", steps = s.steps.unet + s.steps.joint, data = { train = { mask = "object" } }, loss = lac.extend({ dice = 0.01 }, s.brush.loss),
                model = lac.extend(plain, { system = "smartbrush", settings = lac.extend({ precision = 3 }, s.brush.settings), unet = { config = { in_channels = 5, out_channels = 5, num_class_embeds = 4 } } }),
                optim = { unet = optim(s.lr.old, s.steps.unet + s.steps.joint) }, init = s.init.smartbrush },
    },
  }
end

local published = require "catdiff.published"
local function other(name, changes)
  local s = lac.extend(published, changes)
  return lac.extend(s.run, { name = name, stages = experiment(s).full })
end

local presets = { parity = other("catdiff-parity", published.parity), paper = other("catdiff-paper", published.paper) }
local function add(prefix, full, s)
  local stages, parts = experiment(s), s.parts or {}
  presets[full] = lac.extend(s.run, { stages = stages.full })
  for _, row in ipairs { "row1", "row2", "smartbrush" } do
    presets[prefix .. row] = lac.extend(s.run, { name = s.run.name .. "-" .. row, first = row == "smartbrush" and parts.text and { parts.text } or nil, stages = stages[row] })
  end
  for name, config in pairs(parts) do presets[prefix .. name] = config end
end
add("", "published", published)
add("mini-", "mini", require "catdiff.mini-stamps")
add("scenes-", "scenes", require "catdiff.mini-scenes")
return { preset = "published", presets = presets }
