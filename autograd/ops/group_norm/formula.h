/* autograd/ops/group_norm/formula.h -- from sums over pixels to what each element is computed with, for both devices. */
#pragma once

#include "core/act.h"

#include <stdint.h>

/* Of a sample and group: sums over its n elements of (u - shift) and its square. */
LAC_HD static inline void lac_group_stats(double sum, double square, double shift, int64_t n, float eps, float *mean, float *rstd)
{
    const double m = sum / (double)n, var = square / (double)n - m * m;
    *mean = (float)(shift + m);
    *rstd = (float)(1.0 / __builtin_sqrt((var > 0 ? var : 0) + (double)eps));
}

/* z = scale u + offset */
LAC_HD static inline float lac_group_scale(float rstd, float weight) { return rstd * weight; }
LAC_HD static inline float lac_group_offset(float mean, float scale, float bias) { return lac_fma(-mean, scale, bias); }

/* dL/dz of one element. */
LAC_HD static inline float lac_group_upstream(float u, float gy, float scale, float offset, int silu)
{
    return silu ? gy * lac_swish_slope(lac_fma(scale, u, offset), 1.0f) : gy;
}

/* gu = scale gz + of_u (u - mean) + constant, from s1 = sum of weight gz and s2 = sum of weight gz (u - mean) rstd over the group's n elements. */
LAC_HD static inline void lac_group_slopes(double s1, double s2, int64_t n, double rstd, double *of_u, double *constant)
{
    *of_u = -s2 / (double)n * rstd * rstd;
    *constant = -s1 / (double)n * rstd;
}
