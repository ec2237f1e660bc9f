/* models/latent/parts.h -- the networks of latent systems, called alike whichever they are. */
#pragma once

#include "models/latent/sampling.h"

/* "unet2d-condition" and "unet-ldm": what lac_latent_sampling wants of them. */
lac_tensor *lac_denoise_unet(lac_tape *t, const void *model, const lac_denoise_in *in);
