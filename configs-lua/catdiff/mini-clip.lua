-- The miniature's CLIP: its text tower tells UNet and SemInpainter what is wanted, its image tower is eyes and teacher.
return lac.extend(require "clip.mini", { name = "catdiff-mini-clip", data = { train = { mix = (require "catdiff.mini-data").mix }, eval = { set = "grounds" } } })
