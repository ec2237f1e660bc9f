#include "autograd/ops/avg_pool/formula.h"
#include "autograd/ops/rows.h"

enum { CHUNK = 64 };        /* channels whose sums lie on the stack */

LAC_BODY void gather(float *restrict sum, const void *restrict x, int64_t at, int64_t n, float over, lac_dtype d)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        sum[k] += lac_ld(x, at + k, d) / over;
}

/* Pixel p of `to` from the window around it in `from`. backward: each pixel there is over its own count; forward the sum is over that of p. */
LAC_BODY void pool_pixel(lac_tensor *to, const lac_tensor *x, int64_t kernel, int64_t p, bool backward, bool add, lac_dtype d, lac_dtype dto)
{
    const int64_t h = x->dim[1], w = x->dim[2], n = x->dim[3], i = p / w % h, j = p % w, sample = p / w / h;
    int64_t top, bottom, left, right;
    pool_window(kernel, i, h, &top, &bottom);
    pool_window(kernel, j, w, &left, &right);
    const float count = backward ? 1 : pool_count(kernel, i, h, j, w);
    for (int64_t k = 0; k < n; k += CHUNK) {
        float sum[CHUNK] = { 0 };
        const int64_t some = LAC_MIN(CHUNK, n - k);
        for (int64_t r = top; r < bottom; r++)
            for (int64_t q = left; q < right; q++)
                gather(sum, x->data, ((sample * h + r) * w + q) * n + k, some, backward ? pool_count(kernel, r, h, q, w) : 1, d);
        #pragma omp simd
        for (int64_t l = 0; l < some; l++)
            lac_put(to->data, p * n + k + l, dto, sum[l] / count, add);
    }
}

LAC_BODY void pool_pixels(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype d)
{
    const lac_avg_pool_attr *a = c->attr;
    for (int64_t p = from; p < to; p++)
        pool_pixel(c->out[0], c->in[0], a->kernel, p, false, false, d, d);
}

lac_status LAC_CPU(avg_pool_forward)(const lac_op_ctx *c)
{
    const lac_tensor *y = c->out[0];
    LAC_PARALLEL_BLOCKS(b, from, to, y->dim[0] * y->dim[1] * y->dim[2])
        LAC_EACH_DTYPE(y->dtype, pool_pixels, c, from, to);
    return LAC_OK;
}

LAC_BODY void spread_pixels(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype dgy, lac_dtype dgx)
{
    const lac_avg_pool_attr *a = c->attr;
    for (int64_t p = from; p < to; p++)
        pool_pixel(c->gin[0], c->gout[0], a->kernel, p, true, c->add[0], dgy, dgx);
}

lac_status LAC_CPU(avg_pool_backward)(const lac_op_ctx *c)
{
    const lac_tensor *gx = c->gin[0];
    LAC_PARALLEL_BLOCKS(b, from, to, gx->dim[0] * gx->dim[1] * gx->dim[2])
        LAC_EACH_DTYPE_2(c->gout[0]->dtype, gx->dtype, spread_pixels, c, from, to);
    return LAC_OK;
}
