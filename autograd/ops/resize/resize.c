#include "autograd/ops/resize/resize.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_resize_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    if (x->ndim != 4 || x->dim[1] < 1 || x->dim[2] < 1 || x->dim[1] > INT32_MAX || x->dim[2] > INT32_MAX)
        return LAC_FAIL(LAC_ERR_SHAPE, "resize wants x [N, H, W, C] with H and W at least 1, got %s", lac_shape_str(x));
    if (a->height < 1 || a->width < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "resize: height and width are at least 1, got %lld and %lld", (long long)a->height, (long long)a->width);
    if (a->mode == LAC_RESIZE_MAX && (x->dim[1] % a->height != 0 || x->dim[2] % a->width != 0))
        return LAC_FAIL(LAC_ERR_SHAPE, "resize: max wants whole blocks, got %s to %lld x %lld", lac_shape_str(x), (long long)a->height, (long long)a->width);
    lac_tensor_shape(c->out[0], x->dtype, 4, (int64_t[]){ x->dim[0], a->height, a->width, x->dim[3] });
    return lac_numel_checked(4, c->out[0]->dim, &(int64_t){ 0 });
}

const lac_op_def lac_op_resize = {
    .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .infer = infer, .workspace = true, .attr_size = sizeof(lac_resize_attr),
};

lac_tensor *lac_resize(lac_tape *t, lac_tensor *x, const lac_resize_attr *a) { return lac_apply(t, LAC_OP_resize, a, x); }
