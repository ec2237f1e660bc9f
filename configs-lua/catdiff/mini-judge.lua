-- Another CLIP of the same data, by which the miniature is scored: what was trained with the one is not judged by it.
return lac.extend(require "catdiff.mini-clip", { name = "catdiff-mini-judge", seed = 2 })
