/* autograd/ops/geglu/formula.h -- for both devices. */
#pragma once

#include "core/act.h"

LAC_HD static inline float lac_geglu_value(float v, float g) { return v * lac_gelu(g); }

LAC_HD static inline void lac_geglu_grad(float v, float g, float gy, float *gv, float *gg)
{
    float density;
    const float share = lac_normal_share(g, &density);
    *gv = gy * (g * share);
    *gg = gy * v * lac_fma(g, density, share);
}
