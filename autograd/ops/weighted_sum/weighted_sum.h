/* autograd/ops/weighted_sum/weighted_sum.h -- several losses as one.
 *
 *     y = sum of w[i] * s[i]
 *
 * s[0] .. s[n-1]   [] f32, n from 1 to 8
 * y                [] f32, summed in double; owned by the tape
 *
 * The weights are attributes: they are part of the step's signature. Backward reads nothing. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_weighted_sum_attr { float w[LAC_MAX_IN]; } lac_weighted_sum_attr;

lac_tensor *lac_weighted_sum(lac_tape *t, lac_tensor *const *s, const float *w, int n);
