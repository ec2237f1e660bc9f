/* autograd/ops/max_pool/formula.h -- which pixels a window covers and which windows cover a pixel, along one axis; for both devices. */
#pragma once

#include "autograd/ops/max_pool/max_pool.h"
#include "core/fmath.h"

/* Output o's part of the kernel that lies within n pixels: [*from, *to). */
LAC_HD static inline void pool_window(const lac_max_pool_attr *a, int64_t o, int64_t n, int64_t *from, int64_t *to)
{
    const int64_t first = o * a->stride - a->pad;
    *from = first < 0 ? -first : 0;
    *to = n - first < a->kernel ? n - first : a->kernel;
}

/* The outputs, of n, whose windows cover pixel i: [*from, *to). */
LAC_HD static inline void pool_readers(const lac_max_pool_attr *a, int64_t i, int64_t n, int64_t *from, int64_t *to)
{
    const int64_t at = i + a->pad, last = at / a->stride + 1;
    *from = at < a->kernel ? 0 : (at - a->kernel) / a->stride + 1;
    *to = last < n ? last : n;
}

LAC_HD static inline int pool_beats(float v, float best) { return v > best || v != v; }
