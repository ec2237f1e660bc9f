#include "autograd/ops/hinge_loss/hinge_loss.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    return LAC_OK;
}

const lac_op_def lac_op_hinge_loss = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .keeps = LAC_KEEP_IN(0),
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_hinge_loss_attr),
};

lac_tensor *lac_hinge_loss(lac_tape *t, lac_tensor *x, lac_hinge kind)
{
    return lac_apply(t, LAC_OP_hinge_loss, &(lac_hinge_loss_attr){ kind }, x);
}
