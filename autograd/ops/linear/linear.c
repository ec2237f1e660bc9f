#include "autograd/ops/linear/linear.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *w = c->in[1], *bias = c->in[2];
    if (w->ndim != 2 || w->dim[0] < 1 || w->dim[1] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "linear wants weight [O, I], got %s", lac_shape_str(w));
    if (x->ndim < 1 || x->dim[x->ndim - 1] != w->dim[1])
        return LAC_FAIL(LAC_ERR_SHAPE, "linear wants x [..., %lld] for weight %s, got %s", (long long)w->dim[1], lac_shape_str(w), lac_shape_str(x));
    if (bias && (bias->ndim != 1 || bias->dim[0] != w->dim[0]))
        return LAC_FAIL(LAC_ERR_SHAPE, "linear wants bias [%lld] for weight %s, got %s", (long long)w->dim[0], lac_shape_str(w), lac_shape_str(bias));
    if (x->dtype != w->dtype)
        return LAC_FAIL(LAC_ERR_DTYPE, "linear wants weight in the dtype of x, %s, got %s", lac_dtype_name(x->dtype), lac_dtype_name(w->dtype));
    lac_tensor_like(c->out[0], x);
    c->out[0]->dim[x->ndim - 1] = w->dim[0];
    return LAC_OK;
}

static int64_t flops(const lac_op_ctx *c) { return 2 * lac_numel(c->out[0]) * c->in[1]->dim[1]; }

const lac_op_def lac_op_linear = {
    .in = { { "x", LAC_FLOATS }, { "weight", LAC_FLOATS }, { "bias", LAC_F32_ONLY | LAC_OPTIONAL } },
    .out = { { "y" } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1),
    .infer = infer, .workspace = true,
    .flops = flops,
};

lac_tensor *lac_linear(lac_tape *t, lac_tensor *x, lac_tensor *weight, lac_tensor *bias)
{
    return lac_apply(t, LAC_OP_linear, NULL, x, weight, bias);
}
