#include "autograd/ops/concat/concat.h"
#include "autograd/ops/ops.h"
#include "autograd/ops/strips.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *first = c->in[0];
    lac_tensor *y = c->out[0];
    const int wanted = ((const lac_concat_attr *)c->attr)->axis, axis = lac_strip_axis(first, wanted);
    if (axis < 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "concat: %s has no axis %d", lac_shape_str(first), wanted);
    lac_tensor_like(y, first);
    for (int i = 1; i < LAC_MAX_IN && c->in[i] != NULL; i++) {
        lac_tensor like = *c->in[i];
        if (like.dtype != first->dtype)
            return LAC_FAIL(LAC_ERR_DTYPE, "concat: input %d is %s, the first is %s", i, lac_dtype_name(like.dtype), lac_dtype_name(first->dtype));
        like.dim[axis] = first->dim[axis];
        if (!lac_same_shape(&like, first))
            return LAC_FAIL(LAC_ERR_SHAPE, "concat: input %d is %s, the first is %s", i, lac_shape_str(c->in[i]), lac_shape_str(first));
        y->dim[axis] += c->in[i]->dim[axis];
    }
    return LAC_OK;
}

#define PORT(name) { name, LAC_FLOATS | LAC_OPTIONAL }

const lac_op_def lac_op_concat = {
    .in = { { "x0", LAC_FLOATS }, PORT("x1"), PORT("x2"), PORT("x3"), PORT("x4"), PORT("x5"), PORT("x6"), PORT("x7") },
    .out = { { "y" } }, .infer = infer, .attr_size = sizeof(lac_concat_attr),
};

lac_tensor *lac_concat(lac_tape *t, lac_tensor *const *x, int n, int axis)
{
    lac_tensor *in[LAC_MAX_IN] = { 0 }, *out[LAC_MAX_OUT];
    if (lac_tape_status(t) != LAC_OK)
        return NULL;
    if (n < 1 || n > LAC_MAX_IN)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_ARG, "concat takes 1 to %d inputs, got %d", LAC_MAX_IN, n));
    for (int i = 0; i < n; i++)
        in[i] = x[i];
    lac_apply_n(t, LAC_OP_concat, &(lac_concat_attr){ axis }, in, out);
    return out[0];
}
