/* models/layers/linear.h -- a linear layer with its parameters: NAME.weight [O, I] and, where it has one, NAME.bias [O].
 *
 *     y = x W^T + b           over the last dim of x, whatever stands before it: tokens, pixels */
#pragma once

#include "autograd/ops/linear/linear.h"
#include "autograd/params.h"

/* no_bias is chosen before lac_linear_layer_init; the rest is its own. */
typedef struct lac_linear_layer {
    bool no_bias;
    const char *name;
    lac_param *weight, *bias;
} lac_linear_layer;

/* Adds its parameters, under the module that lac_params_enter names; Glorot's weights, bias 0. */
lac_status lac_linear_layer_init(lac_linear_layer *l, lac_params *ps, const char *name, int64_t in, int64_t out);

/* x [..., in]; NULL after an error. */
lac_tensor *lac_linear_layer_forward(lac_tape *t, const lac_linear_layer *l, lac_tensor *x);
