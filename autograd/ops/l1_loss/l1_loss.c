#include "autograd/ops/l1_loss/l1_loss.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->in[1], *w = c->in[2];
    const bool all = ((const lac_l1_loss_attr *)c->attr)->region == LAC_REGION_ALL;
    if (!lac_same_shape(x, y))
        return LAC_FAIL(LAC_ERR_SHAPE, "l1_loss: x is %s, y is %s", lac_shape_str(x), lac_shape_str(y));
    if (all != (w == NULL))
        return LAC_FAIL(LAC_ERR_ARG, all ? "l1_loss: the whole region takes no mask" : "l1_loss: this region wants a mask");
    if (w != NULL && (x->ndim != 4 || w->ndim != 4 || (w->dim[0] != 1 && w->dim[0] != x->dim[0]) || w->dim[1] != x->dim[1]
                      || w->dim[2] != x->dim[2] || w->dim[3] != 1))
        return LAC_FAIL(LAC_ERR_SHAPE, "l1_loss: mask %s does not fit %s", lac_shape_str(w), lac_shape_str(x));
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    lac_tensor_shape(c->out[1], LAC_F32, 0, NULL);
    return LAC_OK;
}

const lac_op_def lac_op_l1_loss = {
    .in = { { "x", LAC_FLOATS }, { "y", LAC_FLOATS }, { "w", LAC_F32_ONLY | LAC_OPTIONAL } }, .out = { { "sum" }, { "count" } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2), .infer = infer, .workspace = true, .attr_size = sizeof(lac_l1_loss_attr),
};

lac_tensor *lac_l1_loss(lac_tape *t, lac_tensor *x, lac_tensor *y, lac_tensor *w, lac_region_kind region, lac_tensor **count)
{
    lac_tensor *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_l1_loss, &(lac_l1_loss_attr){ region }, (lac_tensor *[LAC_MAX_IN]){ x, y, w }, out);
    if (count != NULL)
        *count = out[1];
    return out[0];
}
