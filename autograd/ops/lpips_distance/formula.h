/* autograd/ops/lpips_distance/formula.h -- from a vector's square to its unit scale and to its slope, for both devices. */
#pragma once

#include "core/fmath.h"

LAC_HD static inline float lpips_scale(float square) { return 1.0f / (lac_sqrt(square) + 1e-10f); }

/* ga = scale gu + along a, from dot = sum of a gu: the length's own share. 0 for a vector of no length, whose scale is then 0 as well. */
LAC_HD static inline float lpips_along(float square, float dot) { return square > 0 ? -dot * lpips_scale(square) * (lpips_scale(square) / lac_sqrt(square)) : 0.0f; }
LAC_HD static inline float lpips_slope_scale(float square) { return square > 0 ? lpips_scale(square) : 0.0f; }
