/* autograd/ops/pad2d/pad2d.h -- padding of height and width by what is inside (zero padding is the convolution's own).
 *
 *     reflect    c b | a b c | b a     the edge is not repeated: pad < size
 *     symmetric  b a | a b c | c b     the edge is repeated: pad <= size
 *     replicate  a a | a b c | c c
 *
 * x  [N, H, W, C]                              f32 or bf16
 * y  [N, top + H + bottom, left + W + right, C]    dtype of x; owned by the tape
 *
 * Backward reads nothing. A negative pad, or one too large for the mode, is LAC_ERR_SHAPE. */
#pragma once

#include "autograd/tape.h"

typedef enum { LAC_PAD_REFLECT, LAC_PAD_SYMMETRIC, LAC_PAD_REPLICATE } lac_pad_mode;

typedef struct lac_pad2d_attr {
    int64_t pad[4];         /* top, bottom, left, right */
    lac_pad_mode mode;
} lac_pad2d_attr;

lac_tensor *lac_pad2d(lac_tape *t, lac_tensor *x, const lac_pad2d_attr *a);
