/* autograd/ops/rank_gather/rank_gather.h -- the rows of the ranks whose batches are one (lac_tape_lane), one rank's behind another's: what a loss compares within the
 * global batch (arXiv:2103.00020, sec. 2.3).
 *
 *     y = [x of rank 0; x of rank 1; ...]          gx = this rank's rows of the sum over the ranks of gy
 *
 * x  [N, ...]            f32, or i32 or i64 without a gradient; the same shape on every rank
 * y  [ranks N, ...]      dtype of x, the same on every rank; owned by the tape
 *
 * So where each rank adds up a part of a loss of y, the gradient of x is that of all parts. Alone it is a copy. Every rank makes this call, and goes backward through it or not
 * as the others do. Fails with LAC_ERR_SHAPE for a scalar. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_rank_gather(lac_tape *t, lac_tensor *x);
