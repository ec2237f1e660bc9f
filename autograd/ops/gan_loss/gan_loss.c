#include "autograd/ops/gan_loss/gan_loss.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_gan_loss_attr *a = c->attr;
    if ((unsigned)a->term > LAC_LOGIT_MINUS)
        return LAC_FAIL(LAC_ERR_ARG, "gan_loss knows no term %d", (int)a->term);
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    return LAC_OK;
}

const lac_op_def lac_op_gan_loss = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .keeps = LAC_KEEP_IN(0),
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_gan_loss_attr),
};

lac_tensor *lac_gan_loss(lac_tape *t, lac_tensor *x, lac_gan_term term) { return lac_apply(t, LAC_OP_gan_loss, &(lac_gan_loss_attr){ term }, x); }
