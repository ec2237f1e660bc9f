/* autograd/ops/resize/resize.h -- resampling of height and width. With s = in / out per axis and output index j:
 *
 *     nearest    min(floor(j s), in - 1), s in float32
 *     bilinear   between the neighbours of (j + 1/2) s - 1/2, not below 0
 *     bicubic    Keys' kernel with a = -0.75 over four neighbours of (j + 1/2) s - 1/2; no antialiasing
 *     area       mean over [floor(j s), ceil((j + 1) s))
 *     max        maximum over blocks of s x s, s an integer; it has no gradient
 *
 * align_corners puts the position at j (in - 1) / (out - 1), 0 if out = 1; for nearest that is min(floor(j s + 1/2), in - 1) with
 * s = (in - 1) / (out - 1) in float32, TensorFlow's rule; area and max know nothing of it. Neighbours outside are clamped to the edge.
 *
 * x  [N, H, W, C]              f32 or bf16, H and W at least 1
 * y  [N, height, width, C]     dtype of x; owned by the tape
 *
 * Backward reads nothing. */
#pragma once

#include "autograd/tape.h"

typedef enum { LAC_RESIZE_NEAREST, LAC_RESIZE_BILINEAR, LAC_RESIZE_BICUBIC, LAC_RESIZE_AREA, LAC_RESIZE_MAX } lac_resize_mode;

typedef struct lac_resize_attr {
    int64_t height, width;
    lac_resize_mode mode;
    bool align_corners;
} lac_resize_attr;

lac_tensor *lac_resize(lac_tape *t, lac_tensor *x, const lac_resize_attr *a);
