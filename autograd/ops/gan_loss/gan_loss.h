/* autograd/ops/gan_loss/gan_loss.h -- sums over the logits of a GAN: hinge (arXiv:1802.05957, eqs. 16 and 17), softplus (the original
 * cross-entropy, arXiv:1406.2661, on logits), and the plain sums that generators take.
 *
 *     hinge     real:  sum of relu(1 - x)          fake:  sum of relu(1 + x)
 *     softplus  real:  sum of log(1 + exp(-x))     fake:  sum of log(1 + exp(x))
 *     logit     plus:  sum of x                    minus: sum of -x
 *
 * x  any shape, f32 or bf16
 * y  [] f32, summed in double; owned by the tape. The mean is y / numel(x)
 *
 * relu'(0) = 0. Backward reads x. */
#pragma once

#include "autograd/tape.h"

typedef enum { LAC_HINGE_REAL, LAC_HINGE_FAKE, LAC_SOFTPLUS_REAL, LAC_SOFTPLUS_FAKE, LAC_LOGIT_PLUS, LAC_LOGIT_MINUS } lac_gan_term;

typedef struct lac_gan_loss_attr { lac_gan_term term; } lac_gan_loss_attr;

lac_tensor *lac_gan_loss(lac_tape *t, lac_tensor *x, lac_gan_term term);
