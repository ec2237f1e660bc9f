/* autograd/ops/linear/linear.h -- y = x W^T + b over the last dim.
 *
 * x       [..., I]     f32 or bf16, one dim or more
 * weight  [O, I]       dtype of x
 * bias    [O]          f32, optional (NULL)
 * y       [..., O]     dtype of x
 *
 * Sums are f32. Backward reads x and weight. Fails with LAC_ERR_SHAPE or LAC_ERR_DTYPE, naming the input at fault. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_linear(lac_tape *t, lac_tensor *x, lac_tensor *weight, lac_tensor *bias);
