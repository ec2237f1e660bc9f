/* core/act.h -- the activations and their derivatives, one element at a time. */
#pragma once

#include "core/fmath.h"

typedef enum {
    LAC_ACT_NONE, LAC_ACT_ELU, LAC_ACT_RELU, LAC_ACT_LEAKY, LAC_ACT_TANH, LAC_ACT_CLIP,
    LAC_ACT_SILU,                       /* x sigmoid(x) */
    LAC_ACT_QUICK_GELU,                 /* x sigmoid(1.702 x): CLIP's */
    LAC_ACT_GELU,                       /* x times the normal distribution's share below x */
} lac_act;

/* A function: its kind and what it is told. The slope goes wherever the kind goes, into every fused form as well. */
typedef struct lac_act_fn {
    lac_act kind;
    float slope;                        /* leaky alone: below 0; above 0 and below 1 */
} lac_act_fn;

#define LAC_ACT_LEAKY_SLOPE 0.2f        /* DeepFill's */

/* The function of a kind; leaky: DeepFill's. */
LAC_HD static inline lac_act_fn lac_act_of(lac_act kind)
{
    lac_act_fn f = { kind, kind == LAC_ACT_LEAKY ? LAC_ACT_LEAKY_SLOPE : 0.0f };
    return f;
}

LAC_HD static inline lac_act_fn lac_act_leaky(float slope)
{
    lac_act_fn f = { LAC_ACT_LEAKY, slope };
    return f;
}

/* A slope that was forgotten (0), and one with which y would not tell the sign of x, are none. */
static inline int lac_act_sound(lac_act_fn f) { return f.kind != LAC_ACT_LEAKY || (f.slope > 0 && f.slope < 1); }
static inline int lac_act_same(lac_act_fn a, lac_act_fn b) { return a.kind == b.kind && (a.kind != LAC_ACT_LEAKY || a.slope == b.slope); }

/* y = x sigmoid(k x), and its slope. */
LAC_HD static inline float lac_swish(float x, float k) { return x * lac_sigmoid(k * x); }
LAC_HD static inline float lac_swish_slope(float x, float k)
{
    const float s = lac_sigmoid(k * x);
    return lac_fma(k * x * s, 1.0f - s, s);
}

LAC_HD static inline float lac_gelu(float x)
{
    float density;
    return x * lac_normal_share(x, &density);
}

LAC_HD static inline float lac_gelu_slope(float x)
{
    float density;
    const float share = lac_normal_share(x, &density);
    return lac_fma(x, density, share);
}

LAC_HD static inline float lac_act_value(lac_act_fn a, float x)
{
    switch (a.kind) {
    case LAC_ACT_NONE: return x;
    case LAC_ACT_ELU: return lac_elu(x);
    case LAC_ACT_RELU: return x < 0 ? 0.0f : x;             /* NaN stays NaN */
    case LAC_ACT_LEAKY: return x > 0 ? x : a.slope * x;
    case LAC_ACT_TANH: return lac_tanh(x);
    case LAC_ACT_SILU: return lac_swish(x, 1.0f);
    case LAC_ACT_QUICK_GELU: return lac_swish(x, 1.702f);
    case LAC_ACT_GELU: return lac_gelu(x);
    default: return x < -1 ? -1.0f : x > 1 ? 1.0f : x;
    }
}

LAC_HD static inline float lac_act_slope(lac_act_fn a, float x)
{
    switch (a.kind) {
    case LAC_ACT_NONE: return 1.0f;
    case LAC_ACT_ELU: return x > 0 ? 1.0f : lac_exp_negative(x);      /* shares its work with lac_elu */
    case LAC_ACT_RELU: return x > 0 ? 1.0f : 0.0f;
    case LAC_ACT_LEAKY: return x > 0 ? 1.0f : a.slope;
    case LAC_ACT_TANH: {
        const float t = lac_tanh(x);
        return lac_fma(-t, t, 1.0f);
    }
    case LAC_ACT_SILU: return lac_swish_slope(x, 1.0f);
    case LAC_ACT_QUICK_GELU: return lac_swish_slope(x, 1.702f);
    case LAC_ACT_GELU: return lac_gelu_slope(x);
    default: return x >= -1 && x <= 1 ? 1.0f : 0.0f;
    }
}

/* The derivative at x from y = value(x) alone, for LAC_ACT_NONE, ELU, RELU and LEAKY: all that lac_act_by_value allows. */
LAC_HD static inline float lac_act_slope_by_value(lac_act_fn a, float y) { return a.kind == LAC_ACT_ELU && y <= 0 ? 1.0f + y : lac_act_slope(a, y); }
LAC_HD static inline int lac_act_by_value(lac_act kind) { return (unsigned)kind <= LAC_ACT_LEAKY; }
