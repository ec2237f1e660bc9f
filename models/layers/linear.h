/* models/layers/linear.h -- a linear layer with its parameters: NAME.weight [O, I] and, where it has one, NAME.bias [O].
 *
 *     y = [x | skip] W^T + b + residual           over the last dim of x, whatever stands before it: tokens, pixels */
#pragma once

#include "autograd/ops/linear/linear.h"
#include "autograd/params.h"

/* How the published weight lies; it is the same matrix: [O, I], or that of a 1x1 convolution, [O, I, 1] or [O, I, 1, 1]. */
typedef enum { LAC_LINEAR_MATRIX, LAC_LINEAR_CONV1D, LAC_LINEAR_CONV2D } lac_linear_kind;

/* no_bias and kind are chosen before lac_linear_layer_init; the rest is its own. */
typedef struct lac_linear_layer {
    bool no_bias;
    lac_linear_kind kind;
    const char *name;
    lac_param *weight, *bias;
} lac_linear_layer;

/* Adds its parameters, under the module that lac_params_enter names: uniform within 1 / sqrt(in), weight and bias, as PyTorch makes its layers. */
lac_status lac_linear_layer_init(lac_linear_layer *l, lac_params *ps, const char *name, int64_t in, int64_t out);

/* x [..., in]; NULL after an error. */
lac_tensor *lac_linear_layer_forward(lac_tape *t, const lac_linear_layer *l, lac_tensor *x);
/* skip beside x, residual shaped as y, each or both NULL. */
lac_tensor *lac_linear_layer_sum(lac_tape *t, const lac_linear_layer *l, lac_tensor *x, lac_tensor *skip, lac_tensor *residual);
