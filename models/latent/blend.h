/* models/latent/blend.h -- the known part of a latent put back while the hole is sampled (Blended Latent Diffusion, Avrahami et al. 2023, section 3).
 *
 *     z = mask z + (1 - mask) (level[0] source + level[1] noise)
 *
 * z, source, noise  [N, h, w, C]         mask [N or 1, h, w, 1] f32, 1 = hole
 * level             [2] f32              how much picture and noise a sample holds at the timestep in question (lac_mixture)
 * the result        f32, z's shape */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_blend_latent(lac_tape *t, lac_tensor *z, lac_tensor *source, lac_tensor *noise, lac_tensor *mask, lac_tensor *level);
