#include "autograd/ops/l2_normalize/l2_normalize.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    if (x->ndim < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "l2_normalize wants x [..., C], got %s", lac_shape_str(x));
    lac_tensor_shape(c->out[0], ((const lac_l2_normalize_attr *)c->attr)->dtype, x->ndim, x->dim);
    lac_tensor_shape(c->out[1], LAC_F32, x->ndim - 1, x->dim);
    return LAC_OK;
}

const lac_op_def lac_op_l2_normalize = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" }, { "length", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_OUT(1), .infer = infer, .attr_size = sizeof(lac_l2_normalize_attr),
};

lac_tensor *lac_l2_normalize(lac_tape *t, lac_tensor *x, lac_dtype dtype) { return lac_apply(t, LAC_OP_l2_normalize, &(lac_l2_normalize_attr){ dtype }, x); }
