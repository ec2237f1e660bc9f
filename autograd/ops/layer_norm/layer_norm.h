/* autograd/ops/layer_norm/layer_norm.h -- layer normalisation (arXiv:1607.06450), with the residual connection in front of it.
 *
 *     u = x + residual,  y = (u - mean) / sqrt(var + eps) * weight + bias             mean and var (divisor C) over the last dim
 *
 * x         [..., C]            f32 or bf16
 * residual  [..., C]            shape of x, f32 or bf16, or NULL: u = x
 * weight    [C], bias [C]       f32
 * y         [..., C]            dtype of x, or bf16 where that is asked for; owned by the tape
 * *sum      [..., C]            u, rounded to the dtype of x before anything is made of it; NULL without a residual
 *
 * A bf16 network of many layers keeps the sum of its branches in f32, which each norm narrows for the branch that it leads: x and *sum f32, residual and y bf16.
 *
 * Statistics are f32. Backward reads u, weight and each row's (mean, 1/std). Fails with LAC_ERR_SHAPE or LAC_ERR_DTYPE, naming the input at fault, and with
 * LAC_ERR_ARG for an eps that is not above 0. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_layer_norm_attr { float eps; bool narrow; } lac_layer_norm_attr;        /* narrow: y is bf16 */

/* sum may be NULL where there is no residual, or where it is not wanted. */
lac_tensor *lac_layer_norm(lac_tape *t, lac_tensor *x, lac_tensor *residual, lac_tensor *weight, lac_tensor *bias, float eps, lac_tensor **sum);
/* The same, y of dtype d: that of x, or bf16. */
lac_tensor *lac_layer_norm_as(lac_tape *t, lac_tensor *x, lac_tensor *residual, lac_tensor *weight, lac_tensor *bias, float eps, lac_dtype d, lac_tensor **sum);
