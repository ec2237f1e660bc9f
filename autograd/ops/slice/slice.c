#include "autograd/ops/slice/slice.h"
#include "autograd/ops/ops.h"
#include "autograd/ops/strips.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_slice_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    const int axis = lac_strip_axis(x, a->axis);
    if (axis < 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "slice: %s has no axis %d", lac_shape_str(x), a->axis);
    if (a->from < 0 || a->count < 0 || a->from > x->dim[axis] - a->count)
        return LAC_FAIL(LAC_ERR_SHAPE, "slice: %lld places from %lld on are not in axis %d of %s", (long long)a->count, (long long)a->from, axis, lac_shape_str(x));
    lac_tensor_like(c->out[0], x);
    c->out[0]->dim[axis] = a->count;
    return LAC_OK;
}

const lac_op_def lac_op_slice = { .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .infer = infer, .attr_size = sizeof(lac_slice_attr) };

lac_tensor *lac_slice(lac_tape *t, lac_tensor *x, int axis, int64_t from, int64_t count)
{
    return lac_apply(t, LAC_OP_slice, &(lac_slice_attr){ axis, from, count }, x);
}
