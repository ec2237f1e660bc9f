#include "autograd/ops/l2_normalize/l2_normalize.h"
#include "autograd/ops/rows.h"

#include <math.h>

static int64_t columns_of(const lac_tensor *x) { return x->dim[x->ndim - 1]; }
static int64_t rows_of(const lac_tensor *x) { return columns_of(x) ? lac_numel(x) / columns_of(x) : 0; }

LAC_BODY void normalize(const lac_op_ctx *c, int64_t r, lac_dtype dx, lac_dtype dy)
{
    const int64_t n = columns_of(c->in[0]);
    const void *restrict x = lac_at(c->in[0]->data, r * n, dx);
    void *restrict y = lac_at(c->out[0]->data, r * n, dy);
    double sum = 0;
    #pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < n; k++)
        sum += (double)lac_ld(x, k, dx) * (double)lac_ld(x, k, dx);
    const float length = (float)sqrt(sum), by = length > 0 ? length : 1.0f;
    if (c->out[1] != NULL)
        ((float *)c->out[1]->data)[r] = length;
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        lac_st(y, k, dy, lac_ld(x, k, dx) / by);
}

lac_status LAC_CPU(l2_normalize_forward)(const lac_op_ctx *c)
{
    LAC_PARALLEL_FOR(r, rows_of(c->in[0]))
        LAC_EACH_DTYPE_2(c->in[0]->dtype, c->out[0]->dtype, normalize, c, r);
    return LAC_OK;
}

/* gx = (gy - u (u . gy)) / |x|, u = x / |x|. */
LAC_BODY void slope(const lac_op_ctx *c, int64_t r, lac_dtype dx, lac_dtype dgy, lac_dtype dgx)
{
    const int64_t n = columns_of(c->in[0]);
    const void *restrict x = lac_at(c->in[0]->data, r * n, dx), *restrict gy = lac_at(c->gout[0]->data, r * n, dgy);
    void *restrict gx = lac_at(c->gin[0]->data, r * n, dgx);
    const float length = ((const float *)c->out[1]->data)[r], by = length > 0 ? 1.0f / length : 0.0f;
    double dot = 0;
    #pragma omp simd reduction(+ : dot)
    for (int64_t k = 0; k < n; k++)
        dot += (double)lac_ld(x, k, dx) * (double)lac_ld(gy, k, dgy);
    const float along = (float)dot * by * by;
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        lac_put(gx, k, dgx, by * lac_fma(-along, lac_ld(x, k, dx), lac_ld(gy, k, dgy)), c->add[0]);
}

lac_status LAC_CPU(l2_normalize_backward)(const lac_op_ctx *c)
{
    LAC_PARALLEL_FOR(r, rows_of(c->in[0]))
        LAC_EACH_DTYPE_3(c->in[0]->dtype, c->gout[0]->dtype, c->gin[0]->dtype, slope, c, r);
    return LAC_OK;
}
