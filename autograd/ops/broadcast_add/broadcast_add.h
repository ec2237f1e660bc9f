/* autograd/ops/broadcast_add/broadcast_add.h -- a tensor and a smaller one: positions to tokens, a bias, a mask.
 *
 *     y = x + b           b repeated along its dims that are 1, and those in front that it lacks
 *
 * x  [N, ..., C]     f32 or bf16, at least one dim
 * b  [..., C]        f32 or bf16, each its own; aligned from the last dim, each dim that of x or 1
 * y                  shape and dtype of x; owned by the tape
 *
 * Added in f32. Backward reads nothing; the gradient of b is summed in fixed blocks. Fails with LAC_ERR_SHAPE where b does not fit x. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_broadcast_add(lac_tape *t, lac_tensor *x, lac_tensor *b);
