/* autograd/ops/concat/concat.h -- inputs one after another along the batch (first dim) or the channels (last dim).
 *
 * x[0] .. x[n-1]   n from 1 to 8, f32 or bf16, all of one dtype, equal in the other dims
 * y                their dtype; owned by the tape
 *
 * Backward reads nothing. Fails with LAC_ERR_SHAPE or LAC_ERR_DTYPE where the inputs do not fit together. */
#pragma once

#include "autograd/tape.h"

typedef enum { LAC_CONCAT_CHANNELS, LAC_CONCAT_BATCH } lac_concat_axis;

typedef struct lac_concat_attr { lac_concat_axis axis; } lac_concat_attr;

lac_tensor *lac_concat(lac_tape *t, lac_tensor *const *x, int n, lac_concat_axis axis);
