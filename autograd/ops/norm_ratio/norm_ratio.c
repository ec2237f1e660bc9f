#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_norm_ratio_attr *a = c->attr;
    if (!(a->eps > 0))
        return LAC_FAIL(LAC_ERR_ARG, "norm_ratio wants an eps above 0, got %g", (double)a->eps);
    if (!(a->most >= 0))
        return LAC_FAIL(LAC_ERR_ARG, "norm_ratio wants a bound of 0 or more, got %g", (double)a->most);
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    return LAC_OK;
}

const lac_op_def lac_op_norm_ratio = {
    .in = { { "a", LAC_FLOATS }, { "b", LAC_FLOATS } }, .out = { { "y" } },
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_norm_ratio_attr), .no_gradient = true,
};

lac_tensor *lac_norm_ratio(lac_tape *t, lac_tensor *a, lac_tensor *b, const lac_norm_ratio_attr *attr)
{
    return lac_apply(t, LAC_OP_norm_ratio, attr, a, b);
}
