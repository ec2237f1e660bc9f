/* autograd/ops/gaussian/formula.h -- one element of a diagonal Gaussian, the same on both devices. */
#pragma once

#include "core/fmath.h"

#include <stdbool.h>

typedef struct lac_gaussian_element {
    float logvar, std;
    double excess;                  /* exp(logvar) - 1 - logvar */
    bool inside;                    /* of the clamp, its bounds left out: the log-variance has a gradient */
} lac_gaussian_element;

/* exp(v) - 1 - v, by its series where the difference would lose the digits. In double elsewhere: at the clamp's 20 this one element is the whole
 * divergence, which a rounding of exp or of its square root would be seen in. */
LAC_HD static inline double lac_gaussian_excess(float v)
{
    float whole, rest;
    lac_exp_parts(v, &whole, &rest);
    const float s = lac_fma(v, lac_fma(v, lac_fma(v, lac_fma(v, lac_fma(v, 1.0f / 40320, 1.0f / 5040), 1.0f / 720), 1.0f / 120), 1.0f / 24), 1.0f / 6);
    return v > -0.5f && v < 0.5f ? (double)(v * v * lac_fma(v, s, 0.5f)) : (double)whole + ((double)rest - 1 - v);
}

LAC_HD static inline lac_gaussian_element lac_gaussian_of(float raw)
{
    lac_gaussian_element e;
    e.inside = raw > -30 && raw < 20;         /* PyTorch 2.15 gives the bounds themselves none */
    e.logvar = raw < -30 ? -30 : raw > 20 ? 20 : raw;
    e.std = lac_exp(0.5f * e.logvar);
    e.excess = lac_gaussian_excess(e.logvar);
    return e;
}

/* Gradient of the log-variance before the clamp, from those of sample, logvar and kl. */
LAC_HD static inline float lac_gaussian_slope(const lac_gaussian_element *e, float noise, float g_sample, float g_logvar, float g_kl)
{
    const float of_kl = 0.5f * g_kl * (float)(e->excess + e->logvar), of_sample = 0.5f * g_sample * noise * e->std;
    return e->inside ? g_logvar + of_sample + of_kl : 0;
}
