#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "autograd/ops/ops.h"

static lac_status check_names(const lac_tensor *l, const lac_tensor *target, const lac_tensor *column)
{
    if (target == NULL || target->dtype != column->dtype)
        return LAC_FAIL(LAC_ERR_DTYPE, "cross_entropy: names of columns are %s, those of rows %s", lac_dtype_name(column->dtype), target != NULL ? lac_dtype_name(target->dtype) : "not there");
    return column->ndim == 1 && column->dim[0] == l->dim[1] ? LAC_OK
         : LAC_FAIL(LAC_ERR_SHAPE, "cross_entropy: names %s are not one for each column of %s", lac_shape_str(column), lac_shape_str(l));
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *l = c->in[0], *target = c->in[1];
    if (l->ndim != 2 || l->dim[1] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "cross_entropy wants logits [R, C], got %s", lac_shape_str(l));
    if (target != NULL && (target->ndim != 1 || target->dim[0] != l->dim[0]))
        return LAC_FAIL(LAC_ERR_SHAPE, "cross_entropy: targets %s are not one for each row of %s", lac_shape_str(target), lac_shape_str(l));
    if (target == NULL && l->dim[1] < l->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "cross_entropy: %s has no diagonal", lac_shape_str(l));
    if (c->in[2] != NULL)
        LAC_TRY(check_names(l, target, c->in[2]));
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    lac_tensor_shape(c->out[1], LAC_F32, 0, NULL);
    lac_tensor_shape(c->out[2], LAC_F32, 1, l->dim);
    return LAC_OK;
}

const lac_op_def lac_op_cross_entropy = {
    .in = { { "logits", LAC_FLOATS }, { "target", 1 << LAC_I32 | 1 << LAC_I64 | LAC_OPTIONAL }, { "column", 1 << LAC_I32 | 1 << LAC_I64 | LAC_OPTIONAL } }, .out = { { "sum" }, { "count" }, { "log_sum", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2) | LAC_KEEP_OUT(2), .infer = infer, .workspace = true,
};

lac_tensor *lac_cross_entropy(lac_tape *t, lac_tensor *logits, lac_tensor *target, lac_tensor **count)
{
    return lac_cross_entropy_named(t, logits, target, NULL, count);
}

lac_tensor *lac_cross_entropy_named(lac_tape *t, lac_tensor *logits, lac_tensor *target, lac_tensor *column, lac_tensor **count)
{
    lac_tensor *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_cross_entropy, NULL, (lac_tensor *[LAC_MAX_IN]){ logits, target, column }, out);
    if (count != NULL)
        *count = out[1];
    return out[0];
}
