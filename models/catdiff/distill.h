/* models/catdiff/distill.h -- what SemInpainter learns from CLIP (CAT-Diffusion, arXiv:2409.08260; as released, mldm_stage1.py).
 *
 *     spatial = sum over tokens of r mean over channels of (prediction - target)^2 / (sum of the mask + 1)       r: 1, or the mask
 *     global  = mean (prediction - target)^2 of the class token
 *
 * One denominator for the whole batch, over all its ranks. */
#pragma once

#include "autograd/tape.h"

/* The numerator of `spatial`, [] f32. prediction, target [N, P, C]; mask f32 of N P elements, 0 or 1, or NULL: all tokens. NULL after an error. */
lac_tensor *lac_distill_tokens(lac_tape *t, lac_tensor *prediction, lac_tensor *target, lac_tensor *mask);
