#include "autograd/ops/batch_norm/formula.h"
#include "autograd/ops/rows.h"

#include <string.h>

/* Pixels whose sums are kept in f32 apart, before they go to the block's. */
enum { RUN = 128 };

/* The workspace: two sums a channel and how many pixels they are of; sums of a block's pixels, [LAC_BLOCKS] of 4 C; then a number a channel each. */
typedef struct areas { double *sums; float *part, *mean, *rstd, *scale, *of_x, *constant; } areas;

static int64_t channels_of(const lac_op_ctx *c) { return c->in[0]->dim[3]; }
static int64_t pixels_of(const lac_op_ctx *c) { return c->in[0]->dim[0] * c->in[0]->dim[1] * c->in[0]->dim[2]; }
static const lac_batch_norm_attr *attr_of(const lac_op_ctx *c) { return c->attr; }

lac_status LAC_CPU(batch_norm_workspace)(const lac_op_ctx *c, size_t *size)
{
    *size = (size_t)channels_of(c) * ((4 * LAC_BLOCKS + 5) * sizeof(float) + 2 * sizeof(double)) + sizeof(double);
    return LAC_OK;
}

static areas areas_in(const lac_op_ctx *c)
{
    const int64_t n = channels_of(c);
    areas a = { .sums = c->workspace, .part = (float *)((double *)c->workspace + 2 * n + 1) };
    a.mean = a.part + 4 * LAC_BLOCKS * n;
    a.rstd = a.mean + n;
    a.scale = a.rstd + n;
    a.of_x = a.scale + n;
    a.constant = a.of_x + n;
    return a;
}

static void settle(float *restrict part, float *restrict run, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        part[k] += run[k];
        run[k] = 0;
    }
}

/* What a channel has in `which` of its sums over all blocks. */
static double over_blocks(const float *part, int64_t n, int which, int64_t k)
{
    double sum = 0;
    for (int64_t b = 0; b < LAC_BLOCKS; b++)
        sum += (double)part[b * 4 * n + which * n + k];
    return sum;
}

/* ---- forward ---- */

LAC_BODY void sum_run(const lac_op_ctx *c, const float *restrict shift, float *restrict sum, float *restrict square, int64_t from, int64_t to, lac_dtype d)
{
    const int64_t n = channels_of(c);
    for (int64_t p = from; p < to; p++) {
        #pragma omp simd
        for (int64_t k = 0; k < n; k++) {
            const float v = lac_ld(c->in[0]->data, p * n + k, d) - shift[k];
            sum[k] += v;
            square[k] = lac_fma(v, v, square[k]);
        }
    }
}

/* part: a block's sums, then as many numbers of scratch. */
static void sum_block(const lac_op_ctx *c, const float *shift, float *part, int64_t from, int64_t to)
{
    const int64_t n = channels_of(c);
    float *run = part + 2 * n;
    memset(part, 0, (size_t)(4 * n) * sizeof *part);
    for (int64_t p = from; p < to; p += RUN) {
        LAC_EACH_DTYPE(c->in[0]->dtype, sum_run, c, shift, run, run + n, p, LAC_MIN(p + RUN, to));
        settle(part, run, 2 * n);
    }
}

/* Numbers far from 0 lose nothing: sums are taken from the first pixel on. */
static lac_status measure(const lac_op_ctx *c, const areas *a)
{
    const int64_t n = channels_of(c), pixels = pixels_of(c);
    for (int64_t k = 0; k < n; k++)
        a->mean[k] = pixels > 0 ? lac_ld(c->in[0]->data, k, c->in[0]->dtype) : 0;
    LAC_PARALLEL_BLOCKS(b, from, to, pixels)
        sum_block(c, a->mean, a->part + b * 4 * n, from, to);
    for (int64_t k = 0; k < n; k++) {
        const batch_moments m = batch_moments_of((double)pixels, over_blocks(a->part, n, 0, k), over_blocks(a->part, n, 1, k), (double)a->mean[k]);
        a->sums[k] = m.sum;
        a->sums[n + k] = m.square;
    }
    a->sums[2 * n] = (double)pixels;
    return batch_over_ranks(c, a->sums, 2 * n + 1);
}

/* Each channel's statistics, in order: saved ones for backward, new ones for the caller. */
static void conclude(const lac_op_ctx *c, const areas *a)
{
    const int64_t n = channels_of(c);
    const float *weight = c->in[1]->data, *running_mean = c->in[3]->data, *running_var = c->in[4]->data;
    float *stats = c->out[3] != NULL ? c->out[3]->data : NULL;
    for (int64_t k = 0; k < n; k++) {
        batch_moments m = { 0 };
        if (attr_of(c)->training)
            m = (batch_moments){ a->sums[2 * n], a->sums[k], a->sums[n + k] };
        const batch_stats s = batch_stats_of(m, attr_of(c), running_mean[k], running_var[k]);
        a->mean[k] = s.mean;
        a->scale[k] = s.rstd * weight[k];
        ((float *)c->out[1]->data)[k] = s.new_mean;
        ((float *)c->out[2]->data)[k] = s.new_var;
        if (stats != NULL) {
            stats[k] = s.mean;
            stats[n + k] = s.rstd;
        }
    }
    if (stats != NULL)
        stats[2 * n] = attr_of(c)->training ? (float)a->sums[2 * n] : 0.0f;
}

LAC_BODY void apply(const lac_op_ctx *c, const areas *a, int64_t from, int64_t to, lac_dtype d)
{
    const int64_t n = channels_of(c);
    const float slope = batch_slope_of(attr_of(c)), *restrict bias = c->in[2]->data, *restrict mean = a->mean, *restrict scale = a->scale;
    const void *restrict x = c->in[0]->data;
    void *restrict y = c->out[0]->data;
    for (int64_t p = from; p < to; p++) {
        #pragma omp simd
        for (int64_t k = 0; k < n; k++)
            lac_st(y, p * n + k, d, batch_act(batch_value(lac_ld(x, p * n + k, d), mean[k], scale[k], bias[k]), slope));
    }
}

lac_status LAC_CPU(batch_norm_forward)(const lac_op_ctx *c)
{
    const areas a = areas_in(c);
    if (attr_of(c)->training)
        LAC_TRY(measure(c, &a));
    conclude(c, &a);
    LAC_PARALLEL_BLOCKS(b, from, to, pixels_of(c))
        LAC_EACH_DTYPE(c->in[0]->dtype, apply, c, &a, from, to);
    return LAC_OK;
}

/* ---- backward ---- */

/* Sums of gz and of gz (x - mean). */
LAC_BODY void slope_run(const lac_op_ctx *c, const areas *a, float *restrict sum, float *restrict dot, int64_t from, int64_t to, lac_dtype d, lac_dtype dgy)
{
    const int64_t n = channels_of(c);
    const float slope = batch_slope_of(attr_of(c)), *restrict bias = c->in[2]->data, *restrict mean = a->mean, *restrict scale = a->scale;
    for (int64_t p = from; p < to; p++) {
        #pragma omp simd
        for (int64_t k = 0; k < n; k++) {
            const float x = lac_ld(c->in[0]->data, p * n + k, d);
            const float gz = batch_upstream(x, lac_ld(c->gout[0]->data, p * n + k, dgy), mean[k], scale[k], bias[k], slope);
            sum[k] += gz;
            dot[k] = lac_fma(gz, x - mean[k], dot[k]);
        }
    }
}

static void slope_block(const lac_op_ctx *c, const areas *a, float *part, int64_t from, int64_t to)
{
    const int64_t n = channels_of(c);
    float *run = part + 2 * n;
    memset(part, 0, (size_t)(4 * n) * sizeof *part);
    for (int64_t p = from; p < to; p += RUN) {
        LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gout[0]->dtype, slope_run, c, a, run, run + n, p, LAC_MIN(p + RUN, to));
        settle(part, run, 2 * n);
    }
}

static void put(const lac_tensor *to, bool add, int64_t k, double v)
{
    if (to != NULL)
        ((float *)to->data)[k] = (float)(add ? (double)((float *)to->data)[k] + v : v);
}

/* Sums over all blocks: this rank's into the parameters' gradients, all ranks' into what gx is computed with. */
static lac_status conclude_slopes(const lac_op_ctx *c, const areas *a)
{
    const int64_t n = channels_of(c);
    const double pixels = (double)((const float *)c->out[3]->data)[2 * n];
    for (int64_t k = 0; k < n; k++) {
        a->sums[k] = over_blocks(a->part, n, 0, k);
        a->sums[n + k] = over_blocks(a->part, n, 1, k) * (double)a->rstd[k];
        put(c->gin[1], c->add[1], k, a->sums[n + k]);
        put(c->gin[2], c->add[2], k, a->sums[k]);
    }
    if (attr_of(c)->training)
        LAC_TRY(batch_over_ranks(c, a->sums, 2 * n));
    for (int64_t k = 0; k < n; k++)
        batch_slopes(a->sums[k], a->sums[n + k], pixels, a->scale[k], a->rstd[k], &a->of_x[k], &a->constant[k]);
    return LAC_OK;
}

LAC_BODY void backward_run(const lac_op_ctx *c, const areas *a, int64_t from, int64_t to, bool add, lac_dtype d, lac_dtype dgy, lac_dtype dgx)
{
    const int64_t n = channels_of(c);
    const float slope = batch_slope_of(attr_of(c)), *restrict bias = c->in[2]->data, *restrict mean = a->mean, *restrict scale = a->scale;
    const float *restrict of_x = a->of_x, *restrict constant = a->constant;
    const void *restrict data = c->in[0]->data, *restrict gy = c->gout[0]->data;
    void *restrict gx = c->gin[0]->data;
    for (int64_t p = from; p < to; p++) {
        #pragma omp simd
        for (int64_t k = 0; k < n; k++) {
            const float x = lac_ld(data, p * n + k, d), gz = batch_upstream(x, lac_ld(gy, p * n + k, dgy), mean[k], scale[k], bias[k], slope);
            lac_put(gx, p * n + k, dgx, lac_fma(scale[k], gz, lac_fma(of_x[k], x - mean[k], constant[k])), add);
        }
    }
}

/* Adding or not is a constant: a long loop with that choice inside is not vectorised. */
LAC_BODY void backward_pixels(const lac_op_ctx *c, const areas *a, int64_t from, int64_t to, lac_dtype d, lac_dtype dgy, lac_dtype dgx)
{
    if (c->add[0])
        backward_run(c, a, from, to, true, d, dgy, dgx);
    else
        backward_run(c, a, from, to, false, d, dgy, dgx);
}

lac_status LAC_CPU(batch_norm_backward)(const lac_op_ctx *c)
{
    const areas a = areas_in(c);
    const int64_t n = channels_of(c);
    const float *stats = c->out[3]->data, *weight = c->in[1]->data;
    for (int64_t k = 0; k < n; k++) {
        a.mean[k] = stats[k];
        a.rstd[k] = stats[n + k];
        a.scale[k] = a.rstd[k] * weight[k];
    }
    LAC_PARALLEL_BLOCKS(b, from, to, pixels_of(c))
        slope_block(c, &a, a.part + b * 4 * n, from, to);
    LAC_TRY(conclude_slopes(c, &a));
    if (c->gin[0] != NULL)
        LAC_PARALLEL_BLOCKS(b, from, to, pixels_of(c))
            LAC_EACH_DTYPE_3(c->in[0]->dtype, c->gout[0]->dtype, c->gin[0]->dtype, backward_pixels, c, &a, from, to);
    return LAC_OK;
}
