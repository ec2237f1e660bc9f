/* autograd/ops/norm_ratio/norm_ratio.h -- how long a is beside b, in the L2 norm: the weight of an adversarial loss that follows from gradients, as
 * VQGAN has it (arXiv:2012.09841, eq. 7).
 *
 *     y = min(|a| / (|b| + eps), most)
 *
 * a, b  any shapes, f32 or bf16
 * y     [] f32; owned by the tape. No gradient: a weight is a constant to backward
 *
 * Squares are summed in double. eps must be above 0, so that y is finite where b is 0, and most not below 0; most 0: there is no bound. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_norm_ratio_attr { float eps, most; } lac_norm_ratio_attr;

lac_tensor *lac_norm_ratio(lac_tape *t, lac_tensor *a, lac_tensor *b, const lac_norm_ratio_attr *attr);
