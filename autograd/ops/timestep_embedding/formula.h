/* autograd/ops/timestep_embedding/formula.h -- for both devices. */
#pragma once

#include "core/fmath.h"

/* e^x in double for x <= 0, relative error below 1e-14; e^-80 below -80. A phase of 1000 that is to be right to 1e-7 needs a frequency right to 1e-10. */
LAC_HD static inline double lac_timestep_exp(double x)
{
    const double clamped = x < -80 ? -80 : x;
    const int n = (int)(clamped * 1.4426950408889634 - 0.5);        /* the nearest integer, of what is not above 0 */
    const double r = clamped - n * 0.6931471805599453;              /* |r| <= ln 2 / 2 */
    double p = 1;
    for (int k = 14; k > 0; k--)
        p = 1 + p * r / k;
    return p * (double)lac_from_bits((uint32_t)(n + 127) << 23);
}

/* Column k of an embedding of that width. */
LAC_HD static inline float lac_timestep_value(float t, int64_t k, int64_t width, float freq_shift, int flip)
{
    const int64_t half = width / 2;
    if (k >= 2 * half)
        return 0;
    const double f = lac_timestep_exp(-9.210340371976184 * (double)(k % half) / ((double)half - (double)freq_shift));
    const double turns = (double)t * f * 0.15915494309189535, part = turns - __builtin_floor(turns);
    float sine, cosine;
    lac_sincos2pi((float)part, &sine, &cosine);
    return (k < half) == !flip ? sine : cosine;
}
