/* autograd/ops/ranged_noise/formula.h -- for both devices. */
#pragma once

#include "core/fmath.h"

LAC_HD static inline float ranged_noise(float x, float v, float least, float most) { return x * lac_exp(0.5f * lac_fma(0.5f * (v + 1.0f), most - least, least)); }
