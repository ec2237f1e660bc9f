/* autograd/ops/channel_affine/channel_affine.h -- pictures brought to the scale that a network was trained at: (x - mean) / deviation and the like.
 *
 *     y[..., c] = x[..., c] * scale[c] + shift[c]         the numbers are the call's, constants to backward
 *
 * x  [..., C]      f32 or bf16, 1 <= C <= 4
 * y  shape of x    f32 or bf16 as the attr says; owned by the tape
 *
 * Backward reads nothing. Fails with LAC_ERR_SHAPE for another number of channels, LAC_ERR_ARG for another dtype. */
#pragma once

#include "autograd/tape.h"

enum { LAC_AFFINE_CHANNELS = 4 };

typedef struct lac_channel_affine_attr {
    float scale[LAC_AFFINE_CHANNELS], shift[LAC_AFFINE_CHANNELS];
    lac_dtype dtype;            /* of y */
} lac_channel_affine_attr;

lac_tensor *lac_channel_affine(lac_tape *t, lac_tensor *x, const lac_channel_affine_attr *a);
/* x * factor in dtype d, whatever the shape: by a number that the host has, and that captured work may hold. */
lac_tensor *lac_scaled(lac_tape *t, lac_tensor *x, float factor, lac_dtype d);
