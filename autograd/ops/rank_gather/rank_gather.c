#include "autograd/ops/rank_gather/rank_gather.h"
#include "autograd/ops/ops.h"
#include "core/comm/lane.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    int64_t dim[LAC_MAX_DIMS];
    if (x->ndim < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "rank_gather wants rows, got %s", lac_shape_str(x));
    for (int i = 0; i < x->ndim; i++)
        dim[i] = x->dim[i];
    dim[0] *= c->lane != NULL ? c->lane->comm->size : 1;
    lac_tensor_shape(c->out[0], x->dtype, x->ndim, dim);
    return LAC_OK;
}

/* Backward: of all ranks' gradients, where this one's are not laid over the outcome. */
const lac_op_def lac_op_rank_gather = { .in = { { "x", 1 << LAC_F32 | 1 << LAC_I32 | 1 << LAC_I64 } }, .out = { { "y" } }, .infer = infer, .workspace = true };

lac_tensor *lac_rank_gather(lac_tape *t, lac_tensor *x) { return lac_apply(t, LAC_OP_rank_gather, NULL, x); }
