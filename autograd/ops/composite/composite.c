#include "autograd/ops/composite/composite.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_composite_attr *a = c->attr;
    const lac_tensor *x = c->in[0], *image = c->in[1], *m = c->in[2];
    if (image->ndim != 4)
        return LAC_FAIL(LAC_ERR_SHAPE, "composite wants an image [N, H, W, C], got %s", lac_shape_str(image));
    if (m->ndim != 4 || (m->dim[0] != 1 && m->dim[0] != image->dim[0]) || m->dim[1] != image->dim[1] || m->dim[2] != image->dim[2] || m->dim[3] != 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "composite: mask %s does not fit image %s", lac_shape_str(m), lac_shape_str(image));
    if (x != NULL && !lac_same_shape(x, image))
        return LAC_FAIL(LAC_ERR_SHAPE, "composite: x is %s, image is %s", lac_shape_str(x), lac_shape_str(image));
    if (x != NULL && a->whole)
        return LAC_FAIL(LAC_ERR_ARG, "composite: whole takes no x");
    lac_tensor_like(c->out[0], image);
    c->out[0]->dtype = a->dtype;
    c->out[0]->dim[3] += a->ones + a->append_mask;
    return LAC_OK;
}

static uint32_t reads(const lac_op_ctx *c)
{
    return c->wants[2] ? LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2) : LAC_KEEP_IN(2);
}

const lac_op_def lac_op_composite = {
    .in = { { "x", LAC_FLOATS | LAC_OPTIONAL }, { "image", LAC_FLOATS }, { "mask", LAC_F32_ONLY } }, .out = { { "y" } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2), .reads = reads, .infer = infer, .attr_size = sizeof(lac_composite_attr),
};

lac_tensor *lac_composite(lac_tape *t, lac_tensor *x, lac_tensor *image, lac_tensor *mask, const lac_composite_attr *a)
{
    return lac_apply(t, LAC_OP_composite, a, x, image, mask);
}
