#include "autograd/ops/geglu/formula.h"
#include "autograd/ops/geglu/geglu.h"
#include "autograd/ops/rows.h"

/* Wide rows are shared by threads: work is counted in elements of y, [from, to), and goes on in runs within a row. */

LAC_BODY void forward(const lac_op_ctx *c, int64_t half, int64_t from, int64_t to, lac_dtype d)
{
    for (int64_t i = from, n; i < to; i += n) {
        const int64_t first = i % half, x_at = 2 * (i - first) + first;
        n = LAC_MIN(half - first, to - i);
        const void *restrict v = lac_at(c->in[0]->data, x_at, d), *restrict g = lac_at(v, half, d);
        void *restrict y = lac_at(c->out[0]->data, i, d);
        #pragma omp simd
        for (int64_t k = 0; k < n; k++)
            lac_st(y, k, d, lac_geglu_value(lac_ld(v, k, d), lac_ld(g, k, d)));
    }
}

LAC_BODY void backward_run(const lac_op_ctx *c, int64_t half, int64_t from, int64_t to, lac_dtype d, lac_dtype dgy, lac_dtype dgx, bool add)
{
    for (int64_t i = from, n; i < to; i += n) {
        const int64_t first = i % half, x_at = 2 * (i - first) + first;
        n = LAC_MIN(half - first, to - i);
        const void *restrict v = lac_at(c->in[0]->data, x_at, d), *restrict g = lac_at(v, half, d);
        const void *restrict gy = lac_at(c->gout[0]->data, i, dgy);
        void *restrict gv = lac_at(c->gin[0]->data, x_at, dgx), *restrict gg = lac_at(gv, half, dgx);
        #pragma omp simd
        for (int64_t k = 0; k < n; k++) {
            float a, b;
            lac_geglu_grad(lac_ld(v, k, d), lac_ld(g, k, d), lac_ld(gy, k, dgy), &a, &b);
            lac_put(gv, k, dgx, a, add);
            lac_put(gg, k, dgx, b, add);
        }
    }
}

/* Adding or not is a constant too: a long loop with that choice inside is not vectorised. */
LAC_BODY void backward(const lac_op_ctx *c, int64_t half, int64_t from, int64_t to, lac_dtype d, lac_dtype dgy, lac_dtype dgx)
{
    if (c->add[0])
        backward_run(c, half, from, to, d, dgy, dgx, true);
    else
        backward_run(c, half, from, to, d, dgy, dgx, false);
}

static int64_t half_of(const lac_op_ctx *c) { return c->in[0]->dim[c->in[0]->ndim - 1] / 2; }

lac_status LAC_CPU(geglu_forward)(const lac_op_ctx *c)
{
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->out[0]))
        LAC_EACH_DTYPE(c->in[0]->dtype, forward, c, half_of(c), from, to);
    return LAC_OK;
}

lac_status LAC_CPU(geglu_backward)(const lac_op_ctx *c)
{
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->gout[0]))
        LAC_EACH_DTYPE_3(c->in[0]->dtype, c->gout[0]->dtype, c->gin[0]->dtype, backward, c, half_of(c), from, to);
    return LAC_OK;
}
