/* autograd/ops/gate/formula.h -- the gate and its two derivatives, one element at a time. */
#pragma once

#include "autograd/ops/activation/formula.h"
#include "autograd/ops/gate/gate.h"

LAC_HD static inline float lac_gate_value(lac_act act, float f, float g) { return lac_act_value(act, f) * lac_sigmoid(g); }

LAC_HD static inline void lac_gate_grad(lac_act act, float f, float g, float gy, float *gf, float *gg)
{
    const float s = lac_sigmoid(g), slope = s * gy;
    *gf = slope * lac_act_slope(act, f);
    *gg = slope * lac_act_value(act, f) * (1.0f - s);
}
