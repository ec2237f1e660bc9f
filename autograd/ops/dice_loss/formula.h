/* autograd/ops/dice_loss/formula.h -- of one sample, from its sums: both = sum p y, all = sum p + sum y. For both devices. */
#pragma once

#include "core/fmath.h"

LAC_HD static inline double dice_term(double both, double all) { return all > 0 ? 1 - 2 * both / all : 1; }

/* d term / d p = at[0] + at[1] y. */
LAC_HD static inline void dice_slopes(double both, double all, double g, float at[2])
{
    at[0] = all > 0 ? (float)(g * 2 * both / (all * all)) : 0.0f;
    at[1] = all > 0 ? (float)(g * -2 / all) : 0.0f;
}

LAC_HD static inline float dice_grad(const float at[2], float x, float y)
{
    const float p = lac_sigmoid(x);
    return (at[0] + at[1] * y) * p * (1.0f - p);
}
