/* autograd/ops/hinge_loss/hinge_loss.h -- sums over the logits of a hinge GAN (arXiv:1802.05957, eqs. 16 and 17).
 *
 *     real:  sum of relu(1 - x)      fake:  sum of relu(1 + x)       plus:  sum of x        minus:  sum of -x
 *
 * x  any shape, f32 or bf16
 * y  [] f32, summed in double; owned by the tape. The mean is y / numel(x)
 *
 * relu'(0) = 0. Backward reads x. */
#pragma once

#include "autograd/tape.h"

typedef enum { LAC_HINGE_REAL, LAC_HINGE_FAKE, LAC_HINGE_PLUS, LAC_HINGE_MINUS } lac_hinge;

typedef struct lac_hinge_loss_attr { lac_hinge kind; } lac_hinge_loss_attr;

lac_tensor *lac_hinge_loss(lac_tape *t, lac_tensor *x, lac_hinge kind);
