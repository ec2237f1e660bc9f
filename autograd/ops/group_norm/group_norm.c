#include "autograd/ops/group_norm/group_norm.h"
#include "autograd/ops/ops.h"

#include <string.h>

static lac_status check_vector(const lac_tensor *v, int64_t channels, const char *name)
{
    if (v->ndim == 1 && v->dim[0] == channels)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_SHAPE, "group_norm wants %s [%lld], a number a channel, got %s", name, (long long)channels, lac_shape_str(v));
}

static lac_status check_skip(const lac_tensor *x, const lac_tensor *skip)
{
    if (skip->ndim != 4 || memcmp(skip->dim, x->dim, 3 * sizeof *x->dim) != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "group_norm: skip is %s, x is %s", lac_shape_str(skip), lac_shape_str(x));
    return skip->dtype == x->dtype ? LAC_OK
         : LAC_FAIL(LAC_ERR_DTYPE, "group_norm wants skip in the dtype of x, %s, got %s", lac_dtype_name(x->dtype), lac_dtype_name(skip->dtype));
}

/* A number a sample and channel; NULL fits. */
static lac_status check_rows(const lac_tensor *v, const lac_tensor *x, int64_t n, const char *name)
{
    if (v == NULL || (v->ndim == 2 && v->dim[0] == x->dim[0] && v->dim[1] == n))
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_SHAPE, "group_norm wants %s [%lld, %lld] for x %s, got %s", name, (long long)x->dim[0], (long long)n, lac_shape_str(x), lac_shape_str(v));
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_group_norm_attr *a = c->attr;
    const lac_tensor *x = c->in[0], *skip = c->in[3];
    if (a->act != LAC_ACT_NONE && a->act != LAC_ACT_SILU)
        return LAC_FAIL(LAC_ERR_ARG, "group_norm wants no activation or silu, got number %d", (int)a->act);
    if (!(a->eps > 0))
        return LAC_FAIL(LAC_ERR_ARG, "group_norm wants an eps above 0, got %g", (double)a->eps);
    if (x->ndim != 4)
        return LAC_FAIL(LAC_ERR_SHAPE, "group_norm wants x [N, H, W, C], got %s", lac_shape_str(x));
    if (skip != NULL)
        LAC_TRY(check_skip(x, skip));
    const int64_t channels = x->dim[3] + (skip != NULL ? skip->dim[3] : 0);
    if (a->groups < 1 || channels < 1 || channels % a->groups != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "group_norm: %lld groups do not divide %lld channels", (long long)a->groups, (long long)channels);
    LAC_TRY(check_vector(c->in[1], channels, "weight"));
    LAC_TRY(check_vector(c->in[2], channels, "bias"));
    LAC_TRY(check_rows(c->in[4], x, channels, "shift"));
    LAC_TRY(check_rows(c->in[5], x, 2 * channels, "scale_shift"));
    lac_tensor_shape(c->out[0], x->dtype, 4, (int64_t[]){ x->dim[0], x->dim[1], x->dim[2], channels });
    lac_tensor_shape(c->out[1], LAC_F32, 3, (int64_t[]){ x->dim[0], a->groups, 2 });
    lac_tensor_shape(c->out[2], LAC_F32, 2, (int64_t[]){ x->dim[0], channels });
    if (c->in[4] == NULL)
        c->out[2] = NULL;
    return LAC_OK;
}

const lac_op_def lac_op_group_norm = {
    .in = { { "x", LAC_FLOATS }, { "weight", LAC_F32_ONLY }, { "bias", LAC_F32_ONLY }, { "skip", LAC_FLOATS | LAC_OPTIONAL },
            { "shift", LAC_FLOATS | LAC_OPTIONAL }, { "scale_shift", LAC_FLOATS | LAC_OPTIONAL } },
    .out = { { "y" }, { "stats", LAC_SAVED }, { "centred", LAC_SAVED | LAC_OPTIONAL } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2) | LAC_KEEP_IN(3) | LAC_KEEP_IN(4) | LAC_KEEP_IN(5) | LAC_KEEP_OUT(1) | LAC_KEEP_OUT(2),
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_group_norm_attr),
};

lac_tensor *lac_group_norm(lac_tape *t, lac_tensor *x, lac_tensor *weight, lac_tensor *bias, lac_tensor *skip, lac_tensor *shift, lac_tensor *scale_shift,
                           const lac_group_norm_attr *a)
{
    return lac_apply(t, LAC_OP_group_norm, a, x, weight, bias, skip, shift, scale_shift);
}
