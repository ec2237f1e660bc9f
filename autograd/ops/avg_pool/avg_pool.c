#include "autograd/ops/avg_pool/avg_pool.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_avg_pool_attr *a = c->attr;
    if (a->kernel < 1 || a->kernel > 15 || a->kernel % 2 == 0)
        return LAC_FAIL(LAC_ERR_ARG, "avg_pool wants an odd kernel of 1 to 15 pixels, got %lld", (long long)a->kernel);
    if (c->in[0]->ndim != 4)
        return LAC_FAIL(LAC_ERR_SHAPE, "avg_pool wants x [N, H, W, C], got %s", lac_shape_str(c->in[0]));
    lac_tensor_like(c->out[0], c->in[0]);
    return LAC_OK;
}

const lac_op_def lac_op_avg_pool = { .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .infer = infer, .attr_size = sizeof(lac_avg_pool_attr) };

lac_tensor *lac_avg_pool(lac_tape *t, lac_tensor *x, int64_t kernel) { return lac_apply(t, LAC_OP_avg_pool, &(lac_avg_pool_attr){ kernel }, x); }
