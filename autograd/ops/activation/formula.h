/* autograd/ops/activation/formula.h -- the activations and their derivatives, one element at a time. */
#pragma once

#include "autograd/ops/activation/activation.h"
#include "core/fmath.h"

LAC_HD static inline float lac_act_value(lac_act kind, float x)
{
    switch (kind) {
    case LAC_ACT_ELU: return lac_elu(x);
    case LAC_ACT_RELU: return x < 0 ? 0.0f : x;             /* NaN stays NaN */
    case LAC_ACT_LEAKY: return x > 0 ? x : 0.2f * x;
    case LAC_ACT_TANH: return lac_tanh(x);
    default: return x < -1 ? -1.0f : x > 1 ? 1.0f : x;
    }
}

LAC_HD static inline float lac_act_slope(lac_act kind, float x)
{
    switch (kind) {
    case LAC_ACT_ELU: return x > 0 ? 1.0f : lac_exp_negative(x);      /* shares its work with lac_elu */
    case LAC_ACT_RELU: return x > 0 ? 1.0f : 0.0f;
    case LAC_ACT_LEAKY: return x > 0 ? 1.0f : 0.2f;
    case LAC_ACT_TANH: {
        const float t = lac_tanh(x);
        return lac_fma(-t, t, 1.0f);
    }
    default: return x >= -1 && x <= 1 ? 1.0f : 0.0f;
    }
}
