-- CAT-Diffusion's tables 1 and 2: their rows, its baselines and itself, as published and in miniature, by objects' outlines and by their boxes.
local cat, mini = require "catdiff", require "catdiff.mini-stamps"
local function trained(name, preset, settings) return { name = name, config = lac.extend(cat, { preset = preset }), settings = settings } end

local names = { blended = "Blended Latent Diffusion", glide = "GLIDE-style, on a latent", smartbrush = "SmartBrush", blending = "Stable Diffusion, blending", inpainting = "Stable Diffusion, inpainting",
                cat = "CAT-Diffusion" }

local methods = {
  published = {
    { name = names.blended, weights = "weights/stable-diffusion-v1-5", system = "blended-latent" },
    { name = names.glide, weights = "weights/stable-diffusion-inpainting", system = "glide-latent", settings = { sampler = "ddpm", steps = 100, guidance_scale = 5 } },
    trained(names.smartbrush, "smartbrush"),
    { name = names.blending, weights = "weights/stable-diffusion-v1-5", system = "sd-blend" },
    { name = names.inpainting, weights = "weights/stable-diffusion-inpainting" },
    trained(names.cat, "published"),
  },
  -- of the metrics of protocols
  judges = { inception = "weights/pt_inception-2015-12-05-6726825d.pth", clip = "weights/clip-vit-large-patch14/model.safetensors", ["clip-vocab"] = "weights/bpe_simple_vocab_16e6.txt.gz" },
  -- first: what rows name as weights
  first = { mini.parts.base, mini.parts.text, mini.parts.judge },
  mini = {
    { name = names.blended, weights = "runs/catdiff-mini-text", system = "blended-latent", settings = { steps = 20, guidance_scale = 3 } },
    { name = names.glide, weights = "runs/catdiff-mini-base", system = "glide-latent", settings = { steps = 40, guidance_scale = 3 } },
    { name = "GLIDE, in pixels", config = lac.extend(require "glide.mini", { name = "catdiff-mini-glide", data = mini.data }) },
    trained(names.smartbrush, "mini-smartbrush"),
    { name = names.blending, weights = "runs/catdiff-mini-text", settings = { steps = 20, guidance_scale = 3 } },
    { name = names.inpainting, weights = "runs/catdiff-mini-base" },
    trained(names.cat, "mini"),
  },
  differences = {
    { a = names.cat, b = names.inpainting }, { a = names.cat, b = names.smartbrush }, { a = names.smartbrush, b = names.inpainting }, { a = names.blending, b = names.inpainting },
  },
}

-- How exact SmartBrush takes the mask to be: 0, an outline, to 3, a box.
local function measure(name, protocol, precision)
  return { name = name, protocol = protocol, sampling = { precision = precision }, metrics = { "fid", "lfid-bbox", "clip-score", "clip-cat" }, pictures = 24 }
end

-- The same of the miniature's, boxes, outlines and boxes again.
local function precise(measures)
  for i, precision in ipairs { 3, 0, 3 } do measures[i] = lac.extend(measures[i], { sampling = { precision = precision } }) end
  return measures
end

local ours = "GLIDE in the paper is OpenAI's, in pixels; here it is its recipe on Stable Diffusion's inpainting network (docs/latent.md). SmartBrush has no released weights: it is trained on the same objects."

-- The table of a collection: name, what its pictures are, its protocols' common beginning, what is known of the published cells, which are in no source at hand.
local function table_of(name, pictures, protocol, facts)
  local caption, notes = pictures .. ", by their outlines and by their boxes.", {}
  for i, fact in ipairs(facts) do notes[i] = fact end
  notes[#notes + 1] = ours
  return {
    name = name,
    table = {
      caption = caption, rows = methods.published, differences = methods.differences, notes = notes,
      measures = { measure("segmentation", protocol .. "-segmentation", 0), measure("boxes", protocol .. "-box", 3) },
    },
    preset  = "published",
    presets = {
      published = { table = { weights = methods.judges } },
      mini = {
        name = name .. "-mini",
        table = {
          first = methods.first, seeds = { 1, 2, 3 }, rows = methods.mini, weights = { ["mini-clip"] = "runs/catdiff-mini-judge" },
          measures = precise(mini.measures({ "FD[mini-clip]", "LFD[mini-clip]", "CLIPscore[mini-clip]", "l1@hole" }, true)),
        },
      },
    },
  }
end

return { judges = methods.judges, table = table_of }
