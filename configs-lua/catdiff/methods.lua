-- Rows of CAT-Diffusion's tables 1 and 2: its baselines and itself, as published and in miniature.
local cat, data = require "catdiff", require "catdiff.mini-data"
local function trained(name, preset, settings) return { name = name, config = lac.extend(cat, { preset = preset }), settings = settings } end

local names = { blended = "Blended Latent Diffusion", glide = "GLIDE-style, on a latent", smartbrush = "SmartBrush", blending = "Stable Diffusion, blending", inpainting = "Stable Diffusion, inpainting",
                cat = "CAT-Diffusion" }

return {
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
  first = { require "catdiff.mini-base", require "catdiff.mini-text", require "catdiff.mini-judge" },
  mini = {
    { name = names.blended, weights = "runs/catdiff-mini-text", system = "blended-latent", settings = { steps = 20, guidance_scale = 3 } },
    { name = names.glide, weights = "runs/catdiff-mini-base", system = "glide-latent", settings = { steps = 40, guidance_scale = 3 } },
    { name = "GLIDE, in pixels", config = lac.extend(require "glide.mini", { name = "catdiff-mini-glide", data = { train = data.train, eval = data.eval } }) },
    trained(names.smartbrush, "mini-smartbrush"),
    { name = names.blending, weights = "runs/catdiff-mini-text", settings = { steps = 20, guidance_scale = 3 } },
    { name = names.inpainting, weights = "runs/catdiff-mini-base" },
    trained(names.cat, "mini"),
  },
  differences = {
    { a = names.cat, b = names.inpainting }, { a = names.cat, b = names.smartbrush }, { a = names.smartbrush, b = names.inpainting }, { a = names.blending, b = names.inpainting },
  },
}
