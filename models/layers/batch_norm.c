#include "models/layers/batch_norm.h"

#include <string.h>

static bool is_tracked_count(const char *name)
{
    static const char end[] = "num_batches_tracked";
    const size_t n = strlen(name), m = sizeof end - 1;
    return n >= m && strcmp(name + n - m, end) == 0;
}

lac_status lac_batch_norm_layer_init(lac_batch_norm_layer *l, lac_params *ps, const char *name, int64_t channels)
{
    ps->ignores = is_tracked_count;
    LAC_TRY(lac_params_name(ps, &l->name, name));
    LAC_TRY(lac_param_new(ps, &l->weight, LAC_ROLE_NORM, 1, &channels, LAC_INIT_ONE, 0, "%s.weight", name));
    LAC_TRY(lac_param_new(ps, &l->bias, LAC_ROLE_NORM, 1, &channels, LAC_INIT_ZERO, 0, "%s.bias", name));
    LAC_TRY(lac_param_new(ps, &l->mean, LAC_ROLE_BUFFER, 1, &channels, LAC_INIT_ZERO, 0, "%s.running_mean", name));
    return lac_param_new(ps, &l->var, LAC_ROLE_BUFFER, 1, &channels, LAC_INIT_ONE, 0, "%s.running_var", name);
}

lac_tensor *lac_batch_norm_layer_forward(lac_tape *t, const lac_batch_norm_layer *l, lac_tensor *x, bool training, lac_act_fn act, lac_batch_norm_state *state)
{
    const lac_batch_norm_attr a = { training, l->eps, l->momentum, act };
    lac_tensor *const in[5] = { x, l->weight->value, l->bias->value, state->mean != NULL ? state->mean : l->mean->value,
                                state->var != NULL ? state->var : l->var->value };
    lac_tape_enter(t, l->name);
    x = lac_batch_norm(t, in, &a, &state->mean, &state->var);
    lac_tape_leave(t);
    return x;
}

void lac_batch_norm_layer_commit(lac_tape *t, const lac_batch_norm_layer *l, const lac_batch_norm_state *state)
{
    lac_tape_commit(t, l->mean, state->mean);
    lac_tape_commit(t, l->var, state->var);
}
