/* autograd/ops/dice_loss/dice_loss.h -- how badly a predicted mask overlaps the true one (the loss of V-Net, arXiv:1606.04797, without squares below the line, as
 * SmartBrush has it, arXiv:2212.05034, section 3.3).
 *
 *     p = sigmoid(x),   sum = sum over n of 1 - 2 sum of p[n, ...] y[n, ...] / (sum of p[n, ...] + sum of y[n, ...])
 *
 * x     [N, ...]   logits, f32 or bf16
 * y     [N, ...]   f32, the true mask, from 0 to 1; never gets a gradient
 * sum   []         f32, summed in double; owned by the tape. The mean is sum / N
 *
 * A sample whose sums are both 0, as one without elements, has overlap 0 and no gradient: its term is 1. Backward reads x and y. Fails with LAC_ERR_SHAPE where
 * these have not one shape. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_dice_loss(lac_tape *t, lac_tensor *x, lac_tensor *y);
