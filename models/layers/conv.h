/* models/layers/conv.h -- a convolution with its parameters: NAME.weight [O, kh, kw, I] and, where it has one, NAME.bias [O].
 *
 *     y = act(conv(x) + bias + residual)          residual and act in the convolution's own pass */
#pragma once

#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/params.h"

typedef enum { LAC_PAD_EXPLICIT, LAC_PAD_SAME } lac_conv_padding;     /* SAME: TensorFlow's, ceil(size / stride) pixels come out */

/* What is chosen before lac_conv_layer_init; the rest is its own. Zeroes: stride 1, dilation 1, one group, no zeros around x, a bias. */
typedef struct lac_conv_layer {
    int64_t k, stride, dilation, groups;    /* k: height and width of the window */
    lac_conv_padding padding;
    int64_t pad, pad_end;                   /* explicit: zeros on each side; more of them below and to the right */
    bool no_bias;
    unsigned flags;                         /* of the weight: LAC_PARAM_F32 */
    const char *name;
    lac_param *weight, *bias;
} lac_conv_layer;

/* Adds its parameters, under the module that lac_params_enter names: uniform within 1 / sqrt(fan in), weight and bias, as PyTorch makes its layers. in: channels of x, of all groups. */
lac_status lac_conv_layer_init(lac_conv_layer *l, lac_params *ps, const char *name, int64_t in, int64_t out);

/* x [N, H, W, in]; residual as y or NULL. NULL after an error. */
lac_tensor *lac_conv_layer_forward(lac_tape *t, const lac_conv_layer *l, lac_tensor *x, lac_tensor *residual, lac_act_fn act);

/* The same with another tensor in place of the weight: one that was normalised, say. Within the caller's lac_tape_enter. */
lac_tensor *lac_conv_layer_with(lac_tape *t, const lac_conv_layer *l, lac_tensor *x, lac_tensor *weight, lac_tensor *residual, lac_act_fn act);
