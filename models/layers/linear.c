#include "models/layers/linear.h"

#include "models/layers/initial.h"

lac_status lac_linear_layer_init(lac_linear_layer *l, lac_params *ps, const char *name, int64_t in, int64_t out)
{
    static const int ndim[] = { [LAC_LINEAR_MATRIX] = 2, [LAC_LINEAR_CONV1D] = 3, [LAC_LINEAR_CONV2D] = 4 };
    const bool conv2d = l->kind == LAC_LINEAR_CONV2D;
    const int64_t dim[] = { out, conv2d ? 1 : in, 1, in };
    LAC_TRY(lac_params_name(ps, &l->name, name));
    LAC_TRY(lac_param_new(ps, &l->weight, conv2d ? LAC_ROLE_CONV : LAC_ROLE_LINEAR, ndim[l->kind], dim, LAC_INIT_UNIFORM, 0, "%s.weight", name));
    if (!l->no_bias)
        LAC_TRY(lac_param_new(ps, &l->bias, LAC_ROLE_BIAS, 1, &out, LAC_INIT_UNIFORM, 0, "%s.bias", name));
    lac_initial_uniform(l->weight, l->bias, in);
    return LAC_OK;
}

lac_tensor *lac_linear_layer_forward(lac_tape *t, const lac_linear_layer *l, lac_tensor *x) { return lac_linear_layer_sum(t, l, x, NULL, NULL); }

lac_tensor *lac_linear_layer_sum(lac_tape *t, const lac_linear_layer *l, lac_tensor *x, lac_tensor *skip, lac_tensor *residual)
{
    lac_tape_enter(t, l->name);
    lac_tensor *y = lac_linear_sum(t, x, skip, l->weight->value, l->bias != NULL ? l->bias->value : NULL, residual);
    lac_tape_leave(t);
    return y;
}
