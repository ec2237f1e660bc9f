/* autograd/ops/vlb_loss/vlb_loss.h -- the variational bound's term of a network that says its own variance (Nichol and Dhariwal 2021, arXiv:2102.09672, section 3.1),
 * in bits. Of each value, with log s^2 = least + (1 + v) / 2 span and e = mean (target - output), by how much the network's mean is off:
 *
 *     t > 0   the divergence of N(true mean, exp(least)) from N(mean, s^2):  (exp(least) / s^2 - 1 - least + log s^2 + e^2 / s^2) / 2
 *     t = 0   -log of the share of N(mean, s^2) in x_0's grey level of 256:  cdf((e + 1/255) / s) - cdf((e - 1/255) / s), all that is below or above at the ends,
 *             at least 1e-12, with the released code's cdf(z) = (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2
 *
 * v         [N, ...]   f32 or bf16, what the network says of the variance
 * output    [N, ...]   f32 or bf16, and of the picture; never gets a gradient: hand in lac_detach of it, so that the term moves the variance alone, as published
 * target    [N, ...]   f32, what it should say
 * x0        [N, ...]   f32, in [-1, 1]
 * row       [N, 4]     f32: mean, least, span, and 1 at t = 0, else 0 (lac_objective_rows.variance)
 * sum       []         f32, summed in double; owned by the tape
 *
 * Backward reads all of them. Fails with LAC_ERR_SHAPE where they do not fit together. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_vlb_loss_in { lac_tensor *v, *output, *target, *x0, *row; } lac_vlb_loss_in;
lac_tensor *lac_vlb_loss(lac_tape *t, const lac_vlb_loss_in *in);
