#include "autograd/ops/group_norm/formula.h"
#include "autograd/ops/group_norm/group_norm.h"
#include "autograd/ops/rows.h"

#include <string.h>

/* Pixels of a block: their sums are in f32, those over blocks in double. */
enum { FEWEST = 8, MOST = 128 };

typedef struct extent { int64_t samples, pixels, channels, groups, each, blocks; } extent;      /* each: channels of a group */

static extent extent_of(const lac_op_ctx *c)
{
    const lac_tensor *y = c->out[0] != NULL ? c->out[0] : c->gout[0];
    const int64_t groups = ((const lac_group_norm_attr *)c->attr)->groups, pixels = y->dim[1] * y->dim[2];
    const int64_t run = LAC_MIN(LAC_MAX(pixels / LAC_BLOCKS, FEWEST), MOST);
    return (extent){ y->dim[0], pixels, y->dim[3], groups, y->dim[3] / groups, (pixels + run - 1) / run };
}

/* Over a sample's blocks: each thread its own run of them, upwards to sum them up and downwards to go through them again, so that it begins with what its
 * cache still holds. */
#define EACH_BLOCK(b, e, threads, downwards)                                                                                                    \
    LAC_PRAGMA(omp parallel for schedule(static))                                                                                               \
    for (int64_t t_ = 0; t_ < (threads); t_++)                                                                                                  \
        for (int64_t at_ = lac_block_start((e)->blocks, threads, t_), end_ = lac_block_start((e)->blocks, threads, t_ + 1), low_ = at_, b;      \
             b = (downwards) ? end_ - 1 - (at_ - low_) : at_, at_ < end_; at_++)

static int64_t block_start(const extent *e, int64_t b) { return lac_block_start(e->pixels, e->blocks, b); }

/* The workspace, a number a channel each but part, [blocks][2 C]. Of a sample: z = weight (u - mean) rstd + bias = scale x + offset, where u = x + shift and
 * `mean` is the group's less the shift; gain = 1 + s of scale_shift, and is in weight and bias. Over all samples: gw, gb. */
typedef struct areas { float *part, *shift, *gain, *weight, *bias, *mean, *rstd, *scale, *offset, *of_u, *constant; double *gw, *gb, *sum; } areas;

static size_t areas_bytes(const extent *e)
{
    return (size_t)e->channels * ((size_t)(2 * e->blocks + 10) * sizeof(float) + 4 * sizeof(double));
}

static areas areas_in(void *workspace, const extent *e)
{
    areas a;
    float **vector[] = { &a.shift, &a.gain, &a.weight, &a.bias, &a.mean, &a.rstd, &a.scale, &a.offset, &a.of_u, &a.constant };
    a.gw = workspace;
    a.gb = a.gw + e->channels;
    a.sum = a.gb + e->channels;             /* of two sums a channel */
    a.part = (float *)(a.sum + 2 * e->channels);
    for (size_t i = 0; i < LAC_COUNT(vector); i++)
        *vector[i] = a.part + (2 * e->blocks + (int64_t)i) * e->channels;
    return a;
}

lac_status LAC_CPU(group_norm_workspace)(const lac_op_ctx *c, size_t *size)
{
    const extent e = extent_of(c);
    *size = areas_bytes(&e);
    return LAC_OK;
}

/* The n channels of x or of skip, from channel `first` of both on. */
typedef struct source { const void *data; int64_t first, n; int which; } source;

static int sources_of(const lac_op_ctx *c, source s[2])
{
    const lac_tensor *x = c->in[0], *skip = c->in[3];
    s[0] = (source){ x->data, 0, x->dim[3], 0 };
    if (skip != NULL)
        s[1] = (source){ skip->data, x->dim[3], skip->dim[3], 3 };
    return skip != NULL ? 2 : 1;
}

static bool is_silu(const lac_op_ctx *c) { return ((const lac_group_norm_attr *)c->attr)->act == LAC_ACT_SILU; }

/* What a sample's shift and scale_shift make of the parameters. */
static void modulate(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample)
{
    const float *weight = c->in[1]->data, *bias = c->in[2]->data;
    const lac_tensor *shift = c->in[4], *both = c->in[5];
    for (int64_t k = 0; k < e->channels; k++) {
        const int64_t at = 2 * sample * e->channels + k;
        a->shift[k] = shift != NULL ? lac_ld(shift->data, sample * e->channels + k, shift->dtype) : 0.0f;
        a->gain[k] = both != NULL ? 1.0f + lac_ld(both->data, at, both->dtype) : 1.0f;
        a->weight[k] = weight[k] * a->gain[k];
        a->bias[k] = both != NULL ? lac_fma(bias[k], a->gain[k], lac_ld(both->data, at + e->channels, both->dtype)) : bias[k];
    }
}

/* Each channel's sums over blocks, in order and in double. */
static void add_blocks(const extent *e, const areas *a, int64_t from, int64_t to)
{
    double *restrict sum = a->sum;
    memset(sum + from, 0, (size_t)(to - from) * sizeof *sum);
    for (int64_t b = 0; b < e->blocks; b++) {
        const float *restrict part = a->part + 2 * b * e->channels;
        #pragma omp simd
        for (int64_t k = from; k < to; k++)
            sum[k] += (double)part[k];
    }
}

static void add_group(const extent *e, const areas *a, int64_t g)
{
    add_blocks(e, a, g * e->each, (g + 1) * e->each);
    add_blocks(e, a, e->channels + g * e->each, e->channels + (g + 1) * e->each);
}

/* ---- forward ---- */

/* Sums of v = u - mean and of its square, mean being near it. */
LAC_BODY void sum_run(const source *s, const float *restrict mean, float *restrict sum, float *restrict square, int64_t from, int64_t to, lac_dtype d)
{
    for (int64_t p = from; p < to; p++) {
        const void *restrict x = lac_at(s->data, p * s->n, d);
        #pragma omp simd
        for (int64_t k = 0; k < s->n; k++) {
            const float v = lac_ld(x, k, d) - mean[k];
            sum[k] += v;
            square[k] = lac_fma(v, v, square[k]);
        }
    }
}

static void sum_block(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample, int64_t b)
{
    const int64_t first = sample * e->pixels, from = first + block_start(e, b), to = first + block_start(e, b + 1);
    float *part = a->part + 2 * b * e->channels;
    source s[2];
    memset(part, 0, (size_t)(2 * e->channels) * sizeof *part);
    for (int i = 0, n = sources_of(c, s); i < n; i++)
        LAC_EACH_DTYPE(c->in[0]->dtype, sum_run, &s[i], a->mean + s[i].first, part + s[i].first, part + e->channels + s[i].first, from, to);
}

/* Sums are taken from a group's first number in the sample: numbers far from 0 lose nothing. */
static void start_near(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample)
{
    source s[2];
    for (int i = 0, n = sources_of(c, s); i < n; i++)
        for (int64_t k = 0; k < s[i].n; k++)
            a->rstd[s[i].first + k] = lac_ld(s[i].data, sample * e->pixels * s[i].n + k, c->in[0]->dtype) + a->shift[s[i].first + k];
    for (int64_t k = 0; k < e->channels; k++)
        a->mean[k] = a->rstd[k / e->each * e->each] - a->shift[k];
}

/* What each channel of a group is computed with. */
static void spread(const extent *e, const areas *a, int64_t g, const float stats[2])
{
    for (int64_t k = g * e->each; k < (g + 1) * e->each; k++) {
        a->mean[k] = stats[0] - a->shift[k];
        a->rstd[k] = stats[1];
        a->scale[k] = lac_group_scale(stats[1], a->weight[k]);
        a->offset[k] = lac_group_offset(a->mean[k], a->scale[k], a->bias[k]);
    }
}

static void measure_group(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample, int64_t g)
{
    const int64_t from = g * e->each, to = from + e->each;
    const double near = (double)a->mean[from] + (double)a->shift[from];
    float *centred = c->out[2] != NULL ? (float *)c->out[2]->data + sample * e->channels : NULL, stats[2];
    double sum = 0, square = 0;
    add_group(e, a, g);
    for (int64_t k = from; k < to; k++) {
        sum += a->sum[k];
        square += a->sum[e->channels + k];
    }
    lac_group_stats(sum, square, near, e->pixels * e->each, ((const lac_group_norm_attr *)c->attr)->eps, &stats[0], &stats[1]);
    if (c->out[1] != NULL)
        memcpy((float *)c->out[1]->data + 2 * (sample * e->groups + g), stats, sizeof stats);
    for (int64_t k = from; centred != NULL && k < to; k++)
        centred[k] = (float)(a->sum[k] - (double)e->pixels * ((double)stats[0] - near));
    spread(e, a, g, stats);
}

LAC_BODY void apply(const lac_op_ctx *c, const source *s, const areas *a, int64_t channels, int64_t from, int64_t to, bool silu, lac_dtype d)
{
    const float *restrict scale = a->scale + s->first, *restrict offset = a->offset + s->first;
    for (int64_t p = from; p < to; p++) {
        const void *restrict x = lac_at(s->data, p * s->n, d);
        void *restrict y = lac_at(c->out[0]->data, p * channels + s->first, d);
        #pragma omp simd
        for (int64_t k = 0; k < s->n; k++) {
            const float z = lac_fma(scale[k], lac_ld(x, k, d), offset[k]);
            lac_st(y, k, d, silu ? lac_swish(z, 1.0f) : z);
        }
    }
}

static void apply_block(const lac_op_ctx *c, const extent *e, const areas *a, int64_t from, int64_t to)
{
    source s[2];
    for (int i = 0, n = sources_of(c, s); i < n; i++) {
        if (is_silu(c))
            LAC_EACH_DTYPE(c->in[0]->dtype, apply, c, &s[i], a, e->channels, from, to, true);
        else
            LAC_EACH_DTYPE(c->in[0]->dtype, apply, c, &s[i], a, e->channels, from, to, false);
    }
}

lac_status LAC_CPU(group_norm_forward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    const areas a = areas_in(c->workspace, &e);
    const int64_t threads = lac_threads();
    for (int64_t n = 0; e.pixels > 0 && n < e.samples; n++) {
        modulate(c, &e, &a, n);
        start_near(c, &e, &a, n);
        EACH_BLOCK(b, &e, threads, false)
            sum_block(c, &e, &a, n, b);
        LAC_PARALLEL_FOR(g, e.groups)
            measure_group(c, &e, &a, n, g);
        EACH_BLOCK(b, &e, threads, true)
            apply_block(c, &e, &a, n * e.pixels + block_start(&e, b), n * e.pixels + block_start(&e, b + 1));
    }
    return LAC_OK;
}

/* ---- backward ---- */

/* Sums of gz and of gz (u - mean). */
LAC_BODY void slope_row(float *restrict sum, float *restrict dot, const void *restrict x, const void *restrict gy, const float *restrict scale,
                        const float *restrict offset, const float *restrict mean, int64_t n, bool silu, lac_dtype d, lac_dtype dgy)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++) {
        const float u = lac_ld(x, k, d), gz = lac_group_upstream(u, lac_ld(gy, k, dgy), scale[k], offset[k], silu);
        sum[k] += gz;
        dot[k] = lac_fma(gz, u - mean[k], dot[k]);
    }
}

LAC_BODY void slope_run(const lac_op_ctx *c, const source *s, const areas *a, float *sum, int64_t channels, int64_t from, int64_t to, bool silu, lac_dtype d, lac_dtype dgy)
{
    for (int64_t p = from; p < to; p++)
        slope_row(sum, sum + channels, lac_at(s->data, p * s->n, d), lac_at(c->gout[0]->data, p * channels + s->first, dgy), a->scale + s->first,
                  a->offset + s->first, a->mean + s->first, s->n, silu, d, dgy);
}

static void slope_block(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample, int64_t b)
{
    const int64_t first = sample * e->pixels, from = first + block_start(e, b), to = first + block_start(e, b + 1);
    float *part = a->part + 2 * b * e->channels;
    source s[2];
    memset(part, 0, (size_t)(2 * e->channels) * sizeof *part);
    for (int i = 0, n = sources_of(c, s); i < n; i++) {
        float *sum = part + s[i].first;
        if (is_silu(c))
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gout[0]->dtype, slope_run, c, &s[i], a, sum, e->channels, from, to, true);
        else
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gout[0]->dtype, slope_run, c, &s[i], a, sum, e->channels, from, to, false);
    }
}

static void put_number(const lac_op_ctx *c, int input, int64_t at, double v)
{
    const lac_tensor *g = c->gin[input];
    if (g != NULL)
        lac_put(g->data, at, g->dtype, (float)v, c->add[input]);
}

/* Gradients of a sample's shift and scale_shift, from a channel's sums; u_slope and all are those of gu = scale gz + u_slope (u - mean) + all. */
static void put_modulation(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample, int64_t k, double u_slope, double all)
{
    const double sum = a->sum[k], dot = a->sum[e->channels + k];
    const int64_t at = sample * e->channels + k;
    if (c->gin[4] != NULL)
        put_number(c, 4, at, (double)a->scale[k] * sum + u_slope * (double)((const float *)c->out[2]->data)[at] + all * (double)e->pixels);
    put_number(c, 5, at + sample * e->channels, (double)((const float *)c->in[1]->data)[k] * dot + (double)((const float *)c->in[2]->data)[k] * sum);
    put_number(c, 5, at + (sample + 1) * e->channels, sum);
}

/* A group's sums over all blocks: into the gradients of parameters and of what modulates them, and into what gx is computed with. */
static void slopes_of_group(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample, int64_t g)
{
    const int64_t from = g * e->each, to = from + e->each;
    const double rstd = (double)a->rstd[from];
    double s1 = 0, s2 = 0, u_slope, all;
    add_group(e, a, g);
    for (int64_t k = from; k < to; k++) {
        const double sum = a->sum[k], dot = a->sum[e->channels + k] *= rstd;
        a->gb[k] += (double)a->gain[k] * sum;
        a->gw[k] += (double)a->gain[k] * dot;
        s1 += (double)a->weight[k] * sum;
        s2 += (double)a->weight[k] * dot;
    }
    lac_group_slopes(s1, s2, e->pixels * e->each, rstd, &u_slope, &all);
    for (int64_t k = from; k < to; k++) {
        a->of_u[k] = (float)u_slope;
        a->constant[k] = (float)(all - u_slope * (double)a->mean[k]);
        put_modulation(c, e, a, sample, k, u_slope, all);
    }
}

LAC_BODY void backward_row(void *restrict gx, const void *restrict x, const void *restrict gy, const float *restrict scale, const float *restrict offset,
                           const float *restrict of_u, const float *restrict constant, int64_t n, bool silu, lac_dtype d, lac_dtype dgy, lac_dtype dgx, bool add)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++) {
        const float u = lac_ld(x, k, d), gz = lac_group_upstream(u, lac_ld(gy, k, dgy), scale[k], offset[k], silu);
        lac_put(gx, k, dgx, lac_fma(scale[k], gz, lac_fma(of_u[k], u, constant[k])), add);
    }
}

LAC_BODY void backward_run(const lac_op_ctx *c, const source *s, const areas *a, int64_t channels, int64_t from, int64_t to, bool silu, lac_dtype d, lac_dtype dgy,
                           lac_dtype dgx, bool add)
{
    for (int64_t p = from; p < to; p++)
        backward_row(lac_at(c->gin[s->which]->data, p * s->n, dgx), lac_at(s->data, p * s->n, d), lac_at(c->gout[0]->data, p * channels + s->first, dgy),
                     a->scale + s->first, a->offset + s->first, a->of_u + s->first, a->constant + s->first, s->n, silu, d, dgy, dgx, add);
}

/* Adding or not is a constant too: a long loop with that choice inside is not vectorised. */
LAC_BODY void backward_source(const lac_op_ctx *c, const source *s, const areas *a, int64_t channels, int64_t from, int64_t to, bool silu, lac_dtype d, lac_dtype dgy,
                              lac_dtype dgx)
{
    if (c->add[s->which])
        backward_run(c, s, a, channels, from, to, silu, d, dgy, dgx, true);
    else
        backward_run(c, s, a, channels, from, to, silu, d, dgy, dgx, false);
}

static void backward_block(const lac_op_ctx *c, const extent *e, const areas *a, int64_t from, int64_t to)
{
    source s[2];
    for (int i = 0, n = sources_of(c, s); i < n; i++) {
        const lac_tensor *gx = c->gin[s[i].which];
        if (gx == NULL)
            continue;
        if (is_silu(c))
            LAC_EACH_DTYPE_3(c->in[0]->dtype, c->gout[0]->dtype, gx->dtype, backward_source, c, &s[i], a, e->channels, from, to, true);
        else
            LAC_EACH_DTYPE_3(c->in[0]->dtype, c->gout[0]->dtype, gx->dtype, backward_source, c, &s[i], a, e->channels, from, to, false);
    }
}

static void backward_sample(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample)
{
    const float *stats = (const float *)c->out[1]->data + sample * e->groups * 2;
    const int64_t first = sample * e->pixels, threads = lac_threads();
    modulate(c, e, a, sample);
    for (int64_t g = 0; g < e->groups; g++)
        spread(e, a, g, stats + 2 * g);
    EACH_BLOCK(b, e, threads, false)
        slope_block(c, e, a, sample, b);
    LAC_PARALLEL_FOR(g, e->groups)
        slopes_of_group(c, e, a, sample, g);
    if (c->gin[0] != NULL || c->gin[3] != NULL)
        EACH_BLOCK(b, e, threads, true)
            backward_block(c, e, a, first + block_start(e, b), first + block_start(e, b + 1));
}

static void put(float *to, bool add, const double *from, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        to[k] = (float)(add ? (double)to[k] + from[k] : from[k]);
}

/* Without pixels nothing depends on them. */
static void put_nothing(const lac_op_ctx *c)
{
    for (int i = 4; i < 6; i++)
        for (int64_t k = 0; c->gin[i] != NULL && k < lac_numel(c->gin[i]); k++)
            put_number(c, i, k, 0);
}

lac_status LAC_CPU(group_norm_backward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    const areas a = areas_in(c->workspace, &e);
    memset(a.gw, 0, (size_t)(2 * e.channels) * sizeof *a.gw);
    if (e.pixels == 0)
        put_nothing(c);
    for (int64_t n = 0; e.pixels > 0 && n < e.samples; n++)
        backward_sample(c, &e, &a, n);
    if (c->gin[1] != NULL)
        put(c->gin[1]->data, c->add[1], a.gw, e.channels);
    if (c->gin[2] != NULL)
        put(c->gin[2]->data, c->add[2], a.gb, e.channels);
    return LAC_OK;
}
