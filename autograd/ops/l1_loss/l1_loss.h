/* autograd/ops/l1_loss/l1_loss.h -- sum of absolute differences, and how much was summed.
 *
 *     sum = sum of v |x - y|,  count = sum of v over all elements
 *     region all: v = 1;  hole: v = w;  valid: v = 1 - w, the same for all channels
 *
 * x, y   [N, H, W, C]        f32 or bf16, each its own
 * w      [N or 1, H, W, 1]   f32; NULL exactly for region all; never gets a gradient
 * sum, count   []            f32, summed in double; owned by the tape. The mean is sum / count; count has no gradient
 *
 * With region all, x and y may have any shape. The derivative of |e| at 0 is 0. Backward reads x, y and w. */
#pragma once

#include "autograd/tape.h"

typedef enum { LAC_REGION_ALL, LAC_REGION_HOLE, LAC_REGION_VALID } lac_region_kind;

typedef struct lac_l1_loss_attr { lac_region_kind region; } lac_l1_loss_attr;

/* Returns the sum; *count may be NULL when it is not wanted. */
lac_tensor *lac_l1_loss(lac_tape *t, lac_tensor *x, lac_tensor *y, lac_tensor *w, lac_region_kind region, lac_tensor **count);
