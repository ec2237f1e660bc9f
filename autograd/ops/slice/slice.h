/* autograd/ops/slice/slice.h -- places [from, from + count) along an axis, copied: 0 the batch, -1 the last dim (channels), -2 the one before it, ...
 *
 * x   any shape, f32 or bf16
 * y   dtype of x, `count` along the axis; owned by the tape
 *
 * Along the first axis lac_rows (autograd/tape.h) gives the same without a copy. Backward reads nothing; the gradient of what lies outside is 0.
 * Fails with LAC_ERR_SHAPE where x has no such axis or no such places. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_slice_attr { int axis; int64_t from, count; } lac_slice_attr;

lac_tensor *lac_slice(lac_tape *t, lac_tensor *x, int axis, int64_t from, int64_t count);
