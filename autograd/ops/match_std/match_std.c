#include "autograd/ops/match_std/match_std.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *like = c->in[1];
    if (x->ndim < 1 || !lac_same_shape(x, like))
        return LAC_FAIL(LAC_ERR_SHAPE, "match_std wants two tensors [N, ...], x is %s, like is %s", lac_shape_str(x), lac_shape_str(like));
    lac_tensor_like(c->out[0], x);
    lac_tensor_shape(c->out[1], LAC_F32, 2, (int64_t[]){ x->dim[0], 4 });
    return LAC_OK;
}

const lac_op_def lac_op_match_std = {
    .in = { { "x", LAC_FLOATS }, { "like", LAC_FLOATS } }, .out = { { "y" }, { "stats", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_OUT(1), .infer = infer, .attr_size = sizeof(lac_match_std_attr),
};

lac_tensor *lac_match_std(lac_tape *t, lac_tensor *x, lac_tensor *like, float share)
{
    return lac_apply(t, LAC_OP_match_std, &(lac_match_std_attr){ share }, x, like);
}
