/* autograd/ops/avg_pool/formula.h -- the window around a pixel along one axis; for both devices. A window covers j exactly if j's covers its centre. */
#pragma once

#include "autograd/ops/avg_pool/avg_pool.h"
#include "core/fmath.h"

LAC_HD static inline void pool_window(int64_t kernel, int64_t i, int64_t n, int64_t *from, int64_t *to)
{
    const int64_t r = kernel / 2;
    *from = i < r ? 0 : i - r;
    *to = i + r + 1 < n ? i + r + 1 : n;
}

/* Pixels of the window around i, j. */
LAC_HD static inline float pool_count(int64_t kernel, int64_t i, int64_t h, int64_t j, int64_t w)
{
    int64_t top, bottom, left, right;
    pool_window(kernel, i, h, &top, &bottom);
    pool_window(kernel, j, w, &left, &right);
    return (float)((bottom - top) * (right - left));
}
