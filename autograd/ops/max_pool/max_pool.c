#include "autograd/ops/max_pool/max_pool.h"
#include "autograd/ops/ops.h"

static int64_t pooled(int64_t n, const lac_max_pool_attr *a)
{
    const int64_t room = n + 2 * a->pad - a->kernel + (a->ceil ? a->stride - 1 : 0);
    if (room < 0)
        return 0;
    const int64_t out = room / a->stride + 1;
    return (out - 1) * a->stride >= n + a->pad ? out - 1 : out;
}

static lac_status check(const lac_max_pool_attr *a)
{
    if (a->kernel < 1 || a->kernel > 15)
        return LAC_FAIL(LAC_ERR_ARG, "max_pool wants a kernel of 1 to 15 pixels, got %lld", (long long)a->kernel);
    if (a->stride < 1)
        return LAC_FAIL(LAC_ERR_ARG, "max_pool wants a stride of 1 or more, got %lld", (long long)a->stride);
    return a->pad >= 0 && a->pad <= a->kernel / 2 ? LAC_OK
         : LAC_FAIL(LAC_ERR_ARG, "max_pool wants padding of half the kernel at most, got %lld for %lld", (long long)a->pad, (long long)a->kernel);
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_max_pool_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    LAC_TRY(check(a));
    if (x->ndim != 4)
        return LAC_FAIL(LAC_ERR_SHAPE, "max_pool wants x [N, H, W, C], got %s", lac_shape_str(x));
    const int64_t dim[4] = { x->dim[0], pooled(x->dim[1], a), pooled(x->dim[2], a), x->dim[3] };
    if (dim[1] < 1 || dim[2] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "max_pool: no window of %lld x %lld fits into %s", (long long)a->kernel, (long long)a->kernel, lac_shape_str(x));
    lac_tensor_shape(c->out[0], x->dtype, 4, dim);
    lac_tensor_shape(c->out[1], LAC_U8, 4, dim);
    return LAC_OK;
}

const lac_op_def lac_op_max_pool = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" }, { "place", LAC_SAVED } }, .keeps = LAC_KEEP_OUT(1),
    .infer = infer, .attr_size = sizeof(lac_max_pool_attr),
};

lac_tensor *lac_max_pool(lac_tape *t, lac_tensor *x, const lac_max_pool_attr *a) { return lac_apply(t, LAC_OP_max_pool, a, x); }
