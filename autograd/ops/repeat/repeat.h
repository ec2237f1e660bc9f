/* autograd/ops/repeat/repeat.h -- the same tensor for every sample: y[n, ...] = x[...].
 *
 * x   [...]       f32 or bf16, at most five dims (a class token, an empty prompt's states)
 * y   [N, ...]    dtype of x; owned by the tape
 *
 * Backward reads nothing; the gradient is the sum over samples, in their order. Fails with LAC_ERR_SHAPE for more dims or a negative N. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_repeat_attr { int64_t n; } lac_repeat_attr;

lac_tensor *lac_repeat(lac_tape *t, lac_tensor *x, int64_t n);
