#include "models/layers/norm.h"

static lac_status affine(lac_params *ps, const char **own, lac_param **weight, lac_param **bias, const char *name, int64_t channels)
{
    LAC_TRY(lac_params_name(ps, own, name));
    LAC_TRY(lac_param_new(ps, weight, LAC_ROLE_NORM, 1, &channels, LAC_INIT_ONE, 0, "%s.weight", name));
    return lac_param_new(ps, bias, LAC_ROLE_NORM, 1, &channels, LAC_INIT_ZERO, 0, "%s.bias", name);
}

lac_status lac_group_norm_layer_init(lac_group_norm_layer *l, lac_params *ps, const char *name, int64_t channels)
{
    return affine(ps, &l->name, &l->weight, &l->bias, name, channels);
}

lac_tensor *lac_group_norm_layer_forward(lac_tape *t, const lac_group_norm_layer *l, lac_tensor *x, lac_tensor *skip, lac_tensor *shift,
                                         lac_tensor *scale_shift, lac_act act)
{
    lac_tape_enter(t, l->name);
    const lac_group_norm_attr a = { l->groups, l->eps, act };
    lac_tensor *y = lac_group_norm(t, x, l->weight->value, l->bias->value, skip, shift, scale_shift, &a);
    lac_tape_leave(t);
    return y;
}

lac_status lac_layer_norm_layer_init(lac_layer_norm_layer *l, lac_params *ps, const char *name, int64_t channels)
{
    return affine(ps, &l->name, &l->weight, &l->bias, name, channels);
}

lac_tensor *lac_layer_norm_layer_forward(lac_tape *t, const lac_layer_norm_layer *l, lac_tensor *x, lac_tensor *residual, lac_tensor **sum)
{
    lac_tape_enter(t, l->name);
    lac_tensor *y = lac_layer_norm(t, x, residual, l->weight->value, l->bias->value, l->eps, sum);
    lac_tape_leave(t);
    return y;
}

lac_tensor *lac_layer_norm_layer_as(lac_tape *t, const lac_layer_norm_layer *l, lac_tensor *x, lac_tensor *residual, lac_dtype d, lac_tensor **sum)
{
    lac_tape_enter(t, l->name);
    lac_tensor *y = lac_layer_norm_as(t, x, residual, l->weight->value, l->bias->value, l->eps, d, sum);
    lac_tape_leave(t);
    return y;
}
