/* autograd/ops/group_norm/group_norm.h -- group normalisation (arXiv:1803.08494) with an activation, of one tensor or of two side by side, with what a
 * timestep adds to it.
 *
 *     u = x, or x and skip along the channels, and shift[n, c] added to every pixel
 *     z = (u - mean) / sqrt(var + eps) * weight[c] + bias[c]
 *     y = act(z), or act(z * (1 + s[n, c]) + t[n, c])                  s, t = the halves of scale_shift (arXiv:2105.05233, adaptive group norm)
 *
 * mean and var (divisor H W C / groups) are of a sample's pixels and the channels of a group, in f32 over at most a block of pixels, then in double.
 *
 * x            [N, H, W, A]     f32 or bf16
 * weight       [C], bias [C]    f32, C = A + B
 * skip         [N, H, W, B]     dtype of x, optional (NULL: B = 0); a skip connection is normalised without being copied behind x first
 * shift        [N, C]           f32 or bf16, optional: the time embedding of a res-block, where nothing else reads x + shift
 * scale_shift  [N, 2C]          f32 or bf16, optional
 * y            [N, H, W, C]     dtype of x; owned by the tape
 *
 * act is LAC_ACT_NONE or LAC_ACT_SILU. A group may lie across x and skip. Backward reads all inputs, the statistics and, with shift, the sums over pixels of
 * u - mean. Fails with LAC_ERR_SHAPE, naming the input at fault, where groups do not divide C, and LAC_ERR_ARG for another activation or an eps that is not
 * above 0. */
#pragma once

#include "autograd/tape.h"
#include "core/act.h"

typedef struct lac_group_norm_attr { int64_t groups; float eps; lac_act act; } lac_group_norm_attr;

lac_tensor *lac_group_norm(lac_tape *t, lac_tensor *x, lac_tensor *weight, lac_tensor *bias, lac_tensor *skip, lac_tensor *shift, lac_tensor *scale_shift,
                           const lac_group_norm_attr *a);
