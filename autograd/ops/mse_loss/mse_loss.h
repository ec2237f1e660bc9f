/* autograd/ops/mse_loss/mse_loss.h -- sum of squared differences, weighted by sample, and the mean of each sample.
 *
 *     sum = sum over n of w[n] sum of (x[n, ...] - y[n, ...])^2,  count = how many elements x has
 *     each[n] = w[n] times the mean of (x[n, ...] - y[n, ...])^2
 *
 * x, y         [N, ...]   f32 or bf16, each its own
 * w            [N]        f32, or NULL for ones; never gets a gradient (min-SNR weights of the sample's timestep)
 * sum, count   []         f32, summed in double; owned by the tape. The loss is sum / count; count has no gradient
 * each         [N]        f32, with a gradient: for curves by timestep, and for whoever weighs samples later. 0 where a sample has no elements
 *
 * Backward reads x, y and w. Fails with LAC_ERR_SHAPE where these do not fit together. */
#pragma once

#include "autograd/tape.h"

/* Returns the sum; *count and *each may be NULL when they are not wanted. */
lac_tensor *lac_mse_loss(lac_tape *t, lac_tensor *x, lac_tensor *y, lac_tensor *w, lac_tensor **count, lac_tensor **each);
