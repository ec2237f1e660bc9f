-- Objects of *stamps*, on photographs (collage) and on rendered grounds (grounds), of which there are as many as anybody wants.
return (require "catdiff.mini").of { name = "catdiff-mini", sets = { "collage", "grounds" }, vae_sets = { "stamps", "collage", "grounds" }, held_out = "grounds", ids = 8 }
