/* autograd/ops/layer_norm/formula.h -- what each element of a row is computed with, for both devices. */
#pragma once

#include "core/fmath.h"

#include <stdint.h>

LAC_HD static inline float lac_layer_rstd(float squares, int64_t n, float eps) { return 1.0f / lac_sqrt(squares / (float)n + eps); }

LAC_HD static inline float lac_layer_value(float u, float mean, float rstd, float weight, float bias) { return lac_fma((u - mean) * rstd, weight, bias); }

/* From s1 = sum of weight gy and s2 = sum of weight gy (u - mean) over a row of n. */
LAC_HD static inline float lac_layer_grad(float u, float gy, float mean, float rstd, float weight, float s1, float s2, int64_t n)
{
    const float of_all = s1 / (float)n, of_u = s2 / (float)n * rstd * rstd;
    return rstd * (lac_fma(weight, gy, -of_all) - (u - mean) * of_u);
}
