-- Rendered solids, named by finish, colour and shape: nothing is fetched. "checked cyan sphere" is 11 tokens.
--
--     build/lacuna pack scenes -o sets/scenes.h5 --size 64 --count 8000 --objects 1-2
return (require "catdiff.mini").of { name = "catdiff-scenes", sets = { "scenes" }, held_out = "scenes", ids = 12 }
