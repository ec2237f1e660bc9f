-- arXiv:1806.03589 on CelebA-HQ: whole faces, brought to 256 x 256.
return lac.extend(require "deepfill.places256", {
  name  = "deepfill-celebahq256",
  steps = 500000,
  data  = {
    train = { set = "celebahq", crop = "squash" },
    eval  = { set = "celebahq", crop = "squash" },
  },
})
