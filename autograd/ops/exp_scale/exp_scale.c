#include "autograd/ops/exp_scale/exp_scale.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    if (c->in[1]->ndim != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "exp_scale wants a scalar s, got %s", lac_shape_str(c->in[1]));
    lac_tensor_like(c->out[0], c->in[0]);
    return LAC_OK;
}

const lac_op_def lac_op_exp_scale = {
    .in = { { "x", LAC_FLOATS }, { "s", LAC_F32_ONLY } }, .out = { { "y" } }, .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1), .infer = infer, .workspace = true,
};

lac_tensor *lac_exp_scale(lac_tape *t, lac_tensor *x, lac_tensor *s) { return lac_apply(t, LAC_OP_exp_scale, NULL, x, s); }
