/* autograd/ops/lpips_distance/lpips_distance.h -- one layer's term of LPIPS (arXiv:1801.03924, eq. 1, as released, version 0.1).
 *
 *     u = a / (|a| + 1e-10),  v = b / (|b| + 1e-10)           per pixel, over its channels
 *     map[n, p] = sum over c of weight[c] (u[c] - v[c])^2,        y[n] = before[n] + mean over pixels of map[n]
 *
 * a, b    [N, H, W, C]     f32 or bf16, alike
 * weight  C numbers in any shape, f32; never gets a gradient
 * before  [N]              f32, optional (NULL): what the layers before came to
 * y       [N]              f32; owned by the tape, as is
 * map     [N, H, W, 1]     f32
 *
 * A pixel whose vector is zero gets no gradient (features are rectified there, and the slope of |a| is none). Backward reads a, b and weight.
 * Fails with LAC_ERR_SHAPE or LAC_ERR_DTYPE, naming the input at fault; H and W are at least 1. */
#pragma once

#include "autograd/tape.h"

/* Returns y; *map may be asked for with a pointer that is not NULL. */
lac_tensor *lac_lpips_distance(lac_tape *t, lac_tensor *a, lac_tensor *b, lac_tensor *weight, lac_tensor *before, lac_tensor **map);
