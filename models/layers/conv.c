#include "models/layers/conv.h"

#include "models/layers/initial.h"

static int64_t or_one(int64_t n) { return n > 0 ? n : 1; }

lac_status lac_conv_layer_init(lac_conv_layer *l, lac_params *ps, const char *name, int64_t in, int64_t out)
{
    LAC_TRY(lac_params_name(ps, &l->name, name));
    const int64_t fan_in = l->k * l->k * in / or_one(l->groups);
    LAC_TRY(lac_param_new(ps, &l->weight, LAC_ROLE_CONV, 4, (int64_t[]){ out, l->k, l->k, in / or_one(l->groups) }, LAC_INIT_UNIFORM, l->flags,
                          "%s.weight", name));
    if (!l->no_bias)
        LAC_TRY(lac_param_new(ps, &l->bias, LAC_ROLE_BIAS, 1, &out, LAC_INIT_UNIFORM, 0, "%s.bias", name));
    lac_initial_uniform(l->weight, l->bias, fan_in);
    return LAC_OK;
}

static lac_conv2d_attr attr_of(const lac_conv_layer *l, const lac_tensor *x, lac_act_fn act)
{
    const int64_t s = or_one(l->stride), d = or_one(l->dilation);
    const int64_t before = l->pad, after = l->pad + l->pad_end;
    lac_conv2d_attr a = { .stride = { s, s }, .dilation = { d, d }, .pad = { before, after, before, after }, .groups = or_one(l->groups), .act = act };
    if (l->padding == LAC_PAD_SAME && x->ndim == 4) {
        lac_same_padding(x->dim[1], l->k, s, d, &a.pad[0], &a.pad[1]);
        lac_same_padding(x->dim[2], l->k, s, d, &a.pad[2], &a.pad[3]);
    }
    return a;
}

lac_tensor *lac_conv_layer_with(lac_tape *t, const lac_conv_layer *l, lac_tensor *x, lac_tensor *weight, lac_tensor *residual, lac_act_fn act)
{
    if (x == NULL)
        return NULL;
    const lac_conv2d_attr a = attr_of(l, x, act);
    return lac_conv2d(t, x, weight, l->bias != NULL ? l->bias->value : NULL, residual, &a);
}

lac_tensor *lac_conv_layer_forward(lac_tape *t, const lac_conv_layer *l, lac_tensor *x, lac_tensor *residual, lac_act_fn act)
{
    lac_tape_enter(t, l->name);
    lac_tensor *y = lac_conv_layer_with(t, l, x, l->weight->value, residual, act);
    lac_tape_leave(t);
    return y;
}
