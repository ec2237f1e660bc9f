#include "autograd/ops/geglu/geglu.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    if (x->ndim < 1 || x->dim[x->ndim - 1] % 2 != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "geglu wants [..., 2C], got %s", lac_shape_str(x));
    lac_tensor_like(c->out[0], x);
    c->out[0]->dim[x->ndim - 1] /= 2;
    return LAC_OK;
}

const lac_op_def lac_op_geglu = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .keeps = LAC_KEEP_IN(0), .infer = infer,
};

lac_tensor *lac_geglu(lac_tape *t, lac_tensor *x) { return lac_apply(t, LAC_OP_geglu, NULL, x); }
