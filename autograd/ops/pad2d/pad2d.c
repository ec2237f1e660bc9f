#include "autograd/ops/pad2d/pad2d.h"
#include "autograd/ops/ops.h"

static lac_status check_axis(const lac_pad2d_attr *a, int axis, int64_t n)
{
    static const char *const name[] = { "reflect", "symmetric", "replicate" };
    const int64_t largest = a->mode == LAC_PAD_REFLECT ? n - 1 : a->mode == LAC_PAD_SYMMETRIC ? n : n > 0 ? INT32_MAX : 0;
    for (int side = 0; side < 2; side++) {
        const int64_t pad = a->pad[2 * axis + side];
        if (pad < 0 || pad > largest)
            return LAC_FAIL(LAC_ERR_SHAPE, "pad too large: %s padding of %lld on a %s of %lld takes 0 to %lld", name[a->mode],
                            (long long)pad, axis ? "width" : "height", (long long)n, (long long)LAC_MAX(largest, 0));
    }
    return LAC_OK;
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_pad2d_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    if (x->ndim != 4)
        return LAC_FAIL(LAC_ERR_SHAPE, "pad2d wants [N, H, W, C], got %s", lac_shape_str(x));
    LAC_TRY(check_axis(a, 0, x->dim[1]));
    LAC_TRY(check_axis(a, 1, x->dim[2]));
    lac_tensor_like(c->out[0], x);
    c->out[0]->dim[1] += a->pad[0] + a->pad[1];
    c->out[0]->dim[2] += a->pad[2] + a->pad[3];
    return lac_numel_checked(4, c->out[0]->dim, &(int64_t){ 0 });
}

const lac_op_def lac_op_pad2d = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .infer = infer, .workspace = true, .attr_size = sizeof(lac_pad2d_attr),
};

lac_tensor *lac_pad2d(lac_tape *t, lac_tensor *x, const lac_pad2d_attr *a) { return lac_apply(t, LAC_OP_pad2d, a, x); }
