/* autograd/ops/attention/attention.h -- scaled dot-product attention of several heads (arXiv:1706.03762, sec. 3.2).
 *
 *     y_i = sum_j P_ij v_j     P_ij = exp(scale <q_i, k_j> - L_i)     L_i = ln sum_j exp(scale <q_i, k_j>)     for each sample and head
 *
 * q  [N, ..., heads * d]     f32 or bf16; what lies between the first dim and the last are the Tq tokens: an image [N, H, W, C] is H * W of them
 * k  [N, ..., heads * d]     dtype of q, Tk tokens; its dims between may be others than q's
 * v  [N, ..., heads * d]     dtype and shape of k
 * y  dtype and shape of q; owned by the tape
 *
 * causal: query i sees the keys j <= i, counted from the first ones. Any Tq, Tk and d from 1 on. Scores, softmax and all sums are f32; of bf16 tensors the
 * products take bf16 operands, P among them. Scores never lie in memory as a whole. Backward reads q, k, v, y and L [N, heads, Tq] (f32, saved), from
 * which it makes P again (arXiv:2205.14135). Fails with LAC_ERR_SHAPE or LAC_ERR_DTYPE naming what does not fit, with LAC_ERR_ARG for heads or scale. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_attention_attr {
    int64_t heads;
    float scale;                /* 0: 1 / sqrt(d) */
    bool causal;
} lac_attention_attr;

lac_tensor *lac_attention(lac_tape *t, lac_tensor *q, lac_tensor *k, lac_tensor *v, const lac_attention_attr *a);
