#include "autograd/ops/match_std/match_std.h"
#include "autograd/ops/match_std/formula.h"
#include "autograd/ops/rows.h"

#include <math.h>

static int64_t elements(const lac_tensor *x) { return x->dim[0] ? lac_numel(x) / x->dim[0] : 0; }

/* Sum of (x - mean) to the first or second power. */
LAC_BODY void add_up(const void *restrict x, double mean, bool squared, int64_t from, int64_t to, double *sum, lac_dtype d)
{
    double s = 0;
    #pragma omp simd reduction(+ : s)
    for (int64_t i = from; i < to; i++) {
        const double v = (double)lac_ld(x, i, d) - mean;
        s += squared ? v * v : v;
    }
    *sum = s;
}

static double total(const lac_tensor *x, int64_t start, int64_t n, double mean, bool squared)
{
    double part[LAC_BLOCKS] = { 0 };
    LAC_PARALLEL_BLOCKS(b, from, to, n)
        LAC_EACH_DTYPE(x->dtype, add_up, x->data, mean, squared, start + from, start + to, &part[b]);
    return lac_sum_block_parts(part);
}

static void measure(const lac_tensor *x, int64_t start, int64_t n, float *mean, float *std)
{
    const double m = total(x, start, n, 0, false) / (double)n;
    *mean = (float)m;
    *std = (float)sqrt(total(x, start, n, m, true) / (double)(n - 1));
}

LAC_BODY void scale_all(const lac_op_ctx *c, float k, int64_t from, int64_t to, lac_dtype d)
{
    const void *restrict x = c->in[0]->data;
    void *restrict y = c->out[0]->data;
    #pragma omp simd
    for (int64_t i = from; i < to; i++)
        lac_st(y, i, d, k * lac_ld(x, i, d));
}

lac_status LAC_CPU(match_std_forward)(const lac_op_ctx *c)
{
    const float share = ((const lac_match_std_attr *)c->attr)->share;
    const lac_tensor *x = c->in[0];
    const int64_t each = elements(x);
    for (int64_t n = 0; each > 0 && n < x->dim[0]; n++) {
        match_std_stats s;
        measure(x, n * each, each, &s.mean_x, &s.std_x);
        measure(c->in[1], n * each, each, &s.mean_like, &s.std_like);
        if (c->out[1] != NULL)
            ((match_std_stats *)c->out[1]->data)[n] = s;
        LAC_PARALLEL_BLOCKS(b, from, to, each)
            LAC_EACH_DTYPE(x->dtype, scale_all, c, match_std_scale(&s, share), n * each + from, n * each + to);
    }
    return LAC_OK;
}

LAC_BODY void dot(const lac_op_ctx *c, int64_t from, int64_t to, double *sum, lac_dtype dx, lac_dtype dgy)
{
    const void *restrict x = c->in[0]->data, *restrict gy = c->gout[0]->data;
    double s = 0;
    #pragma omp simd reduction(+ : s)
    for (int64_t i = from; i < to; i++)
        s += (double)lac_ld(x, i, dx) * (double)lac_ld(gy, i, dgy);
    *sum = s;
}

/* a gy + b (x - mean) */
LAC_BODY void backward(const lac_op_ctx *c, int which, float a, float b, float mean, int64_t from, int64_t to, lac_dtype dx, lac_dtype dgy, lac_dtype dgx)
{
    const void *restrict x = c->in[which]->data, *restrict gy = c->gout[0]->data;
    void *restrict gx = c->gin[which]->data;
    const bool add = c->add[which];
    #pragma omp simd
    for (int64_t i = from; i < to; i++)
        lac_put(gx, i, dgx, lac_fma(b, lac_ld(x, i, dx) - mean, a * lac_ld(gy, i, dgy)), add);
}

static void backward_sample(const lac_op_ctx *c, int64_t start, int64_t each, const match_std_stats *s)
{
    const float share = ((const lac_match_std_attr *)c->attr)->share;
    double part[LAC_BLOCKS] = { 0 };
    float b[2];
    LAC_PARALLEL_BLOCKS(k, from, to, each)
        LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gout[0]->dtype, dot, c, start + from, start + to, &part[k]);
    match_std_slopes(s, share, lac_sum_block_parts(part), each, &b[0], &b[1]);
    for (int which = 0; which < 2; which++)
        if (c->gin[which] != NULL)
            LAC_PARALLEL_BLOCKS(k, from, to, each)
                LAC_EACH_DTYPE_3(c->in[which]->dtype, c->gout[0]->dtype, c->gin[which]->dtype, backward, c, which,
                                 which == 0 ? match_std_scale(s, share) : 0.0f, b[which], which == 0 ? s->mean_x : s->mean_like, start + from, start + to);
}

lac_status LAC_CPU(match_std_backward)(const lac_op_ctx *c)
{
    const int64_t each = elements(c->in[0]);
    for (int64_t n = 0; each > 0 && n < c->in[0]->dim[0]; n++)
        backward_sample(c, n * each, each, (const match_std_stats *)c->out[1]->data + n);
    return LAC_OK;
}
