#include "autograd/ops/dice_loss/dice_loss.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->in[1];
    if (x->ndim < 1 || !lac_same_shape(x, y))
        return LAC_FAIL(LAC_ERR_SHAPE, "dice_loss wants two tensors [N, ...], x is %s, y is %s", lac_shape_str(x), lac_shape_str(y));
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    lac_tensor_shape(c->out[1], LAC_F32, 2, (int64_t[]){ x->dim[0], 2 });
    return LAC_OK;
}

/* sums: of each sample, p y and p + y. */
const lac_op_def lac_op_dice_loss = {
    .in = { { "x", LAC_FLOATS }, { "y", LAC_F32_ONLY } }, .out = { { "sum" }, { "sums", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_OUT(1), .infer = infer, .workspace = true,
};

lac_tensor *lac_dice_loss(lac_tape *t, lac_tensor *x, lac_tensor *y) { return lac_apply(t, LAC_OP_dice_loss, NULL, x, y); }
