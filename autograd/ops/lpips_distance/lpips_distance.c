#include "autograd/ops/lpips_distance/lpips_distance.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *a = c->in[0], *b = c->in[1], *w = c->in[2], *before = c->in[3];
    if (a->ndim != 4 || a->dim[1] < 1 || a->dim[2] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "lpips_distance wants a [N, H, W, C] with pixels, got %s", lac_shape_str(a));
    if (!lac_same_shape(a, b))
        return LAC_FAIL(LAC_ERR_SHAPE, "lpips_distance: b is %s, a is %s", lac_shape_str(b), lac_shape_str(a));
    if (a->dtype != b->dtype)
        return LAC_FAIL(LAC_ERR_DTYPE, "lpips_distance wants b in the dtype of a, %s, got %s", lac_dtype_name(a->dtype), lac_dtype_name(b->dtype));
    if (lac_numel(w) != a->dim[3])
        return LAC_FAIL(LAC_ERR_SHAPE, "lpips_distance: weight is %s, a is %s", lac_shape_str(w), lac_shape_str(a));
    if (before != NULL && (before->ndim != 1 || before->dim[0] != a->dim[0]))
        return LAC_FAIL(LAC_ERR_SHAPE, "lpips_distance: before is %s, a is %s", lac_shape_str(before), lac_shape_str(a));
    lac_tensor_shape(c->out[0], LAC_F32, 1, a->dim);
    lac_tensor_shape(c->out[1], LAC_F32, 4, (int64_t[]){ a->dim[0], a->dim[1], a->dim[2], 1 });
    return LAC_OK;
}

const lac_op_def lac_op_lpips_distance = {
    .in = { { "a", LAC_FLOATS }, { "b", LAC_FLOATS }, { "weight", LAC_F32_ONLY }, { "before", LAC_F32_ONLY | LAC_OPTIONAL } }, .out = { { "y" }, { "map" } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2), .infer = infer, .workspace = true,
};

lac_tensor *lac_lpips_distance(lac_tape *t, lac_tensor *a, lac_tensor *b, lac_tensor *weight, lac_tensor *before, lac_tensor **map)
{
    lac_tensor *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_lpips_distance, NULL, (lac_tensor *[LAC_MAX_IN]){ a, b, weight, before }, out);
    if (map != NULL)
        *map = out[1];
    return out[0];
}
