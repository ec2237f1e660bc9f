/* autograd/ops/activation/activation.h -- one function of every element.
 *
 *     elu    x > 0 ? x : e^x - 1              relu   max(x, 0), derivative 0 at 0
 *     leaky  x > 0 ? x : slope x              tanh
 *     clip   x cut to [-1, 1], derivative 1 inside and on the bounds
 *     silu   x sigmoid(x)                     quick_gelu   x sigmoid(1.702 x)                gelu   x times the normal distribution's share below x
 *
 * x  any shape, f32 or bf16
 * y  shape and dtype of x; owned by the tape
 *
 * Backward reads x only. Fails with LAC_ERR_ARG for LAC_ACT_NONE, and for leaky whose slope is not between 0 and 1. */
#pragma once

#include "autograd/tape.h"
#include "core/act.h"

typedef struct lac_activation_attr { lac_act_fn act; } lac_activation_attr;

lac_tensor *lac_activation(lac_tape *t, lac_tensor *x, lac_act kind);           /* leaky: slope 0.2 */
lac_tensor *lac_activation_fn(lac_tape *t, lac_tensor *x, lac_act_fn act);
