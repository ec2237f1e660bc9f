#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "autograd/ops/ops.h"

static lac_status check_attr(const lac_contextual_attention_attr *a, const lac_tensor *f)
{
    if (a->ksize < 1 || a->ksize % 2 == 0)
        return LAC_FAIL(LAC_ERR_ARG, "contextual_attention: ksize is odd, got %d", a->ksize);
    if (a->rate < 1 || f->dim[1] % a->rate != 0 || f->dim[2] % a->rate != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "contextual_attention: rate %d does not divide height and width of %s", a->rate, lac_shape_str(f));
    return LAC_OK;
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *f = c->in[0], *b = c->in[1], *m = c->in[2];
    if (f->ndim != 4 || f->dim[1] < 1 || f->dim[2] < 1 || f->dim[3] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "contextual_attention wants f [N, H, W, C], got %s", lac_shape_str(f));
    if (b != NULL && (!lac_same_shape(f, b) || f->dtype != b->dtype))
        return LAC_FAIL(LAC_ERR_SHAPE, "contextual_attention: b is %s %s, f is %s %s", lac_dtype_name(b->dtype), lac_shape_str(b),
                        lac_dtype_name(f->dtype), lac_shape_str(f));
    if (m->ndim != 4 || (m->dim[0] != 1 && m->dim[0] != f->dim[0]) || m->dim[1] != f->dim[1] || m->dim[2] != f->dim[2] || m->dim[3] != 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "contextual_attention: mask %s does not fit f %s", lac_shape_str(m), lac_shape_str(f));
    const lac_contextual_attention_attr *a = c->attr;
    LAC_TRY(check_attr(a, f));
    const int64_t cells = f->dim[1] / a->rate * (f->dim[2] / a->rate);
    lac_tensor_like(c->out[0], f);
    lac_tensor_shape(c->out[1], LAC_F32, 3, (int64_t[]){ f->dim[0], cells, cells });
    return LAC_OK;
}

/* Scores and paste, 2 per multiply-add. */
static int64_t flops(const lac_op_ctx *c)
{
    const lac_contextual_attention_attr *a = c->attr;
    const lac_tensor *f = c->in[0];
    const int64_t cells = f->dim[1] / a->rate * (f->dim[2] / a->rate), r = a->rate, k = a->ksize;
    return 2 * f->dim[0] * cells * cells * f->dim[3] * (k * k + 4 * r * r);
}

const lac_op_def lac_op_contextual_attention = {
    .in = { { "f", LAC_FLOATS }, { "b", LAC_FLOATS | LAC_OPTIONAL }, { "mask", LAC_F32_ONLY } },
    .out = { { "y" }, { "attention", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2) | LAC_KEEP_OUT(1),
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_contextual_attention_attr), .flops = flops,
};

lac_tensor *lac_contextual_attention(lac_tape *t, lac_tensor *f, lac_tensor *b, lac_tensor *mask, const lac_contextual_attention_attr *a)
{
    return lac_apply(t, LAC_OP_contextual_attention, a, f, b, mask);
}
