/* autograd/ops/resize/formula.h -- which inputs an output index reads along one axis, and with what weights. */
#pragma once

#include "autograd/ops/resize/resize.h"
#include "core/fmath.h"

LAC_HD static inline int64_t lac_nearest_index(int64_t j, int64_t in, int64_t out, bool align_corners)
{
    if (align_corners && out == 1)
        return 0;
    const float s = align_corners ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    const int64_t i = (int64_t)((float)j * s + (align_corners ? 0.5f : 0.0f));
    return i < in - 1 ? i : in - 1;
}

LAC_HD static inline double lac_resize_position(int64_t j, int64_t in, int64_t out, bool align_corners)
{
    if (align_corners)
        return out == 1 ? 0.0 : (double)j * (double)(in - 1) / (double)(out - 1);
    return ((double)j + 0.5) * (double)in / (double)out - 0.5;
}

/* Keys' kernel at distance d from the position, a = -0.75. */
LAC_HD static inline double lac_keys(double d)
{
    const double a = -0.75, x = d < 0 ? -d : d;
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.0;
}

/* First index of area's window of j, and one past its last. */
LAC_HD static inline int64_t lac_area_from(int64_t j, int64_t in, int64_t out) { return j * in / out; }
LAC_HD static inline int64_t lac_area_to(int64_t j, int64_t in, int64_t out) { return ((j + 1) * in + out - 1) / out; }

/* How many taps an output index may have. */
LAC_HD static inline int64_t lac_resize_taps(lac_resize_mode mode, int64_t in, int64_t out)
{
    return mode == LAC_RESIZE_NEAREST ? 1 : mode == LAC_RESIZE_BILINEAR ? 2 : mode == LAC_RESIZE_BICUBIC ? 4 : in / out + 2;
}

/* Fills `index` and `weight` for output j; taps that are not needed weigh 0. */
LAC_HD static inline void lac_resize_axis(int32_t *index, float *weight, lac_resize_mode mode, bool align_corners, int64_t j, int64_t in, int64_t out)
{
    const int64_t taps = lac_resize_taps(mode, in, out);
    if (mode == LAC_RESIZE_NEAREST) {
        index[0] = (int32_t)lac_nearest_index(j, in, out, align_corners);
        weight[0] = 1;
        return;
    }
    if (mode == LAC_RESIZE_AREA) {
        const int64_t from = lac_area_from(j, in, out), n = lac_area_to(j, in, out) - from;
        for (int64_t k = 0; k < taps; k++) {
            index[k] = (int32_t)(k < n ? from + k : from);
            weight[k] = k < n ? 1.0f / (float)n : 0.0f;
        }
        return;
    }
    double at = lac_resize_position(j, in, out, align_corners);
    if (mode == LAC_RESIZE_BILINEAR && at < 0)
        at = 0;
    const double low = __builtin_floor(at);
    for (int64_t k = 0; k < taps; k++) {
        const int64_t i = (int64_t)low + k - (mode == LAC_RESIZE_BICUBIC);
        const double distance = at - (double)i;
        index[k] = (int32_t)(i < 0 ? 0 : i > in - 1 ? in - 1 : i);
        weight[k] = (float)(mode == LAC_RESIZE_BICUBIC ? lac_keys(distance) : 1.0 - (distance < 0 ? -distance : distance));
    }
}
