#include "autograd/ops/attention/geometry.h"
#include "autograd/ops/ops.h"

static lac_status check_attr(const lac_attention_attr *a)
{
    if (a->heads < 1)
        return LAC_FAIL(LAC_ERR_ARG, "attention wants heads from 1 on, got %lld", (long long)a->heads);
    if (!(a->scale >= 0) || a->scale > 1e30f)
        return LAC_FAIL(LAC_ERR_ARG, "attention wants a positive scale, or 0 for 1 / sqrt(d), got %g", (double)a->scale);
    return LAC_OK;
}

static lac_status check_tokens(const lac_tensor *x, const char *name, int64_t heads)
{
    if (x->ndim < 2 || x->dim[x->ndim - 1] < 1 || x->dim[x->ndim - 1] % heads != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "attention wants %s [N, ..., heads * d] for %lld heads, got %s", name, (long long)heads, lac_shape_str(x));
    if (lac_attention_tokens(x) < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "attention wants at least one token, got %s %s", name, lac_shape_str(x));
    return LAC_OK;
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_attention_attr *a = c->attr;
    const lac_tensor *q = c->in[0], *k = c->in[1], *v = c->in[2];
    LAC_TRY(check_attr(a));
    LAC_TRY(check_tokens(q, "q", a->heads));
    LAC_TRY(check_tokens(k, "k", a->heads));
    if (k->dim[0] != q->dim[0] || k->dim[k->ndim - 1] != q->dim[q->ndim - 1])
        return LAC_FAIL(LAC_ERR_SHAPE, "attention: k %s does not fit q %s: samples and channels are the same", lac_shape_str(k), lac_shape_str(q));
    if (!lac_same_shape(k, v))
        return LAC_FAIL(LAC_ERR_SHAPE, "attention: v is %s, k is %s", lac_shape_str(v), lac_shape_str(k));
    if (k->dtype != q->dtype || v->dtype != q->dtype)
        return LAC_FAIL(LAC_ERR_DTYPE, "attention wants one dtype, got q %s, k %s, v %s", lac_dtype_name(q->dtype), lac_dtype_name(k->dtype),
                        lac_dtype_name(v->dtype));
    lac_tensor_like(c->out[0], q);
    lac_tensor_shape(c->out[1], LAC_F32, 3, (int64_t[]){ q->dim[0], a->heads, lac_attention_tokens(q) });
    return LAC_OK;
}

/* Scores, and sums of v: 2 per multiply-add each. */
static int64_t flops(const lac_op_ctx *c) { return 4 * lac_numel(c->in[0]) * lac_attention_tokens(c->in[1]); }

const lac_op_def lac_op_attention = {
    .in = { { "q", LAC_FLOATS }, { "k", LAC_FLOATS }, { "v", LAC_FLOATS } },
    .out = { { "y" }, { "lse", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2) | LAC_KEEP_OUT(0) | LAC_KEEP_OUT(1),
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_attention_attr), .flops = flops,
};

lac_tensor *lac_attention(lac_tape *t, lac_tensor *q, lac_tensor *k, lac_tensor *v, const lac_attention_attr *a)
{
    return lac_apply(t, LAC_OP_attention, a, q, k, v);
}
