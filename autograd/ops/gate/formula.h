/* autograd/ops/gate/formula.h -- the gate and its two derivatives, one element at a time. */
#pragma once

#include "autograd/ops/gate/gate.h"

LAC_HD static inline float lac_gate_value(lac_act act, float f, float g) { return lac_act_value(lac_act_of(act), f) * lac_sigmoid(g); }

LAC_HD static inline void lac_gate_grad(lac_act act, float f, float g, float gy, float *gf, float *gg)
{
    const float s = lac_sigmoid(g), slope = s * gy;
    *gf = slope * lac_act_slope(lac_act_of(act), f);
    *gg = slope * lac_act_value(lac_act_of(act), f) * (1.0f - s);
}

/* Both for bf16. */
LAC_HD static inline float lac_gate_value_coarse(lac_act act, float f, float g)
{
    float slope;
    return (act == LAC_ACT_ELU ? lac_elu_coarse(f, &slope) : lac_act_value(lac_act_of(act), f)) * lac_sigmoid_coarse(g);
}

LAC_HD static inline void lac_gate_grad_coarse(lac_act act, float f, float g, float gy, float *gf, float *gg)
{
    float slope = lac_act_slope(lac_act_of(LAC_ACT_RELU), f), value = lac_act_value(lac_act_of(LAC_ACT_RELU), f);
    if (act == LAC_ACT_ELU)
        value = lac_elu_coarse(f, &slope);
    const float s = lac_sigmoid_coarse(g), part = s * gy;
    *gf = part * slope;
    *gg = part * value * (1.0f - s);
}
