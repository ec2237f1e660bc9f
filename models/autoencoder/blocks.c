#include "models/autoencoder/blocks.h"

#include "autograd/ops/attention/attention.h"
#include "autograd/ops/resize/resize.h"
#include "models/layers/initial.h"

static const lac_act_fn no_act = { .kind = LAC_ACT_NONE };

static lac_group_norm_layer norm_of(int64_t groups) { return (lac_group_norm_layer){ .groups = groups, .eps = 1e-6f }; }

/* ---- residual block ---- */

lac_status lac_residual_block_init(lac_residual_block *b, lac_params *ps, const lac_block_names *names, int64_t groups, int64_t in, int64_t out)
{
    *b = (lac_residual_block){ .norm1 = norm_of(groups), .norm2 = norm_of(groups), .conv1 = { .k = 3, .pad = 1 }, .conv2 = { .k = 3, .pad = 1 }, .skip = { .k = 1 } };
    LAC_TRY(lac_group_norm_layer_init(&b->norm1, ps, "norm1", in));
    LAC_TRY(lac_conv_layer_init(&b->conv1, ps, "conv1", in, out));
    LAC_TRY(lac_group_norm_layer_init(&b->norm2, ps, "norm2", out));
    LAC_TRY(lac_conv_layer_init(&b->conv2, ps, "conv2", out, out));
    return in == out ? LAC_OK : lac_conv_layer_init(&b->skip, ps, names->shortcut, in, out);
}

lac_tensor *lac_residual_block_forward(lac_tape *t, const lac_residual_block *b, lac_tensor *x)
{
    lac_tensor *h = lac_group_norm_layer_forward(t, &b->norm1, x, NULL, NULL, NULL, LAC_ACT_SILU);
    h = lac_conv_layer_forward(t, &b->conv1, h, NULL, no_act);
    h = lac_group_norm_layer_forward(t, &b->norm2, h, NULL, NULL, NULL, LAC_ACT_SILU);
    lac_tensor *skip = b->skip.weight == NULL ? x : lac_conv_layer_forward(t, &b->skip, x, NULL, no_act);
    return lac_conv_layer_forward(t, &b->conv2, h, skip, no_act);
}

/* ---- attention ---- */

/* A 1x1 convolution, its weight [C, C] where checkpoints keep it as a linear layer's. */
static lac_status projection_init(lac_conv_layer *l, lac_params *ps, const char *name, bool linear, int64_t channels)
{
    *l = (lac_conv_layer){ .k = 1 };
    if (!linear)
        return lac_conv_layer_init(l, ps, name, channels, channels);
    LAC_TRY(lac_params_name(ps, &l->name, name));
    LAC_TRY(lac_param_new(ps, &l->weight, LAC_ROLE_LINEAR, 2, (int64_t[]){ channels, channels }, LAC_INIT_UNIFORM, 0, "%s.weight", name));
    LAC_TRY(lac_param_new(ps, &l->bias, LAC_ROLE_BIAS, 1, &channels, LAC_INIT_UNIFORM, 0, "%s.bias", name));
    lac_initial_uniform(l->weight, l->bias, channels);
    return LAC_OK;
}

static lac_tensor *project(lac_tape *t, const lac_conv_layer *l, lac_tensor *x, lac_tensor *residual)
{
    lac_tensor *w = l->weight->value;
    lac_tape_enter(t, l->name);
    if (w->ndim == 2)
        w = lac_reshape(t, w, 4, (int64_t[]){ w->dim[0], 1, 1, w->dim[1] });
    lac_tensor *y = lac_conv_layer_with(t, l, x, w, residual, no_act);
    lac_tape_leave(t);
    return y;
}

lac_status lac_pixel_attention_init(lac_pixel_attention *a, lac_params *ps, const lac_block_names *names, int64_t groups, int64_t channels)
{
    a->norm = norm_of(groups);
    LAC_TRY(lac_group_norm_layer_init(&a->norm, ps, names->norm, channels));
    LAC_TRY(projection_init(&a->q, ps, names->q, names->linear, channels));
    LAC_TRY(projection_init(&a->k, ps, names->k, names->linear, channels));
    LAC_TRY(projection_init(&a->v, ps, names->v, names->linear, channels));
    return projection_init(&a->out, ps, names->out, names->linear, channels);
}

lac_tensor *lac_pixel_attention_forward(lac_tape *t, const lac_pixel_attention *a, lac_tensor *x)
{
    lac_tensor *u = lac_group_norm_layer_forward(t, &a->norm, x, NULL, NULL, NULL, LAC_ACT_NONE);
    lac_tensor *q = project(t, &a->q, u, NULL), *k = project(t, &a->k, u, NULL), *v = project(t, &a->v, u, NULL);
    return project(t, &a->out, lac_attention(t, q, k, v, &(lac_attention_attr){ .heads = 1 }), x);
}

/* ---- sizes ---- */

lac_status lac_downsample_init(lac_conv_layer *l, lac_params *ps, const char *name, int64_t channels)
{
    *l = (lac_conv_layer){ .k = 3, .stride = 2, .pad_end = 1 };
    return lac_conv_layer_init(l, ps, name, channels, channels);
}

lac_status lac_upsample_init(lac_conv_layer *l, lac_params *ps, const char *name, int64_t channels)
{
    *l = (lac_conv_layer){ .k = 3, .pad = 1 };
    return lac_conv_layer_init(l, ps, name, channels, channels);
}

lac_tensor *lac_upsample_forward(lac_tape *t, const lac_conv_layer *l, lac_tensor *x)
{
    if (x == NULL)
        return NULL;
    x = lac_resize(t, x, &(lac_resize_attr){ .height = 2 * x->dim[1], .width = 2 * x->dim[2], .mode = LAC_RESIZE_NEAREST });
    return lac_conv_layer_forward(t, l, x, NULL, no_act);
}
