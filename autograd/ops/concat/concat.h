/* autograd/ops/concat/concat.h -- inputs one after another along an axis: 0 the batch, -1 the last dim (channels), -2 the one before it, ...
 *
 * x[0] .. x[n-1]   n from 1 to 8, f32 or bf16, all of one dtype, equal in the other dims
 * y                their dtype; owned by the tape
 *
 * Backward reads nothing. Fails with LAC_ERR_SHAPE or LAC_ERR_DTYPE where the inputs do not fit together, or there is no such axis. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_concat_attr { int axis; } lac_concat_attr;

lac_tensor *lac_concat(lac_tape *t, lac_tensor *const *x, int n, int axis);
