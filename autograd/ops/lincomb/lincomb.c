#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/ops.h"

static int64_t terms(const lac_op_ctx *c)
{
    int64_t n = 0;
    while (n < LAC_LINCOMB_MAX && c->in[1 + n] != NULL)
        n++;
    return n;
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *a = c->in[0], *x = c->in[1];
    const int64_t n = terms(c);
    const lac_dtype d = ((const lac_lincomb_attr *)c->attr)->dtype;
    const bool rows = a->ndim == 2;
    if (d != LAC_F32 && d != LAC_BF16)
        return LAC_FAIL(LAC_ERR_DTYPE, "lincomb makes f32 or bf16, not %s", lac_dtype_name(d));
    for (int64_t k = 1; k < n; k++)
        if (!lac_same_shape(c->in[1 + k], x))
            return LAC_FAIL(LAC_ERR_SHAPE, "lincomb: input %lld is %s, the first is %s", (long long)k, lac_shape_str(c->in[1 + k]), lac_shape_str(x));
    if ((!rows && a->ndim != 1) || a->dim[a->ndim - 1] != n || (rows && (x->ndim < 1 || a->dim[0] != x->dim[0])))
        return LAC_FAIL(LAC_ERR_SHAPE, "lincomb of %lld tensors %s wants coefficients [%lld], or a row for each sample, got %s",
                        (long long)n, lac_shape_str(x), (long long)n, lac_shape_str(a));
    lac_tensor_like(c->out[0], x);
    c->out[0]->dtype = d;
    return LAC_OK;
}

#define PORT(name) { name, LAC_FLOATS | LAC_OPTIONAL }

const lac_op_def lac_op_lincomb = {
    .in = { { "a", LAC_F32_ONLY }, { "x0", LAC_FLOATS }, PORT("x1"), PORT("x2"), PORT("x3"), PORT("x4"), PORT("x5"), PORT("x6") },
    .out = { { "y" } }, .keeps = LAC_KEEP_IN(0), .infer = infer, .attr_size = sizeof(lac_lincomb_attr),
};

lac_tensor *lac_lincomb(lac_tape *t, lac_tensor *a, lac_tensor *const *x, int n, lac_dtype dtype)
{
    lac_tensor *in[LAC_MAX_IN] = { a }, *out[LAC_MAX_OUT];
    if (lac_tape_status(t) != LAC_OK)
        return NULL;
    if (n < 1 || n > LAC_LINCOMB_MAX)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_ARG, "lincomb takes 1 to %d tensors, got %d", LAC_LINCOMB_MAX, n));
    for (int k = 0; k < n; k++)
        in[1 + k] = x[k];
    lac_apply_n(t, LAC_OP_lincomb, &(lac_lincomb_attr){ dtype }, in, out);
    return out[0];
}
