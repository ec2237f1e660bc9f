#include "autograd/ops/ranged_noise/ranged_noise.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *v = c->in[1], *range = c->in[2];
    if (!lac_same_shape(x, v))
        return LAC_FAIL(LAC_ERR_SHAPE, "ranged_noise wants two tensors of one shape, x is %s, v is %s", lac_shape_str(x), lac_shape_str(v));
    if (range->ndim != 1 || range->dim[0] != 2)
        return LAC_FAIL(LAC_ERR_SHAPE, "ranged_noise wants a range [2], got %s", lac_shape_str(range));
    lac_tensor_shape(c->out[0], LAC_F32, x->ndim, x->dim);
    return LAC_OK;
}

const lac_op_def lac_op_ranged_noise = {
    .in = { { "x", LAC_FLOATS }, { "v", LAC_FLOATS }, { "range", LAC_F32_ONLY } }, .out = { { "y" } }, .infer = infer, .no_gradient = true,
};

lac_tensor *lac_ranged_noise(lac_tape *t, lac_tensor *x, lac_tensor *v, lac_tensor *range) { return lac_apply(t, LAC_OP_ranged_noise, NULL, x, v, range); }
