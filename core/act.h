/* core/act.h -- the activations and their derivatives, one element at a time. */
#pragma once

#include "core/fmath.h"

typedef enum { LAC_ACT_NONE, LAC_ACT_ELU, LAC_ACT_RELU, LAC_ACT_LEAKY, LAC_ACT_TANH, LAC_ACT_CLIP } lac_act;

#define LAC_ACT_LEAKY_SLOPE 0.2f        /* below 0: DeepFill's */

LAC_HD static inline float lac_act_value(lac_act kind, float x)
{
    switch (kind) {
    case LAC_ACT_NONE: return x;
    case LAC_ACT_ELU: return lac_elu(x);
    case LAC_ACT_RELU: return x < 0 ? 0.0f : x;             /* NaN stays NaN */
    case LAC_ACT_LEAKY: return x > 0 ? x : LAC_ACT_LEAKY_SLOPE * x;
    case LAC_ACT_TANH: return lac_tanh(x);
    default: return x < -1 ? -1.0f : x > 1 ? 1.0f : x;
    }
}

LAC_HD static inline float lac_act_slope(lac_act kind, float x)
{
    switch (kind) {
    case LAC_ACT_NONE: return 1.0f;
    case LAC_ACT_ELU: return x > 0 ? 1.0f : lac_exp_negative(x);      /* shares its work with lac_elu */
    case LAC_ACT_RELU: return x > 0 ? 1.0f : 0.0f;
    case LAC_ACT_LEAKY: return x > 0 ? 1.0f : LAC_ACT_LEAKY_SLOPE;
    case LAC_ACT_TANH: {
        const float t = lac_tanh(x);
        return lac_fma(-t, t, 1.0f);
    }
    default: return x >= -1 && x <= 1 ? 1.0f : 0.0f;
    }
}

/* The derivative at x from y = value(x) alone, for LAC_ACT_NONE, ELU, RELU and LEAKY: all that lac_act_by_value allows. */
LAC_HD static inline float lac_act_slope_by_value(lac_act kind, float y) { return kind == LAC_ACT_ELU && y <= 0 ? 1.0f + y : lac_act_slope(kind, y); }
LAC_HD static inline int lac_act_by_value(lac_act kind) { return (unsigned)kind <= LAC_ACT_LEAKY; }
