/* autograd/ops/match_std/formula.h -- from the statistics of a sample to what its elements are multiplied by. */
#pragma once

#include "core/fmath.h"

#include <stdint.h>

/* Saved for backward: of x and of like. */
typedef struct match_std_stats { float mean_x, std_x, mean_like, std_like; } match_std_stats;

LAC_HD static inline float match_std_scale(const match_std_stats *s, float share) { return lac_fma(share, s->std_like / s->std_x, 1.0f - share); }

/* dot = sum of gy x. gx = scale gy + to_x (x - mean_x), glike = to_like (like - mean_like). */
LAC_HD static inline void match_std_slopes(const match_std_stats *s, float share, double dot, int64_t n, float *to_x, float *to_like)
{
    const double per = share * dot / ((double)s->std_x * (double)(n - 1));
    *to_x = (float)(-per * (double)s->std_like / ((double)s->std_x * (double)s->std_x));
    *to_like = s->std_like > 0 ? (float)(per / (double)s->std_like) : 0.0f;
}
