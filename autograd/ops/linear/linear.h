/* autograd/ops/linear/linear.h -- y = x W^T + b over the last dim; of two inputs side by side, and added to a third, where that is asked for.
 *
 *     y = [x | skip] W^T + b + residual
 *
 * x        [..., A]     f32 or bf16, one dim or more
 * skip     [..., B]     dtype of x, other dims as x, optional (NULL: B = 0); it is never copied behind x
 * weight   [O, A + B]   dtype of x; further dims of 1 are passed over, as a 1x1 convolution's [O, 1, 1, A + B] or [O, A + B, 1]
 * bias     [O]          f32, optional (NULL)
 * residual [..., O]     dtype and shape of y, optional (NULL)
 * y        [..., O]     dtype of x
 *
 * Sums are f32; with skip that of x is rounded to the dtype of y before skip's is added. Backward reads x, skip and weight. Fails with LAC_ERR_SHAPE
 * or LAC_ERR_DTYPE, naming the input at fault. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_linear(lac_tape *t, lac_tensor *x, lac_tensor *weight, lac_tensor *bias);
lac_tensor *lac_linear_sum(lac_tape *t, lac_tensor *x, lac_tensor *skip, lac_tensor *weight, lac_tensor *bias, lac_tensor *residual);
