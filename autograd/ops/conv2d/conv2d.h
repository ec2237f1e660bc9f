/* autograd/ops/conv2d/conv2d.h -- two-dimensional convolution (cross-correlation) with zero padding, and what is done to its sums.
 *
 *     s[n, p, q, o] = sum over i, j, c of x[n, p sh + i dh - top, q sw + j dw - left, g c_g + c] weight[o, i, j, c]
 *     y = act(s + bias[o] + residual[n, p, q, o])
 *
 * where g = o / (O / groups) is the group of filter o, c_g = C / groups, and x outside its map is zero.
 *
 * x       [N, H, W, C]               f32 or bf16
 * weight  [O, kh, kw, C / groups]    dtype of x
 * bias    [O]                        f32, optional (NULL)
 * residual [N, H', W', O]            dtype of x, optional (NULL)
 * y       [N, H', W', O]             dtype of x; H' = (H + top + bottom - (kh - 1) dh - 1) / sh + 1, W' likewise
 *
 * Sums are f32; f32 3x3 convolutions of stride 1 may run as Winograd F(4, 3), forward those of three or seven along one axis as F(4, 3) or
 * F(4, 7), unless the tape is deterministic. Backward reads x and weight, and with an activation y, from which its slope follows. Fails with
 * LAC_ERR_SHAPE, LAC_ERR_DTYPE or (an activation that is none of these) LAC_ERR_ARG, naming the input or the attribute at fault. */
#pragma once

#include "autograd/tape.h"
#include "core/act.h"

typedef struct lac_conv2d_attr {
    int64_t stride[2], dilation[2];     /* height, width; at least 1 */
    int64_t pad[4];                     /* top, bottom, left, right; at least 0 */
    int64_t groups;                     /* divides C and O */
    lac_act_fn act;                     /* LAC_ACT_NONE, ELU (slope 1 + y below 0), RELU or LEAKY: lac_act_of, lac_act_leaky */
} lac_conv2d_attr;

lac_tensor *lac_conv2d(lac_tape *t, lac_tensor *x, lac_tensor *weight, lac_tensor *bias, lac_tensor *residual, const lac_conv2d_attr *a);

/* TensorFlow's SAME padding of one axis of n pixels: the output has ceil(n / stride), and an odd zero goes after. */
static inline void lac_same_padding(int64_t n, int64_t k, int64_t stride, int64_t dilation, int64_t *before, int64_t *after)
{
    const int64_t out = (n + stride - 1) / stride, wanted = (out - 1) * stride + (k - 1) * dilation + 1 - n;
    const int64_t total = wanted > 0 ? wanted : 0;
    *before = total / 2;
    *after = total - total / 2;
}
