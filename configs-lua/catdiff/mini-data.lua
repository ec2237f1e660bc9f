-- The miniature's pictures: objects of *stamps* at 64 x 64, on photographs (collage) and on rendered grounds (grounds), of which there are as many as anybody wants.
local mix = { { set = "collage" }, { set = "grounds" } }
return {
  mix   = mix,
  train = { mix = mix, size = 64, flip = true, mask = "object+2|object-box" },
  eval  = { set = "grounds", split = "val", size = 64, mask = "object-box" },
}
