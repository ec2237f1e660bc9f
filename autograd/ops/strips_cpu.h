/* autograd/ops/strips_cpu.h -- strips moved on the CPU; its CUDA counterpart is strips_kernel.h. */
#pragma once

#include "autograd/ops/rows.h"
#include "autograd/ops/strips.h"

#include <string.h>

LAC_BODY void lac_strip_put(void *restrict to, const void *restrict from, int64_t n, bool add, lac_dtype dto, lac_dtype dfrom)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        lac_put(to, k, dto, lac_ld(from, k, dfrom), add);
}

/* Between the strip of a whole tensor and a tensor of the strip alone: into the strip, or (out) out of it. */
static inline void lac_strip_move(const lac_tensor *to, const lac_tensor *from, lac_strip s, bool out, bool add)
{
    const size_t to_size = lac_dtype_size(to->dtype), from_size = lac_dtype_size(from->dtype);
    LAC_PARALLEL_BLOCKS(b, first, last, s.rows * s.n)
        for (int64_t i = first, end; i < last; i = end) {
            const int64_t row = i / s.n, whole = row * s.wide + s.at + i % s.n;
            end = LAC_MIN(last, (row + 1) * s.n);
            char *t = (char *)to->data + (size_t)(out ? i : whole) * to_size;
            const char *f = (const char *)from->data + (size_t)(out ? whole : i) * from_size;
            if (!add && to->dtype == from->dtype)
                memcpy(t, f, (size_t)(end - i) * to_size);
            else
                LAC_EACH_DTYPE_2(to->dtype, from->dtype, lac_strip_put, t, f, end - i, add);
        }
}
