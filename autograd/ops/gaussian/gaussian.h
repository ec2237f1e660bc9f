/* autograd/ops/gaussian/gaussian.h -- the diagonal Gaussian that an autoencoder's encoder describes (arXiv:1312.6114; arXiv:2112.10752, G).
 *
 *     mean = moments[..., :z],  logvar = clamp(moments[..., z:], -30, 20)
 *     sample = mean + exp(logvar / 2) noise,  kl[n] = 1/2 sum over the sample n of mean^2 + exp(logvar) - 1 - logvar
 *
 * moments  [N, h, w, 2z]   f32 or bf16, means first
 * noise    [N, h, w, z]    f32 or bf16, or NULL: the sample is the mean, the mode
 * sample, mean, logvar     [N, h, w, z], dtype of moments; kl [N] f32, summed in double; owned by the tape
 *
 * A log-variance outside the clamp gets no gradient. Backward reads moments and noise. Fails with LAC_ERR_SHAPE unless these fit together. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_gaussian_out { lac_tensor *sample, *mean, *logvar, *kl; } lac_gaussian_out;

/* All NULL after an error. */
lac_gaussian_out lac_gaussian(lac_tape *t, lac_tensor *moments, lac_tensor *noise);
