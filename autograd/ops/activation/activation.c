#include "autograd/ops/activation/activation.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_act_fn act = ((const lac_activation_attr *)c->attr)->act;
    if (!lac_act_sound(act))
        return LAC_FAIL(LAC_ERR_ARG, "activation wants a leaky slope above 0 and below 1, got %g", (double)act.slope);
    if (act.kind == LAC_ACT_NONE)
        return LAC_FAIL(LAC_ERR_ARG, "activation wants a function, got none");
    lac_tensor_like(c->out[0], c->in[0]);
    return LAC_OK;
}

const lac_op_def lac_op_activation = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .keeps = LAC_KEEP_IN(0),
    .infer = infer, .attr_size = sizeof(lac_activation_attr),
};

lac_tensor *lac_activation_fn(lac_tape *t, lac_tensor *x, lac_act_fn act) { return lac_apply(t, LAC_OP_activation, &(lac_activation_attr){ act }, x); }
lac_tensor *lac_activation(lac_tape *t, lac_tensor *x, lac_act kind) { return lac_activation_fn(t, x, lac_act_of(kind)); }
