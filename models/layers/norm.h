/* models/layers/norm.h -- normalisations with their parameters: NAME.weight [C], NAME.bias [C], 1 and 0 at first. */
#pragma once

#include "autograd/ops/group_norm/group_norm.h"
#include "autograd/params.h"

typedef struct lac_group_norm_layer {
    int64_t groups;                 /* chosen before lac_group_norm_layer_init, as is eps */
    float eps;
    const char *name;
    lac_param *weight, *bias;
} lac_group_norm_layer;

lac_status lac_group_norm_layer_init(lac_group_norm_layer *l, lac_params *ps, const char *name, int64_t channels);

/* x [N, H, W, A], skip [N, H, W, B] or NULL beside it: A + B channels; act LAC_ACT_NONE or LAC_ACT_SILU. NULL after an error. */
lac_tensor *lac_group_norm_layer_forward(lac_tape *t, const lac_group_norm_layer *l, lac_tensor *x, lac_tensor *skip, lac_act act);
