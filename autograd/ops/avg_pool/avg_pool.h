/* autograd/ops/avg_pool/avg_pool.h -- the mean over a window around each pixel, of those pixels that the map has: PyTorch's avg_pool2d with stride 1,
 * padding kernel / 2 and count_include_pad=False.
 *
 *     y[n, i, j, c] = mean of x[n, i + a, j + b, c] over |a|, |b| <= kernel / 2 inside x
 *
 * x  [N, H, W, C]      f32 or bf16
 * y  shape and dtype of x; owned by the tape
 *
 * Backward reads nothing. Fails with LAC_ERR_ARG unless the kernel is odd and of 1 to 15 pixels. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_avg_pool_attr { int64_t kernel; } lac_avg_pool_attr;

lac_tensor *lac_avg_pool(lac_tape *t, lac_tensor *x, int64_t kernel);
