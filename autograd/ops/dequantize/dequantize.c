#include "autograd/ops/dequantize/dequantize.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_dequantize_attr *a = c->attr;
    lac_tensor_shape(c->out[0], a->dtype, c->in[0]->ndim, c->in[0]->dim);
    return LAC_OK;
}

const lac_op_def lac_op_dequantize = {
    .in = { { "x", 1 << LAC_U8 } }, .out = { { "y" } }, .infer = infer, .attr_size = sizeof(lac_dequantize_attr), .no_gradient = true,
};

lac_tensor *lac_dequantize(lac_tape *t, lac_tensor *x, const lac_dequantize_attr *a) { return lac_apply(t, LAC_OP_dequantize, a, x); }
