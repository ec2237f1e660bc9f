/* autograd/ops/group_norm/group_norm.h -- group normalisation (arXiv:1803.08494) with an activation, of one tensor or of two side by side.
 *
 *     z = (u - mean) / sqrt(var + eps) * weight[c] + bias[c],  y = act(z)         u = x, or x and skip along the channels
 *
 * mean and var (divisor H W C / groups) are of a sample's pixels and the channels of a group, in f32 over at most a block of pixels, then in double.
 *
 * x       [N, H, W, A]     f32 or bf16
 * weight  [C], bias [C]    f32, C = A + B
 * skip    [N, H, W, B]     dtype of x, optional (NULL: B = 0); a skip connection is normalised without being copied behind x first
 * y       [N, H, W, C]     dtype of x; owned by the tape
 *
 * act is LAC_ACT_NONE or LAC_ACT_SILU. A group may lie across x and skip. Backward reads x, skip, weight, bias and the statistics. Fails with
 * LAC_ERR_SHAPE, naming the input at fault, where groups do not divide C, and LAC_ERR_ARG for another activation or an eps that is not above 0. */
#pragma once

#include "autograd/tape.h"
#include "core/act.h"

typedef struct lac_group_norm_attr { int64_t groups; float eps; lac_act act; } lac_group_norm_attr;

lac_tensor *lac_group_norm(lac_tape *t, lac_tensor *x, lac_tensor *weight, lac_tensor *bias, lac_tensor *skip, const lac_group_norm_attr *a);
