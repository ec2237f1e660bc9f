/* autograd/ops/exp_scale/exp_scale.h -- y = x e^s: a scale that is learnt as its logarithm (CLIP's logit_scale).
 *
 * x   any shape, f32 or bf16
 * s   []   f32
 * y   shape and dtype of x; owned by the tape
 *
 * The gradient of s is the sum of gy y, in double. Backward reads x and s. Fails with LAC_ERR_SHAPE where s is no scalar. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_exp_scale(lac_tape *t, lac_tensor *x, lac_tensor *s);
