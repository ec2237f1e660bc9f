/* autograd/ops/batch_norm/batch_norm.h -- batch normalisation (arXiv:1502.03167) with a leaky activation.
 *
 *     z = (x - mean) / sqrt(var + eps) * weight[c] + bias[c],  y = act(z)
 *
 * In training mean and var (divisor N H W) are each channel's over all pixels of the batch, in f32 over at most a block of pixels, then in double, and
 *
 *     new_mean = (1 - momentum) running_mean + momentum mean,    new_var the same with the divisor N H W - 1
 *
 * for the caller to commit (lac_tape_commit); on several ranks (lac_tape_lane) the batch is all of theirs. Else mean and var are the running ones, and new_mean and new_var are these again.
 *
 * x                          [N, H, W, C]     f32 or bf16
 * weight, bias               [C]              f32
 * running_mean, running_var  [C]              f32; never get a gradient
 * y                          [N, H, W, C]     dtype of x; owned by the tape, as are
 * new_mean, new_var          [C]              f32; no gradient flows from them
 *
 * act is LAC_ACT_NONE, or LAC_ACT_LEAKY with its slope. Backward reads x, weight, bias and the statistics; in training the gradient goes through them.
 * Fails with LAC_ERR_SHAPE, naming the input at fault, and in training for a single pixel, of which there is no variance (none at all are no error: the
 * running statistics stay); LAC_ERR_ARG for another activation, an eps that is not above 0, a momentum outside [0, 1]. */
#pragma once

#include "autograd/tape.h"
#include "core/act.h"

typedef struct lac_batch_norm_attr { bool training; float eps, momentum; lac_act_fn act; } lac_batch_norm_attr;

/* in: x, weight, bias, running_mean, running_var, as said above. Returns y; *new_mean and *new_var NULL after an error. */
lac_tensor *lac_batch_norm(lac_tape *t, lac_tensor *const in[5], const lac_batch_norm_attr *a, lac_tensor **new_mean, lac_tensor **new_var);
