/* models/unet/formats.h -- the UNets in files of others: "compvis" is Stable Diffusion's .ckpt, `model.diffusion_model.input_blocks...`; "compvis-ema" the moving
 * average that full checkpoints keep beside it, `model_ema.diffusion_modelinput_blocks...` without dots, which is taken where it is there. */
#pragma once

#include "models/network_format.h"

extern const lac_network_format lac_unet2d_condition_formats[], lac_unet_ldm_formats[];
