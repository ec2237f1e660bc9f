/* autograd/ops/match_std/match_std.h -- each sample of x scaled on the way to another tensor's standard deviation.
 *
 *     y[n] = share * x[n] std(like[n]) / std(x[n]) + (1 - share) * x[n]
 *
 * x, like   [N, ...]   f32 or bf16, each its own; std over all but the first dim, with divisor n - 1
 * y         [N, ...]   dtype of x; owned by the tape
 *
 * The rescaling of guidance (Lin et al. 2023, "Common diffusion noise schedules...", eq. 15 and 16); share is their phi. Statistics are made in
 * double. A sample that is constant, or of one element, has no scale: y is NaN there, as in the formula. The gradient goes through both
 * deviations; that of a constant `like` is 0. Backward reads x, like and the statistics. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_match_std_attr { float share; } lac_match_std_attr;

lac_tensor *lac_match_std(lac_tape *t, lac_tensor *x, lac_tensor *like, float share);
