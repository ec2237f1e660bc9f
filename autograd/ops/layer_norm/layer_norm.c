#include "autograd/ops/layer_norm/layer_norm.h"
#include "autograd/ops/ops.h"

static lac_status check_vector(const lac_tensor *v, const lac_tensor *x, const char *name)
{
    const int64_t channels = x->dim[x->ndim - 1];
    if (v->ndim == 1 && v->dim[0] == channels)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_SHAPE, "layer_norm wants %s [%lld] for x %s, got %s", name, (long long)channels, lac_shape_str(x), lac_shape_str(v));
}

static lac_status check_residual(const lac_tensor *residual, const lac_tensor *x)
{
    return lac_same_shape(residual, x) ? LAC_OK : LAC_FAIL(LAC_ERR_SHAPE, "layer_norm: residual is %s, x is %s", lac_shape_str(residual), lac_shape_str(x));
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_layer_norm_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    if (!(a->eps > 0))
        return LAC_FAIL(LAC_ERR_ARG, "layer_norm wants an eps above 0, got %g", (double)a->eps);
    if (x->ndim < 1 || x->dim[x->ndim - 1] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "layer_norm wants x [..., C], got %s", lac_shape_str(x));
    LAC_TRY(check_vector(c->in[1], x, "weight"));
    LAC_TRY(check_vector(c->in[2], x, "bias"));
    if (c->in[3] != NULL)
        LAC_TRY(check_residual(c->in[3], x));
    lac_tensor_shape(c->out[0], a->narrow ? LAC_BF16 : x->dtype, x->ndim, x->dim);
    lac_tensor_like(c->out[1], x);
    if (c->in[3] == NULL)
        c->out[1] = NULL;
    lac_tensor_shape(c->out[2], LAC_F32, 2, (int64_t[]){ lac_numel(x) / x->dim[x->ndim - 1], 2 });
    return LAC_OK;
}

static uint32_t reads(const lac_op_ctx *c) { return (c->in[3] != NULL ? LAC_KEEP_OUT(1) : LAC_KEEP_IN(0)) | LAC_KEEP_IN(1) | LAC_KEEP_OUT(2); }

const lac_op_def lac_op_layer_norm = {
    .in = { { "x", LAC_FLOATS }, { "weight", LAC_F32_ONLY }, { "bias", LAC_F32_ONLY }, { "residual", LAC_FLOATS | LAC_OPTIONAL } },
    .out = { { "y" }, { "sum", LAC_OPTIONAL }, { "stats", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_OUT(1) | LAC_KEEP_OUT(2), .reads = reads,
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_layer_norm_attr),
};

static lac_tensor *call(lac_tape *t, lac_tensor *x, lac_tensor *residual, lac_tensor *weight, lac_tensor *bias, const lac_layer_norm_attr *a, lac_tensor **sum)
{
    lac_tensor *in[LAC_MAX_IN] = { x, weight, bias, residual }, *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_layer_norm, a, in, out);
    if (sum != NULL)
        *sum = out[1];
    return out[0];
}

lac_tensor *lac_layer_norm(lac_tape *t, lac_tensor *x, lac_tensor *residual, lac_tensor *weight, lac_tensor *bias, float eps, lac_tensor **sum)
{
    return call(t, x, residual, weight, bias, &(lac_layer_norm_attr){ eps, false }, sum);
}

lac_tensor *lac_layer_norm_as(lac_tape *t, lac_tensor *x, lac_tensor *residual, lac_tensor *weight, lac_tensor *bias, float eps, lac_dtype d, lac_tensor **sum)
{
    if (x != NULL && d != LAC_BF16 && d != x->dtype)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_DTYPE, "layer_norm makes of %s %s or bf16, not %s", lac_dtype_name(x->dtype), lac_dtype_name(x->dtype), lac_dtype_name(d)));
    return call(t, x, residual, weight, bias, &(lac_layer_norm_attr){ eps, d == LAC_BF16 }, sum);
}
