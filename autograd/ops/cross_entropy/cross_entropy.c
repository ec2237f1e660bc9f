#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *l = c->in[0], *target = c->in[1];
    if (l->ndim != 2 || l->dim[1] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "cross_entropy wants logits [R, C], got %s", lac_shape_str(l));
    if (target != NULL && (target->ndim != 1 || target->dim[0] != l->dim[0]))
        return LAC_FAIL(LAC_ERR_SHAPE, "cross_entropy: targets %s are not one for each row of %s", lac_shape_str(target), lac_shape_str(l));
    if (target == NULL && l->dim[1] < l->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "cross_entropy: %s has no diagonal", lac_shape_str(l));
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    lac_tensor_shape(c->out[1], LAC_F32, 0, NULL);
    lac_tensor_shape(c->out[2], LAC_F32, 1, l->dim);
    return LAC_OK;
}

const lac_op_def lac_op_cross_entropy = {
    .in = { { "logits", LAC_FLOATS }, { "target", 1 << LAC_I32 | 1 << LAC_I64 | LAC_OPTIONAL } }, .out = { { "sum" }, { "count" }, { "log_sum", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_OUT(2), .infer = infer, .workspace = true,
};

lac_tensor *lac_cross_entropy(lac_tape *t, lac_tensor *logits, lac_tensor *target, lac_tensor **count)
{
    lac_tensor *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_cross_entropy, NULL, (lac_tensor *[LAC_MAX_IN]){ logits, target }, out);
    if (count != NULL)
        *count = out[1];
    return out[0];
}
