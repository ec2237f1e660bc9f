#include "autograd/ops/gate/gate.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_gate_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    if (x->ndim != 4 || x->dim[3] % 2 != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "gate wants [N, H, W, 2C], got %s", lac_shape_str(x));
    if ((a->act != LAC_ACT_ELU && a->act != LAC_ACT_RELU) || (a->upsample != 1 && a->upsample != 2))
        return LAC_FAIL(LAC_ERR_ARG, "gate: activation elu or relu and upsample 1 or 2");
    lac_tensor_shape(c->out[0], x->dtype, 4, (int64_t[]){ x->dim[0], x->dim[1] * a->upsample, x->dim[2] * a->upsample, x->dim[3] / 2 });
    return LAC_OK;
}

const lac_op_def lac_op_gate = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .keeps = LAC_KEEP_IN(0),
    .infer = infer, .attr_size = sizeof(lac_gate_attr),
};

lac_tensor *lac_gate(lac_tape *t, lac_tensor *x, lac_act act, int upsample)
{
    return lac_apply(t, LAC_OP_gate, &(lac_gate_attr){ act, upsample }, x);
}
