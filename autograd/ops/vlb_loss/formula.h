/* autograd/ops/vlb_loss/formula.h -- one value's term in nats and its slope by log s^2, for both devices. */
#pragma once

#include "core/fmath.h"

#define VLB_BITS 1.44269504f            /* in a nat */
#define VLB_MOST 27.6310211f            /* -log 1e-12 */

enum { VLB_MEAN, VLB_LEAST, VLB_SPAN, VLB_FIRST, VLB_ROW };

/* How far log s^2 is above the least. */
LAC_HD static inline float vlb_above(float v, const float *row) { return 0.5f * (v + 1.0f) * row[VLB_SPAN]; }

/* (exp(-above) - 1 + above + e^2 / s^2) / 2; where the bounds are close, above is a thousandth and less. */
LAC_HD static inline float vlb_divergence(float e, float least, float above, float *slope)
{
    const float shrunk = lac_expm1(above > -88.0f ? -above : 88.0f), off = e * e * lac_exp(-least - above);
    *slope = -0.5f * (shrunk + off);
    return 0.5f * (shrunk + above + off);
}

/* log(1 + exp(x)); *share is its slope. */
LAC_HD static inline float vlb_softplus(float x, float *share)
{
    *share = lac_sigmoid(x);
    return (x > 0 ? x : 0.0f) + lac_log(1.0f + lac_exp_negative(x > 0 ? -x : x));
}

/* -log of (tanh a - tanh b) / 2 = sinh(a - b) / (2 cosh a cosh b), which loses nothing where both are near 1; d = a - b comes from the width of the level. */
LAC_HD static inline float vlb_level(float high, float low, float width, float *slope)
{
    const float c = 0.797884561f, k = 0.044715f, q = high * high + high * low + low * low;
    const float a = c * high * (1.0f + k * high * high), b = c * low * (1.0f + k * low * low), d = c * width * (1.0f + k * q);
    const float by_a = -0.5f * c * high * (1.0f + 3.0f * k * high * high), by_b = -0.5f * c * low * (1.0f + 3.0f * k * low * low);
    const float by_d = -0.5f * c * width * (1.0f + 3.0f * k * q), size_a = a < 0 ? -a : a, size_b = b < 0 ? -b : b;
    *slope = lac_tanh(a) * by_a + lac_tanh(b) * by_b - by_d / lac_tanh(d);
    return size_a + size_b - d - lac_log(-lac_expm1(-2.0f * d)) + lac_log(1.0f + lac_exp_negative(-2.0f * size_a)) + lac_log(1.0f + lac_exp_negative(-2.0f * size_b));
}

/* The argument of tanh, and its slope by log s^2. */
LAC_HD static inline float vlb_bend(float z, float *slope)
{
    *slope = -0.398942280f * z * (1.0f + 0.134145f * z * z);
    return 0.797884561f * z * (1.0f + 0.044715f * z * z);
}

LAC_HD static inline float vlb_surprise(float e, float x0, float log_variance, float *slope)
{
    const float sharp = lac_exp(-0.5f * log_variance), half = 1.0f / 255.0f;
    float by, share, nats;
    if (x0 < -0.999f) {
        nats = vlb_softplus(-2.0f * vlb_bend((e + half) * sharp, &by), &share);
        *slope = -2.0f * share * by;
    } else if (x0 > 0.999f) {
        nats = vlb_softplus(2.0f * vlb_bend((e - half) * sharp, &by), &share);
        *slope = 2.0f * share * by;
    } else
        nats = vlb_level((e + half) * sharp, (e - half) * sharp, 2.0f * half * sharp, slope);
    if (nats < VLB_MOST)
        return nats;
    *slope = 0;
    return VLB_MOST;
}
