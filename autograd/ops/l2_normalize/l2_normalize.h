/* autograd/ops/l2_normalize/l2_normalize.h -- rows of length 1: y = x / |x| over the last dim, |x| the root of the sum of squares, nothing added.
 *
 * x   [..., C]    f32 or bf16
 * y   [..., C]    attr's dtype: f32 for what compares embeddings; owned by the tape
 *
 * A row of zeros has no direction: y is 0 there, and so is its gradient. Lengths are summed in double. Backward reads x and the lengths. Fails with
 * LAC_ERR_SHAPE for a scalar. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_l2_normalize_attr { lac_dtype dtype; } lac_l2_normalize_attr;

lac_tensor *lac_l2_normalize(lac_tape *t, lac_tensor *x, lac_dtype dtype);
