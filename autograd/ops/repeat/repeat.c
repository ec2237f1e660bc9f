#include "autograd/ops/repeat/repeat.h"
#include "autograd/ops/ops.h"

#include <string.h>

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const int64_t n = ((const lac_repeat_attr *)c->attr)->n;
    int64_t dim[LAC_MAX_DIMS] = { n };
    if (x->ndim >= LAC_MAX_DIMS || n < 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "repeat: %s cannot be had %lld times", lac_shape_str(x), (long long)n);
    memcpy(dim + 1, x->dim, (size_t)x->ndim * sizeof *dim);
    lac_tensor_shape(c->out[0], x->dtype, x->ndim + 1, dim);
    return LAC_OK;
}

const lac_op_def lac_op_repeat = { .in = { { "x", LAC_FLOATS } }, .out = { { "y" } }, .infer = infer, .attr_size = sizeof(lac_repeat_attr) };

lac_tensor *lac_repeat(lac_tape *t, lac_tensor *x, int64_t n) { return lac_apply(t, LAC_OP_repeat, &(lac_repeat_attr){ n }, x); }
