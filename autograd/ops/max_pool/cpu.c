#include "autograd/ops/max_pool/formula.h"
#include "autograd/ops/rows.h"

#include <string.h>

enum { CHUNK = 64 };        /* channels whose best so far lies on the stack */

typedef struct best { float v[CHUNK]; uint8_t place[CHUNK]; } best;

/* The n channels from element `at` on of the window's pixel `here` against the best of the pixels before; places where they are wanted. */
LAC_BODY void look(best *restrict so_far, const void *restrict x, int64_t at, int64_t n, uint8_t here, bool first, lac_dtype d, const bool places)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++) {
        const float v = lac_ld(x, at + k, d);
        const bool takes = first || pool_beats(v, so_far->v[k]);
        so_far->v[k] = takes ? v : so_far->v[k];
        if (places)
            so_far->place[k] = takes ? here : so_far->place[k];
    }
}

LAC_BODY void pool_pixel(const lac_op_ctx *c, int64_t p, lac_dtype d, const bool places)
{
    const lac_max_pool_attr *a = c->attr;
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const int64_t n = x->dim[3], i = p / y->dim[2] % y->dim[1], j = p % y->dim[2], sample = p / y->dim[2] / y->dim[1];
    int64_t top, bottom, left, right;
    pool_window(a, i, x->dim[1], &top, &bottom);
    pool_window(a, j, x->dim[2], &left, &right);
    const int64_t origin = (sample * x->dim[1] + i * a->stride - a->pad) * x->dim[2] + j * a->stride - a->pad;
    for (int64_t k = 0; k < n; k += CHUNK) {
        best so_far;
        const int64_t some = LAC_MIN(CHUNK, n - k);
        for (int64_t r = top; r < bottom; r++)
            for (int64_t q = left; q < right; q++)
                look(&so_far, x->data, (origin + r * x->dim[2] + q) * n + k, some, (uint8_t)(r * a->kernel + q), r == top && q == left, d, places);
        for (int64_t l = 0; l < some; l++)
            lac_st(y->data, p * n + k + l, d, so_far.v[l]);
        if (places)
            memcpy((uint8_t *)c->out[1]->data + p * n + k, so_far.place, (size_t)some);
    }
}

LAC_BODY void pool_pixels(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype d)
{
    for (int64_t p = from; p < to; p++) {
        if (c->out[1] != NULL)
            pool_pixel(c, p, d, true);
        else
            pool_pixel(c, p, d, false);
    }
}

lac_status LAC_CPU(max_pool_forward)(const lac_op_ctx *c)
{
    const lac_tensor *y = c->out[0];
    LAC_PARALLEL_BLOCKS(b, from, to, y->dim[0] * y->dim[1] * y->dim[2])
        LAC_EACH_DTYPE(c->in[0]->dtype, pool_pixels, c, from, to);
    return LAC_OK;
}

/* sum += gy of window o where the window's best is its pixel `here`. */
LAC_BODY void collect(float *restrict sum, const void *restrict gy, const uint8_t *restrict place, int64_t at, int64_t n, uint8_t here, lac_dtype dgy)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        sum[k] += place[at + k] == here ? lac_ld(gy, at + k, dgy) : 0.0f;
}

LAC_BODY void spread_pixel(const lac_op_ctx *c, int64_t p, lac_dtype dgy, lac_dtype dgx)
{
    const lac_max_pool_attr *a = c->attr;
    const lac_tensor *gx = c->gin[0], *gy = c->gout[0];
    const int64_t n = gx->dim[3], i = p / gx->dim[2] % gx->dim[1], j = p % gx->dim[2], sample = p / gx->dim[2] / gx->dim[1];
    int64_t top, bottom, left, right;
    pool_readers(a, i, gy->dim[1], &top, &bottom);
    pool_readers(a, j, gy->dim[2], &left, &right);
    for (int64_t k = 0; k < n; k += CHUNK) {
        float sum[CHUNK] = { 0 };
        const int64_t some = LAC_MIN(CHUNK, n - k);
        for (int64_t r = top; r < bottom; r++)
            for (int64_t q = left; q < right; q++) {
                const int64_t here = (i + a->pad - r * a->stride) * a->kernel + j + a->pad - q * a->stride;
                collect(sum, gy->data, c->out[1]->data, ((sample * gy->dim[1] + r) * gy->dim[2] + q) * n + k, some, (uint8_t)here, dgy);
            }
        for (int64_t l = 0; l < some; l++)
            lac_put(gx->data, p * n + k + l, dgx, sum[l], c->add[0]);
    }
}

LAC_BODY void spread_pixels(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype dgy, lac_dtype dgx)
{
    for (int64_t p = from; p < to; p++)
        spread_pixel(c, p, dgy, dgx);
}

lac_status LAC_CPU(max_pool_backward)(const lac_op_ctx *c)
{
    const lac_tensor *gx = c->gin[0];
    LAC_PARALLEL_BLOCKS(b, from, to, gx->dim[0] * gx->dim[1] * gx->dim[2])
        LAC_EACH_DTYPE_2(c->gout[0]->dtype, gx->dtype, spread_pixels, c, from, to);
    return LAC_OK;
}
