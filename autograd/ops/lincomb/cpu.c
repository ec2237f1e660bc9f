#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/rows.h"

enum { CHUNK = 1024 };          /* elements summed at a time, in the first level of cache */

/* Elements that share a row of n coefficients. */
typedef struct extent { int64_t all, each, n; const float *a; } extent;

static extent extent_of(const lac_op_ctx *c, const lac_tensor *x)
{
    const lac_tensor *a = c->in[0];
    extent e = { .all = lac_numel(x), .n = a->dim[a->ndim - 1], .a = a->data };
    e.each = a->ndim == 2 && a->dim[0] > 0 ? e.all / a->dim[0] : e.all;
    return e;
}

/* Where the run that begins at i ends: within CHUNK elements, and within its sample. */
static int64_t run_end(const extent *e, int64_t i, int64_t to) { return LAC_MIN(LAC_MIN(to, i + CHUNK), (i / e->each + 1) * e->each); }

LAC_BODY void first(float *restrict sum, const void *restrict x, float a, int64_t from, int64_t n, lac_dtype d)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        sum[i] = a * lac_ld(x, from + i, d);
}

LAC_BODY void further(float *restrict sum, const void *restrict x, float a, int64_t from, int64_t n, lac_dtype d)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        sum[i] = lac_fma(a, lac_ld(x, from + i, d), sum[i]);
}

LAC_BODY void put(void *restrict y, const float *restrict sum, float a, int64_t from, int64_t n, bool add, lac_dtype d)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        lac_put(y, from + i, d, a * sum[i], add);
}

static void forward(const lac_op_ctx *c, const extent *e, int64_t from, int64_t end)
{
    const float *a = e->a + from / e->each * e->n;
    const lac_tensor *y = c->out[0];
    float sum[CHUNK];
    LAC_EACH_DTYPE(c->in[1]->dtype, first, sum, c->in[1]->data, a[0], from, end - from);
    for (int64_t k = 1; k < e->n; k++)
        LAC_EACH_DTYPE(c->in[1 + k]->dtype, further, sum, c->in[1 + k]->data, a[k], from, end - from);
    LAC_EACH_DTYPE(y->dtype, put, y->data, sum, 1.0f, from, end - from, false);
}

lac_status LAC_CPU(lincomb_forward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c, c->out[0]);
    LAC_PARALLEL_BLOCKS(b, from, to, e.all)
        for (int64_t i = from, end; i < to; i = end) {
            end = run_end(&e, i, to);
            forward(c, &e, i, end);
        }
    return LAC_OK;
}

static void backward(const lac_op_ctx *c, const extent *e, int k, int64_t from, int64_t end)
{
    const lac_tensor *gy = c->gout[0], *gx = c->gin[1 + k];
    float g[CHUNK];
    LAC_EACH_DTYPE(gy->dtype, first, g, gy->data, 1.0f, from, end - from);
    LAC_EACH_DTYPE(gx->dtype, put, gx->data, g, e->a[from / e->each * e->n + k], from, end - from, c->add[1 + k]);
}

lac_status LAC_CPU(lincomb_backward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c, c->gout[0]);
    for (int k = 0; k < e.n; k++)
        if (c->gin[1 + k] != NULL)
            LAC_PARALLEL_BLOCKS(b, from, to, e.all)
                for (int64_t i = from, end; i < to; i = end) {
                    end = run_end(&e, i, to);
                    backward(c, &e, k, i, end);
                }
    return LAC_OK;
}
