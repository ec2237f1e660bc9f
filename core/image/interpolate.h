/* core/image/interpolate.h -- resizing of float planes as the deep-learning frameworks do it (align_corners = False).
 *
 * With s = in / out in f32:
 *     TORCH_BILINEAR      src = max(0, s (d + 0.5) - 0.5), the two neighbours
 *     TORCH_BICUBIC       src = s (d + 0.5) - 0.5, four neighbours clamped to the border, a = -0.75
 *     TORCH_BILINEAR_AA   the widened triangle of core/image/resample.h in f32
 *     TORCH_BICUBIC_AA    the widened cubic, a = -0.5, in f32
 *     TF1_BILINEAR        src = s d (no half-pixel shift); a + (b - a) t, across first: equal to the bit
 * Nothing is clamped to a range of values. */
#pragma once

#include "core/status.h"

typedef enum {
    LAC_TORCH_BILINEAR, LAC_TORCH_BICUBIC, LAC_TORCH_BILINEAR_AA, LAC_TORCH_BICUBIC_AA, LAC_TF1_BILINEAR,
} lac_interpolation;

/* to [planes, height, width], from [planes, from_height, from_width]. LAC_ERR_ARG for a side below 1. */
lac_status lac_interpolate(float *to, int64_t height, int64_t width, const float *from, int64_t from_height, int64_t from_width,
                           int64_t planes, lac_interpolation how);
