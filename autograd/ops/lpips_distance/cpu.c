#include "autograd/ops/lpips_distance/formula.h"
#include "autograd/ops/lpips_distance/lpips_distance.h"
#include "autograd/ops/rows.h"

LAC_BODY float square_of(const void *restrict x, int64_t at, int64_t n, lac_dtype d)
{
    float s = 0;
    #pragma omp simd reduction(+ : s)
    for (int64_t k = 0; k < n; k++)
        s = lac_fma(lac_ld(x, at + k, d), lac_ld(x, at + k, d), s);
    return s;
}

LAC_BODY void sum_pixels(const lac_op_ctx *c, int64_t from, int64_t to, double *sum, lac_dtype d)
{
    const void *restrict a = c->in[0]->data, *restrict b = c->in[1]->data;
    const float *restrict w = c->in[2]->data;
    const int64_t n = c->in[0]->dim[3];
    double total = 0;
    for (int64_t p = from; p < to; p++) {
        const float sa = lpips_scale(square_of(a, p * n, n, d)), sb = lpips_scale(square_of(b, p * n, n, d));
        float s = 0;
        #pragma omp simd reduction(+ : s)
        for (int64_t k = 0; k < n; k++) {
            const float apart = lac_ld(a, p * n + k, d) * sa - lac_ld(b, p * n + k, d) * sb;
            s = lac_fma(w[k] * apart, apart, s);
        }
        ((float *)c->out[1]->data)[p] = s;
        total += (double)s;
    }
    *sum = total;
}

lac_status LAC_CPU(lpips_distance_forward)(const lac_op_ctx *c)
{
    const lac_tensor *a = c->in[0];
    const int64_t pixels = a->dim[1] * a->dim[2];
    const float *before = c->in[3] != NULL ? c->in[3]->data : NULL;
    for (int64_t n = 0; n < a->dim[0]; n++) {
        double sum[LAC_BLOCKS] = { 0 };
        LAC_PARALLEL_BLOCKS(b, from, to, pixels)
            LAC_EACH_DTYPE(a->dtype, sum_pixels, c, n * pixels + from, n * pixels + to, &sum[b]);
        ((float *)c->out[0]->data)[n] = (float)((before != NULL ? (double)before[n] : 0) + lac_sum_block_parts(sum) / (double)pixels);
    }
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(lpips_distance_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

static float at_pixel(const lac_tensor *g, int64_t p) { return g != NULL ? lac_ld(g->data, p, g->dtype) : 0.0f; }

/* The gradient of input `which`: x is it, and y the other; of_mean is dL/dy[n] / pixels. */
LAC_BODY void slopes(const lac_op_ctx *c, int which, float of_mean, int64_t from, int64_t to, lac_dtype d, lac_dtype dg)
{
    const void *restrict x = c->in[which]->data, *restrict y = c->in[1 - which]->data;
    const float *restrict w = c->in[2]->data;
    void *restrict gx = c->gin[which]->data;
    const int64_t n = c->in[0]->dim[3];
    const bool add = c->add[which];
    for (int64_t p = from; p < to; p++) {
        const float g = of_mean + at_pixel(c->gout[1], p);
        const float square = square_of(x, p * n, n, d), sx = lpips_scale(square), sy = lpips_scale(square_of(y, p * n, n, d));
        float dot = 0;
        #pragma omp simd reduction(+ : dot)
        for (int64_t k = 0; k < n; k++) {
            const float v = lac_ld(x, p * n + k, d);
            dot = lac_fma(v * w[k], v * sx - lac_ld(y, p * n + k, d) * sy, dot);
        }
        const float along = lpips_along(square, 2 * g * dot), scale = lpips_slope_scale(square);
        #pragma omp simd
        for (int64_t k = 0; k < n; k++) {
            const float v = lac_ld(x, p * n + k, d), gu = 2 * g * w[k] * (v * sx - lac_ld(y, p * n + k, d) * sy);
            lac_put(gx, p * n + k, dg, lac_fma(scale, gu, along * v), add);
        }
    }
}

lac_status LAC_CPU(lpips_distance_backward)(const lac_op_ctx *c)
{
    const lac_tensor *a = c->in[0], *gy = c->gout[0];
    const int64_t pixels = a->dim[1] * a->dim[2];
    for (int which = 0; which < 2; which++)
        for (int64_t n = 0; c->gin[which] != NULL && n < a->dim[0]; n++) {
            const float g = at_pixel(gy, n) / (float)pixels;
            LAC_PARALLEL_BLOCKS(b, from, to, pixels)
                LAC_EACH_DTYPE_2(a->dtype, c->gin[which]->dtype, slopes, c, which, g, n * pixels + from, n * pixels + to);
        }
    for (int64_t n = 0; c->gin[3] != NULL && n < a->dim[0]; n++)
        lac_put(c->gin[3]->data, n, LAC_F32, at_pixel(gy, n), c->add[3]);
    return LAC_OK;
}
