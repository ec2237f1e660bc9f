/* models/layers/encoder.h -- the layer of pre-norm transformers (arXiv:2002.04745), and a row of them: text and vision towers.
 *
 *     x' = x + out(attention(q(n), k(n), v(n)))    n = norm1(x)
 *     y  = x' + fc2(act(fc1(norm2(x'))))
 *
 * x [N, T, C], f32 in a bf16 network too: the branches are bf16, their sum is not, or its rounding would add up over the layers. What differs from tower to tower is said before init: heads, width of the attention, names. */
#pragma once

#include "autograd/ops/attention/attention.h"
#include "core/act.h"
#include "models/layers/linear.h"
#include "models/layers/norm.h"

/* Names of its parts within the module that lac_params_enter names. */
typedef struct lac_encoder_names { const char *norm1, *q, *k, *v, *out, *norm2, *fc1, *fc2; } lac_encoder_names;

/* width: C; inner: of q, k, v, all heads together; mlp: of the hidden layer. */
typedef struct lac_encoder_attr {
    int64_t layers, width, inner, heads, mlp;
    float eps;
    lac_act act;
    bool causal, no_qkv_bias;
    bool recompute;                 /* layers keep their input alone for backward, and run again */
} lac_encoder_attr;

typedef struct lac_encoder_layer {
    const lac_encoder_attr *a;
    lac_layer_norm_layer norm1, norm2;
    lac_linear_layer q, k, v, out, fc1, fc2;
} lac_encoder_layer;

typedef struct lac_encoder {
    lac_encoder_attr a;
    lac_encoder_layer *layer;       /* a.layers, its own */
} lac_encoder;

/* LAC_ERR_CONFIG where heads do not divide inner. Afterwards each layer's halves are made, in modules of the caller's. *e must stay where it is. */
lac_status lac_encoder_new(lac_encoder *e, const lac_encoder_attr *a);
void lac_encoder_free(lac_encoder *e);
lac_status lac_encoder_init_attention(lac_encoder *e, int64_t i, lac_params *ps, const lac_encoder_names *names);
lac_status lac_encoder_init_mlp(lac_encoder *e, int64_t i, lac_params *ps, const lac_encoder_names *names);

/* x [N, T, C], f32; *last (may be NULL) is the input of the last layer. NULL after an error. */
lac_tensor *lac_encoder_forward(lac_tape *t, const lac_encoder *e, lac_tensor *x, lac_tensor **last);
