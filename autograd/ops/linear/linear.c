#include "autograd/ops/linear/products.h"
#include "autograd/ops/ops.h"

#include <string.h>

static lac_status check_weight(const lac_tensor *w)
{
    int wide = 0;
    for (int i = 1; i < w->ndim; i++)
        wide += w->dim[i] != 1;
    if (w->ndim < 2 || w->dim[0] < 1 || wide > 1 || lac_linear_inputs(w) < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "linear wants weight [O, I], got %s", lac_shape_str(w));
    return LAC_OK;
}

static lac_status check_x(const lac_tensor *x, const lac_tensor *skip, const lac_tensor *w)
{
    const int64_t wanted = lac_linear_inputs(w) - (skip != NULL && skip->ndim > 0 ? skip->dim[skip->ndim - 1] : 0);
    if (x->ndim < 1 || x->dim[x->ndim - 1] != wanted)
        return LAC_FAIL(LAC_ERR_SHAPE, "linear wants x [..., %lld] for weight %s%s%s, got %s", (long long)wanted, lac_shape_str(w),
                        skip != NULL ? " and skip " : "", skip != NULL ? lac_shape_str(skip) : "", lac_shape_str(x));
    if (skip != NULL && (skip->ndim != x->ndim || memcmp(skip->dim, x->dim, (size_t)(x->ndim - 1) * sizeof *x->dim) != 0))
        return LAC_FAIL(LAC_ERR_SHAPE, "linear: skip is %s, x is %s", lac_shape_str(skip), lac_shape_str(x));
    return LAC_OK;
}

static lac_status check_dtype(const lac_tensor *x, const lac_tensor *other, const char *name)
{
    if (other == NULL || other->dtype == x->dtype)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_DTYPE, "linear wants %s in the dtype of x, %s, got %s", name, lac_dtype_name(x->dtype), lac_dtype_name(other->dtype));
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[LAC_LINEAR_X], *w = c->in[LAC_LINEAR_WEIGHT], *bias = c->in[LAC_LINEAR_BIAS];
    const lac_tensor *skip = c->in[LAC_LINEAR_SKIP], *residual = c->in[LAC_LINEAR_RESIDUAL];
    LAC_TRY(check_weight(w));
    LAC_TRY(check_x(x, skip, w));
    if (bias && (bias->ndim != 1 || bias->dim[0] != w->dim[0]))
        return LAC_FAIL(LAC_ERR_SHAPE, "linear wants bias [%lld] for weight %s, got %s", (long long)w->dim[0], lac_shape_str(w), lac_shape_str(bias));
    LAC_TRY(check_dtype(x, w, "weight"));
    LAC_TRY(check_dtype(x, skip, "skip"));
    LAC_TRY(check_dtype(x, residual, "residual"));
    lac_tensor_like(c->out[0], x);
    c->out[0]->dim[x->ndim - 1] = w->dim[0];
    if (residual != NULL && !lac_same_shape(residual, c->out[0]))
        return LAC_FAIL(LAC_ERR_SHAPE, "linear: residual is %s, y %s", lac_shape_str(residual), lac_shape_str(c->out[0]));
    return LAC_OK;
}

static int64_t flops(const lac_op_ctx *c) { return 2 * lac_numel(c->out[0]) * lac_linear_inputs(c->in[LAC_LINEAR_WEIGHT]); }

const lac_op_def lac_op_linear = {
    .in = { { "x", LAC_FLOATS }, { "weight", LAC_FLOATS }, { "bias", LAC_F32_ONLY | LAC_OPTIONAL }, { "skip", LAC_FLOATS | LAC_OPTIONAL },
            { "residual", LAC_FLOATS | LAC_OPTIONAL } },
    .out = { { "y" } },
    .keeps = LAC_KEEP_IN(LAC_LINEAR_X) | LAC_KEEP_IN(LAC_LINEAR_WEIGHT) | LAC_KEEP_IN(LAC_LINEAR_SKIP),
    .infer = infer, .workspace = true,
    .flops = flops,
};

lac_tensor *lac_linear(lac_tape *t, lac_tensor *x, lac_tensor *weight, lac_tensor *bias)
{
    return lac_linear_sum(t, x, NULL, weight, bias, NULL);
}

lac_tensor *lac_linear_sum(lac_tape *t, lac_tensor *x, lac_tensor *skip, lac_tensor *weight, lac_tensor *bias, lac_tensor *residual)
{
    return lac_apply(t, LAC_OP_linear, NULL, x, weight, bias, skip, residual);
}
