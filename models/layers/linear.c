#include "models/layers/linear.h"

lac_status lac_linear_layer_init(lac_linear_layer *l, lac_params *ps, const char *name, int64_t in, int64_t out)
{
    LAC_TRY(lac_params_name(ps, &l->name, name));
    LAC_TRY(lac_param_new(ps, &l->weight, LAC_ROLE_LINEAR, 2, (int64_t[]){ out, in }, LAC_INIT_XAVIER, 0, "%s.weight", name));
    return l->no_bias ? LAC_OK : lac_param_new(ps, &l->bias, LAC_ROLE_BIAS, 1, &out, LAC_INIT_ZERO, 0, "%s.bias", name);
}

lac_tensor *lac_linear_layer_forward(lac_tape *t, const lac_linear_layer *l, lac_tensor *x)
{
    lac_tape_enter(t, l->name);
    lac_tensor *y = lac_linear(t, x, l->weight->value, l->bias != NULL ? l->bias->value : NULL);
    lac_tape_leave(t);
    return y;
}
