#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->in[1], *w = c->in[2];
    if (x->ndim < 1 || !lac_same_shape(x, y))
        return LAC_FAIL(LAC_ERR_SHAPE, "mse_loss wants two tensors [N, ...], x is %s, y is %s", lac_shape_str(x), lac_shape_str(y));
    if (w != NULL && (w->ndim != 1 || w->dim[0] != x->dim[0]))
        return LAC_FAIL(LAC_ERR_SHAPE, "mse_loss: weights %s are not one for each sample of %s", lac_shape_str(w), lac_shape_str(x));
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    lac_tensor_shape(c->out[1], LAC_F32, 0, NULL);
    lac_tensor_shape(c->out[2], LAC_F32, 1, x->dim);
    return LAC_OK;
}

const lac_op_def lac_op_mse_loss = {
    .in = { { "x", LAC_FLOATS }, { "y", LAC_FLOATS }, { "w", LAC_F32_ONLY | LAC_OPTIONAL } }, .out = { { "sum" }, { "count" }, { "each" } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2), .infer = infer, .workspace = true,
};

lac_tensor *lac_mse_loss(lac_tape *t, lac_tensor *x, lac_tensor *y, lac_tensor *w, lac_tensor **count, lac_tensor **each)
{
    lac_tensor *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_mse_loss, NULL, (lac_tensor *[LAC_MAX_IN]){ x, y, w }, out);
    if (count != NULL)
        *count = out[1];
    if (each != NULL)
        *each = out[2];
    return out[0];
}
