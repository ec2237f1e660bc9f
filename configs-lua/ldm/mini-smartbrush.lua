-- SmartBrush (arXiv:2212.05034) on the data, autoencoder and budget of mini-inpaint.lua: holes are objects' masks, from outline to box, and a fifth of the pictures
-- is painted whole (docs/latent.md says what differs from the publication).
return lac.extend(require "ldm.mini-inpaint", {
  name  = "mini-smartbrush",
  data  = { train = { mask = "object" } },
  model = {
    system   = "smartbrush",
    settings = { precision = 3 },               -- data.eval's holes are boxes
    unet = { config = { in_channels = 5, out_channels = 5, num_class_embeds = 4 } },
  },
  loss  = { whole = 0.2, dice = 0.01 },
})
