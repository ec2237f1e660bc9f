#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/rows.h"

/* Pixels [from, to) of n channels. */
LAC_BODY void forward(const lac_op_ctx *c, int64_t n, int64_t from, int64_t to, lac_dtype d, lac_dtype dy)
{
    const lac_channel_affine_attr *a = c->attr;
    for (int64_t p = from; p < to; p++)
        for (int64_t k = 0; k < n; k++)
            lac_st(c->out[0]->data, p * n + k, dy, lac_fma(lac_ld(c->in[0]->data, p * n + k, d), a->scale[k], a->shift[k]));
}

LAC_BODY void backward(const lac_op_ctx *c, int64_t n, int64_t from, int64_t to, lac_dtype dgy, lac_dtype dgx)
{
    const lac_channel_affine_attr *a = c->attr;
    for (int64_t p = from; p < to; p++)
        for (int64_t k = 0; k < n; k++)
            lac_put(c->gin[0]->data, p * n + k, dgx, lac_ld(c->gout[0]->data, p * n + k, dgy) * a->scale[k], c->add[0]);
}

static int64_t channels(const lac_tensor *x) { return x->dim[x->ndim - 1]; }

lac_status LAC_CPU(channel_affine_forward)(const lac_op_ctx *c)
{
    const int64_t n = channels(c->in[0]);
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0]) / n)
        LAC_EACH_DTYPE_2(c->in[0]->dtype, c->out[0]->dtype, forward, c, n, from, to);
    return LAC_OK;
}

lac_status LAC_CPU(channel_affine_backward)(const lac_op_ctx *c)
{
    const int64_t n = channels(c->gin[0]);
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->gin[0]) / n)
        LAC_EACH_DTYPE_2(c->gout[0]->dtype, c->gin[0]->dtype, backward, c, n, from, to);
    return LAC_OK;
}
