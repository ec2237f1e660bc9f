/* autograd/ops/strips_kernel.h -- strips moved on a GPU, a thread per element or per 16 bytes; its CPU counterpart is strips_cpu.h. */
#pragma once

#include "autograd/ops/strips.h"
#include "core/cuda/kernel.h"

template <int V, typename T, typename F> static __global__ void strip_move(T *__restrict__ to, const F *__restrict__ from, lac_strip s, bool out, bool add)
{
    const int64_t packs = s.n / V;
    for LAC_EACH(i, s.rows * packs) {
        const int64_t k = i % packs * V, narrow = i / packs * s.n + k, whole = i / packs * s.wide + s.at + k;
        float v[V];
        lac_load(v, from + (out ? whole : narrow));
        lac_put(to + (out ? narrow : whole), v, add);
    }
}

/* Between the strip of a whole tensor and a tensor of the strip alone: into the strip, or (out) out of it. */
static lac_status lac_strip_move(const lac_tensor *to, const lac_tensor *from, const lac_strip &s, bool out, bool add)
{
    const bool wide = s.at % LAC_WIDE == 0 && (s.rows == 1 || s.wide % LAC_WIDE == 0) && lac_wide(s.n, to->data, from->data);
    return lac_typed(wide, [&](auto v, auto t, auto u) {
        using T = decltype(t);
        using F = decltype(u);
        return lac_launch(lac_grid_each(s.rows * s.n / v), strip_move<v, T, F>, lac_data<T>(to), lac_data<const F>(from), s, out, add);
    }, to->dtype, from->dtype);
}
