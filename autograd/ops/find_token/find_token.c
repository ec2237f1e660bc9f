#include "autograd/ops/find_token/find_token.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *ids = c->in[0];
    if (ids->ndim != 2 || ids->dim[1] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "find_token wants ids [N, T] with a place at least, got %s", lac_shape_str(ids));
    if (lac_numel(ids) > INT32_MAX)
        return LAC_FAIL(LAC_ERR_SHAPE, "find_token: %s are too many places", lac_shape_str(ids));
    lac_tensor_shape(c->out[0], LAC_I32, 1, ids->dim);
    return LAC_OK;
}

const lac_op_def lac_op_find_token = {
    .in = { { "ids", 1 << LAC_I32 | 1 << LAC_I64 } }, .out = { { "row" } }, .infer = infer, .attr_size = sizeof(lac_find_token_attr), .no_gradient = true,
};

lac_tensor *lac_find_token(lac_tape *t, lac_tensor *ids, int64_t token) { return lac_apply(t, LAC_OP_find_token, &(lac_find_token_attr){ token }, ids); }
