/* autograd/ops/gate/gate.h -- gated activation of DeepFill v2 (arXiv:1806.03589, sec. 3.1).
 *
 *     y = act(f) * sigmoid(g)        f = x[..., :C],  g = x[..., C:],  act: elu or relu
 *
 * x  [N, H, W, 2C]       f32 or bf16, features first, gates second
 * y  [N, sH, sW, C]      dtype of x; owned by the tape. s = upsample, 1 or 2: with 2 each pixel is replicated 2 x 2
 *                        (the nearest resize in front of the next convolution), and backward sums the four
 *
 * Backward reads x only. Fails with LAC_ERR_SHAPE unless x has four dims and an even last one. */
#pragma once

#include "autograd/ops/activation/activation.h"

typedef struct lac_gate_attr {
    lac_act act;            /* LAC_ACT_ELU or LAC_ACT_RELU */
    int upsample;           /* 1 or 2 */
} lac_gate_attr;

lac_tensor *lac_gate(lac_tape *t, lac_tensor *x, lac_act act, int upsample);
