#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_channel_affine_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    if (a->dtype != LAC_F32 && a->dtype != LAC_BF16)
        return LAC_FAIL(LAC_ERR_ARG, "channel_affine makes f32 or bf16, not %s", lac_dtype_name(a->dtype));
    if (x->ndim < 1 || x->dim[x->ndim - 1] < 1 || x->dim[x->ndim - 1] > LAC_AFFINE_CHANNELS)
        return LAC_FAIL(LAC_ERR_SHAPE, "channel_affine wants x [..., C] of 1 to %d channels, got %s", LAC_AFFINE_CHANNELS, lac_shape_str(x));
    lac_tensor_like(c->out[0], x);
    c->out[0]->dtype = a->dtype;
    return LAC_OK;
}

const lac_op_def lac_op_channel_affine = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .infer = infer, .attr_size = sizeof(lac_channel_affine_attr),
};

lac_tensor *lac_channel_affine(lac_tape *t, lac_tensor *x, const lac_channel_affine_attr *a) { return lac_apply(t, LAC_OP_channel_affine, a, x); }

lac_tensor *lac_scaled(lac_tape *t, lac_tensor *x, float factor, lac_dtype d)
{
    if (x == NULL)
        return NULL;
    const int64_t n = lac_numel(x), c = n % LAC_AFFINE_CHANNELS == 0 ? LAC_AFFINE_CHANNELS : 1;
    const lac_shape shape = lac_shape_of(x);
    const lac_channel_affine_attr a = { { factor, factor, factor, factor }, { 0 }, d };
    return lac_reshape(t, lac_channel_affine(t, lac_reshape(t, x, 2, (int64_t[]){ n / c, c }), &a), shape.ndim, shape.dim);
}
