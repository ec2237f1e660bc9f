-- Rendered solids, named by finish, colour and shape: nothing is fetched. Autoencoder and CLIP see one or two in a picture; what is painted stands alone, so that its prompt names it alone.
-- "checked cyan sphere" is 11 tokens.
--
--     build/lacuna pack scenes --size 64 --count 8000 --objects 1-2 -o sets/scenes.h5
--     build/lacuna pack scenes --size 64 --count 8000 --objects 1 --seed 1 -o sets/solids.h5
return (require "catdiff.mini").of { name = "catdiff-scenes", sets = { "solids" }, held_out = "solids", seen = "scenes", ids = 12 }
