-- How near SemInpainter comes to what CLIP sees of the truth (arXiv:2409.08260, section 4), docs/catdiff.md: mean cosine over the hole's tokens, of what it says and of what it was given.
--
--     trainer configs-lua/tables/catdiff_cosine.lua                  as published
--     trainer configs-lua/tables/catdiff_cosine.lua preset=mini      everything from nothing at 64 x 64, three seeds, on a CPU; preset=scenes likewise, of rendered solids
local metrics = { "sem-cosine", "sem-cosine-input" }
local function rows(preset) return { { name = "CAT-Diffusion", config = lac.extend(require "catdiff", { preset = preset }) } } end
local caption = "Cosine of SemInpainter's features, and of its input's, to CLIP's of the truth."

-- Features alone are looked at: a picture is painted in one step.
local function quick(measures)
  local all = {}
  for i, m in ipairs(measures) do all[i] = lac.extend(m, { sampling = { steps = 1 } }) end
  return all
end

local function miniature(preset, world)
  return {
    name = "catdiff-cosine-" .. preset,
    table = {
      seeds = { 1, 2, 3 },
      rows = rows(preset),
      measures = quick(world.measures(metrics)),
      notes = { "Published, of CLIP ViT-L/14 at 512 x 512: 0.65, of the input 0.47." },
    },
  }
end

return {
  name = "catdiff-cosine",
  table = {
    caption = caption,
    rows = rows "published",
    measures = quick { {
      name = "segmentation", protocol = "catdiff-openimages-segmentation", metrics = metrics, limit = 10000,
      published = { { name = "CAT-Diffusion", source = "arXiv:2409.08260, 10,000 pictures", values = { ["sem-cosine"] = 0.65, ["sem-cosine-input"] = 0.47 } } },
    } },
  },
  presets = { mini = miniature("mini", require "catdiff.mini-stamps"), scenes = miniature("scenes", require "catdiff.mini-scenes") },
}
