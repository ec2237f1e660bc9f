#include "autograd/ops/batch_norm/batch_norm.h"
#include "autograd/ops/ops.h"

static lac_status check_attr(const lac_batch_norm_attr *a)
{
    if ((a->act.kind != LAC_ACT_NONE && a->act.kind != LAC_ACT_LEAKY) || !lac_act_sound(a->act))
        return LAC_FAIL(LAC_ERR_ARG, "batch_norm wants no activation or leaky with a slope within (0, 1), got number %d, %g", (int)a->act.kind, (double)a->act.slope);
    if (!(a->eps > 0))
        return LAC_FAIL(LAC_ERR_ARG, "batch_norm wants an eps above 0, got %g", (double)a->eps);
    return a->momentum >= 0 && a->momentum <= 1 ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "batch_norm wants a momentum within [0, 1], got %g", (double)a->momentum);
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_batch_norm_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    LAC_TRY(check_attr(a));
    if (x->ndim != 4)
        return LAC_FAIL(LAC_ERR_SHAPE, "batch_norm wants x [N, H, W, C], got %s", lac_shape_str(x));
    if (a->training && x->dim[0] * x->dim[1] * x->dim[2] == 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "batch_norm in training wants more than one pixel a channel, got %s", lac_shape_str(x));
    for (int i = 1; i < 5; i++)
        if (c->in[i]->ndim != 1 || c->in[i]->dim[0] != x->dim[3])
            return LAC_FAIL(LAC_ERR_SHAPE, "batch_norm wants %s [%lld], a number a channel, got %s", c->def->in[i].name, (long long)x->dim[3], lac_shape_str(c->in[i]));
    lac_tensor_like(c->out[0], x);
    lac_tensor_like(c->out[1], c->in[3]);
    lac_tensor_like(c->out[2], c->in[3]);
    lac_tensor_shape(c->out[3], LAC_F32, 1, (int64_t[]){ 2 * x->dim[3] + 1 });       /* mean, rstd, and of how many pixels */
    return LAC_OK;
}

const lac_op_def lac_op_batch_norm = {
    .in = { { "x", LAC_FLOATS }, { "weight", LAC_F32_ONLY }, { "bias", LAC_F32_ONLY }, { "running_mean", LAC_F32_ONLY }, { "running_var", LAC_F32_ONLY } },
    .out = { { "y" }, { "new_mean" }, { "new_var" }, { "stats", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2) | LAC_KEEP_OUT(3),
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_batch_norm_attr),
};

lac_tensor *lac_batch_norm(lac_tape *t, lac_tensor *const in[5], const lac_batch_norm_attr *a, lac_tensor **new_mean, lac_tensor **new_var)
{
    lac_tensor *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_batch_norm, a, (lac_tensor *[LAC_MAX_IN]){ in[0], in[1], in[2], in[3], in[4] }, out);
    *new_mean = out[1];
    *new_var = out[2];
    return out[0];
}
