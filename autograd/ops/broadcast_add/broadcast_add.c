#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *b = c->in[1];
    bool fits = x->ndim >= 1 && b->ndim <= x->ndim;
    for (int i = 0; fits && i < b->ndim; i++)
        fits = b->dim[i] == 1 || b->dim[i] == x->dim[x->ndim - b->ndim + i];
    if (!fits)
        return LAC_FAIL(LAC_ERR_SHAPE, "broadcast_add wants b whose dims, from the last, are 1 or those of x %s, got %s", lac_shape_str(x), lac_shape_str(b));
    lac_tensor_like(c->out[0], x);
    return LAC_OK;
}

const lac_op_def lac_op_broadcast_add = {
    .in = { { "x", LAC_FLOATS }, { "b", LAC_FLOATS } }, .out = { { "y" } }, .infer = infer, .workspace = true,
};

lac_tensor *lac_broadcast_add(lac_tape *t, lac_tensor *x, lac_tensor *b) { return lac_apply(t, LAC_OP_broadcast_add, NULL, x, b); }
