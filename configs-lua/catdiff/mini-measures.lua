-- What the miniature's tables measure of which metrics: grounds that training never saw, the holes objects' outlines or boxes, and, apart, things that it never saw either.
return { of = function(metrics)
  local function measure(name, split, mask, limit)
    return { name = name, data = { set = "grounds", split = split, size = 64, mask = mask }, metrics = metrics, limit = limit, pictures = 24, seed = 1 }
  end
  return { measure("outlines", "test", "object", 500), measure("boxes", "test", "object-box", 500), measure("boxes-of-things-never-seen", "unseen", "object-box", 250) }
end }
