/* models/autoencoder/formats.h -- weights of autoencoders under the names of others.
 *
 *     autoencoder-kl   "probe"       diffusers: decoder.up_blocks.0.resnets.0.conv1.weight, ...attentions.0.to_q.weight [C, C]
 *                      "diffusers-0" the same before attention was renamed: ...attentions.0.query.weight, key, value, proj_attn
 *                      "compvis"     decoder.up.3.block.0.conv1.weight, ...attn_1.q.weight [C, C, 1, 1]; alone or after "first_stage_model." in a checkpoint
 *     vqgan            "compvis"     its own names, alone (taming-transformers) or after "first_stage_model." (latent-diffusion)
 *
 * Tensors of a CompVis checkpoint that belong to no first stage (the denoiser, the loss's networks) are passed over. What shapes tell of the config is
 * inferred: groups, and a VQGAN's resolution, they do not tell. */
#pragma once

#include "models/network_format.h"

extern const lac_network_format lac_autoencoder_kl_formats[], lac_vqgan_formats[];
