/* autograd/ops/rank_sum/rank_sum.h -- a tensor summed over the ranks whose batches are one (lac_tape_lane): gradients by lac_grad that a weight of this very
 * region follows from.
 *
 *     y = sum over the ranks of x
 *
 * x  any shape, f32
 * y  shape of x, the same on every rank; owned by the tape. No gradient
 *
 * Alone it is a copy. Every rank makes this call. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_rank_sum(lac_tape *t, lac_tensor *x);
