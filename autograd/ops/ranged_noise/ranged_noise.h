/* autograd/ops/ranged_noise/ranged_noise.h -- a sampler's noise where the network says how much of it there is, between two bounds (Nichol and Dhariwal 2021,
 * arXiv:2102.09672, eq. 15):
 *
 *     y = x exp(((1 - v) / 2 least + (1 + v) / 2 most) / 2)
 *
 * x, v      one shape   f32 or bf16, each its own: standard normals, and what the network says
 * range     [2]         f32: least and most, logarithms of variances
 * y         f32, shape of x; owned by the tape
 *
 * No gradient. Fails with LAC_ERR_SHAPE where these do not fit together. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_ranged_noise(lac_tape *t, lac_tensor *x, lac_tensor *v, lac_tensor *range);
