/* autograd/ops/max_pool/max_pool.h -- the maximum over windows of height and width, as PyTorch's max_pool2d.
 *
 *     y[n, i, j, c] = max over a, b of x[n, i s - p + a, j s - p + b, c]      a, b < kernel; what lies outside x does not count
 *
 * Per axis of n pixels floor((n + 2 p - kernel) / s) + 1 come out; `ceil` rounds up instead (a window may then be larger than the picture), but none begins
 * behind the last pixel and its padding.
 *
 * x  [N, H, W, C]      f32 or bf16
 * y  [N, H', W', C]    dtype of x; owned by the tape
 *
 * NaN wins. The gradient goes to the first of equal maxima, in rows from the top; its place in the window is saved, a byte each. Backward reads that
 * alone. Fails with LAC_ERR_ARG unless 1 <= kernel <= 15, stride >= 1 and 0 <= pad <= kernel / 2, and with LAC_ERR_SHAPE where no window fits. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_max_pool_attr { int64_t kernel, stride, pad; bool ceil; } lac_max_pool_attr;

lac_tensor *lac_max_pool(lac_tape *t, lac_tensor *x, const lac_max_pool_attr *a);
