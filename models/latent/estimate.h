/* models/latent/estimate.h -- the known part put into a network's estimate of the clean sample (GLIDE, Nichol et al. 2021, section 2.4, as its released code samples):
 *
 *     x_0 = mask x_0(output) + (1 - mask) source, cut to [-clip, clip];   the output that says this x_0
 *
 * x_0(output) follows from what the network saw and what it predicts (models/diffusion/prediction.h). A sampler that is given the new output goes on from the
 * new estimate, whatever its steps are. */
#pragma once

#include "autograd/tape.h"
#include "models/diffusion/prediction.h"

/* At one timestep: of what the network saw and its output, x_0; of what it saw and x_0, the output. alpha_bar below 1 and above 0. */
typedef struct lac_estimate_levels { float x0[2], output[2]; } lac_estimate_levels;
lac_estimate_levels lac_estimate_levels_at(lac_prediction p, double alpha_bar);

/* seen, output, source [N, h, w, C]; mask [N or 1, h, w, 1] f32; x0 and back: f32 [2], the levels; clip 0: not cut. f32, of output's shape. */
typedef struct lac_estimate_in { lac_tensor *seen, *output, *source, *mask, *x0, *back; float clip; } lac_estimate_in;
lac_tensor *lac_estimate_with_known(lac_tape *t, const lac_estimate_in *in);
