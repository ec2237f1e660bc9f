/* models/layers/norm.h -- normalisations with their parameters: NAME.weight [C], NAME.bias [C], 1 and 0 at first. */
#pragma once

#include "autograd/ops/group_norm/group_norm.h"
#include "autograd/ops/layer_norm/layer_norm.h"
#include "autograd/params.h"

typedef struct lac_group_norm_layer {
    int64_t groups;                 /* chosen before lac_group_norm_layer_init, as is eps */
    float eps;
    const char *name;
    lac_param *weight, *bias;
} lac_group_norm_layer;

lac_status lac_group_norm_layer_init(lac_group_norm_layer *l, lac_params *ps, const char *name, int64_t channels);

/* x [N, H, W, A]; NULL or: skip [N, H, W, B] beside it, A + B = C channels; shift [N, C] and scale_shift [N, 2C] of group_norm.h. act LAC_ACT_NONE or
 * LAC_ACT_SILU. NULL after an error. */
lac_tensor *lac_group_norm_layer_forward(lac_tape *t, const lac_group_norm_layer *l, lac_tensor *x, lac_tensor *skip, lac_tensor *shift,
                                         lac_tensor *scale_shift, lac_act act);

typedef struct lac_layer_norm_layer {
    float eps;                      /* chosen before lac_layer_norm_layer_init */
    const char *name;
    lac_param *weight, *bias;
} lac_layer_norm_layer;

lac_status lac_layer_norm_layer_init(lac_layer_norm_layer *l, lac_params *ps, const char *name, int64_t channels);

/* Of x [..., C], or of *sum = x + residual where that is not NULL; sum may be NULL. NULL after an error. */
lac_tensor *lac_layer_norm_layer_forward(lac_tape *t, const lac_layer_norm_layer *l, lac_tensor *x, lac_tensor *residual, lac_tensor **sum);
/* The same in dtype d: that of x, or bf16. */
lac_tensor *lac_layer_norm_layer_as(lac_tape *t, const lac_layer_norm_layer *l, lac_tensor *x, lac_tensor *residual, lac_dtype d, lac_tensor **sum);
