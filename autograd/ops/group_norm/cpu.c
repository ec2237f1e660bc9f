#include "autograd/ops/group_norm/formula.h"
#include "autograd/ops/group_norm/group_norm.h"
#include "autograd/ops/rows.h"

#include <string.h>

/* Pixels whose sums are kept in f32 apart, before they go to the block's. */
enum { RUN = 128 };

typedef struct extent { int64_t samples, pixels, channels, groups, each; } extent;      /* each: channels of a group */

static extent extent_of(const lac_op_ctx *c)
{
    const lac_tensor *y = c->out[0] != NULL ? c->out[0] : c->gout[0];
    const int64_t groups = ((const lac_group_norm_attr *)c->attr)->groups;
    return (extent){ y->dim[0], y->dim[1] * y->dim[2], y->dim[3], groups, y->dim[3] / groups };
}

/* The workspace: what belongs to a block, [LAC_BLOCKS] of 4 C; then, a number a channel: */
typedef struct areas { float *part, *scale, *offset, *mean, *rstd, *of_u, *constant; double *gw, *gb; } areas;

static size_t areas_bytes(const extent *e)
{
    return (size_t)e->channels * ((4 * LAC_BLOCKS + 6) * sizeof(float) + 2 * sizeof(double));
}

static areas areas_in(void *workspace, const extent *e)
{
    areas a;
    a.gw = workspace;
    a.gb = a.gw + e->channels;
    a.part = (float *)(a.gb + e->channels);
    a.scale = a.part + 4 * LAC_BLOCKS * e->channels;
    a.offset = a.scale + e->channels;
    a.mean = a.offset + e->channels;
    a.rstd = a.mean + e->channels;
    a.of_u = a.rstd + e->channels;
    a.constant = a.of_u + e->channels;
    return a;
}

lac_status LAC_CPU(group_norm_workspace)(const lac_op_ctx *c, size_t *size)
{
    const extent e = extent_of(c);
    *size = areas_bytes(&e);
    return LAC_OK;
}

/* The n channels of x or of skip, from channel `first` of both on. */
typedef struct source { const void *data; int64_t first, n; } source;

static source source_at(const lac_op_ctx *c, int which)
{
    const lac_tensor *x = c->in[0], *s = c->in[which == 0 ? 0 : 3];
    return s == NULL ? (source){ NULL, 0, 0 } : (source){ s->data, which == 0 ? 0 : x->dim[3], s->dim[3] };
}

/* ---- forward ---- */

LAC_BODY void sum_run(const source *s, const float *restrict shift, float *restrict run, int64_t channels, int64_t from, int64_t to, lac_dtype d)
{
    float *restrict sum = run + s->first, *restrict square = sum + channels;
    for (int64_t p = from; p < to; p++) {
        #pragma omp simd
        for (int64_t k = 0; k < s->n; k++) {
            const float v = lac_ld(s->data, p * s->n + k, d) - shift[s->first + k];
            sum[k] += v;
            square[k] = lac_fma(v, v, square[k]);
        }
    }
}

static void settle(float *restrict part, float *restrict run, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        part[k] += run[k];
        run[k] = 0;
    }
}

/* part: sums of a block's pixels [from, to) of a sample, then as many numbers of scratch. */
static void sum_block(const lac_op_ctx *c, const extent *e, const float *shift, float *part, int64_t first, int64_t from, int64_t to)
{
    const source s[2] = { source_at(c, 0), source_at(c, 1) };
    float *run = part + 2 * e->channels;
    memset(part, 0, (size_t)(4 * e->channels) * sizeof *part);
    for (int64_t p = from; p < to; p += RUN) {
        for (int i = 0; i < 2; i++)
            LAC_EACH_DTYPE(c->in[0]->dtype, sum_run, &s[i], shift, run, e->channels, first + p, first + LAC_MIN(p + RUN, to));
        settle(part, run, 2 * e->channels);
    }
}

/* Each channel's shift is its group's first number in the sample: numbers far from 0 lose nothing. */
static void shifts(const lac_op_ctx *c, const extent *e, int64_t sample, float *shift)
{
    for (int i = 0; i < 2; i++) {
        const source s = source_at(c, i);
        for (int64_t k = 0; k < s.n; k++)
            shift[s.first + k] = lac_ld(s.data, sample * e->pixels * s.n + k, c->in[0]->dtype);
    }
    for (int64_t k = 0; k < e->channels; k++)
        shift[k] = shift[k / e->each * e->each];
}

static void measure_group(const extent *e, const areas *a, int64_t g, float eps, float *stats)
{
    double sum = 0, square = 0;
    for (int64_t b = 0; b < LAC_BLOCKS; b++)
        for (int64_t k = g * e->each; k < (g + 1) * e->each; k++) {
            sum += (double)a->part[b * 4 * e->channels + k];
            square += (double)a->part[b * 4 * e->channels + e->channels + k];
        }
    lac_group_stats(sum, square, (double)a->mean[g * e->each], e->pixels * e->each, eps, &stats[0], &stats[1]);
}

/* What each channel of a sample is computed with. */
static void spread(const lac_op_ctx *c, const extent *e, const areas *a, int64_t g, const float stats[2])
{
    const float *weight = c->in[1]->data, *bias = c->in[2]->data;
    for (int64_t k = g * e->each; k < (g + 1) * e->each; k++) {
        a->mean[k] = stats[0];
        a->rstd[k] = stats[1];
        a->scale[k] = lac_group_scale(stats[1], weight[k]);
        a->offset[k] = lac_group_offset(stats[0], a->scale[k], bias[k]);
    }
}

static void measure(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample)
{
    const float eps = ((const lac_group_norm_attr *)c->attr)->eps;
    float *saved = c->out[1] != NULL ? (float *)c->out[1]->data + sample * e->groups * 2 : NULL;
    shifts(c, e, sample, a->mean);
    LAC_PARALLEL_BLOCKS(b, from, to, e->pixels)
        sum_block(c, e, a->mean, a->part + b * 4 * e->channels, sample * e->pixels, from, to);
    LAC_PARALLEL_FOR(g, e->groups) {
        float stats[2];
        measure_group(e, a, g, eps, stats);
        if (saved != NULL)
            memcpy(saved + 2 * g, stats, sizeof stats);
        spread(c, e, a, g, stats);
    }
}

LAC_BODY void apply(const lac_op_ctx *c, const source *s, const areas *a, int64_t channels, int64_t from, int64_t to, bool silu, lac_dtype d)
{
    const float *restrict scale = a->scale + s->first, *restrict offset = a->offset + s->first;
    void *restrict y = c->out[0]->data;
    for (int64_t p = from; p < to; p++) {
        #pragma omp simd
        for (int64_t k = 0; k < s->n; k++) {
            const float z = lac_fma(scale[k], lac_ld(s->data, p * s->n + k, d), offset[k]);
            lac_st(y, p * channels + s->first + k, d, silu ? lac_swish(z, 1.0f) : z);
        }
    }
}

static bool is_silu(const lac_op_ctx *c) { return ((const lac_group_norm_attr *)c->attr)->act == LAC_ACT_SILU; }

lac_status LAC_CPU(group_norm_forward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    const areas a = areas_in(c->workspace, &e);
    for (int64_t n = 0; e.pixels > 0 && n < e.samples; n++) {
        measure(c, &e, &a, n);
        for (int i = 0; i < 2; i++) {
            const source s = source_at(c, i);
            LAC_PARALLEL_BLOCKS(b, from, to, e.pixels) {
                if (is_silu(c))
                    LAC_EACH_DTYPE(c->in[0]->dtype, apply, c, &s, &a, e.channels, n * e.pixels + from, n * e.pixels + to, true);
                else
                    LAC_EACH_DTYPE(c->in[0]->dtype, apply, c, &s, &a, e.channels, n * e.pixels + from, n * e.pixels + to, false);
            }
        }
    }
    return LAC_OK;
}

/* ---- backward ---- */

/* Sums of gz and of gz (u - mean) rstd. */
LAC_BODY void slope_run(const lac_op_ctx *c, const source *s, const areas *a, float *restrict run, int64_t channels, int64_t from, int64_t to, bool silu,
                        lac_dtype d, lac_dtype dgy)
{
    const float *restrict scale = a->scale + s->first, *restrict offset = a->offset + s->first, *restrict mean = a->mean + s->first;
    const void *restrict gy = c->gout[0]->data;
    float *restrict sum = run + s->first, *restrict dot = sum + channels;
    for (int64_t p = from; p < to; p++) {
        #pragma omp simd
        for (int64_t k = 0; k < s->n; k++) {
            const float u = lac_ld(s->data, p * s->n + k, d);
            const float gz = lac_group_upstream(u, lac_ld(gy, p * channels + s->first + k, dgy), scale[k], offset[k], silu);
            sum[k] += gz;
            dot[k] = lac_fma(gz, u - mean[k], dot[k]);
        }
    }
}

static void slope_block(const lac_op_ctx *c, const extent *e, const areas *a, float *part, int64_t first, int64_t from, int64_t to)
{
    const source s[2] = { source_at(c, 0), source_at(c, 1) };
    float *run = part + 2 * e->channels;
    memset(part, 0, (size_t)(4 * e->channels) * sizeof *part);
    for (int64_t p = from; p < to; p += RUN) {
        const int64_t end = first + LAC_MIN(p + RUN, to);
        for (int i = 0; i < 2; i++) {
            if (is_silu(c))
                LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gout[0]->dtype, slope_run, c, &s[i], a, run, e->channels, first + p, end, true);
            else
                LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gout[0]->dtype, slope_run, c, &s[i], a, run, e->channels, first + p, end, false);
        }
        settle(part, run, 2 * e->channels);
    }
}

/* A group's sums over all blocks: into the parameters' gradients, and into what gx is computed with. */
static void slopes_of_group(const lac_op_ctx *c, const extent *e, const areas *a, int64_t g)
{
    const float *weight = c->in[1]->data, mean = a->mean[g * e->each], rstd = a->rstd[g * e->each];
    double s1 = 0, s2 = 0;
    float of_u, constant;
    for (int64_t k = g * e->each; k < (g + 1) * e->each; k++) {
        double sum = 0, dot = 0;
        for (int64_t b = 0; b < LAC_BLOCKS; b++) {
            sum += (double)a->part[b * 4 * e->channels + k];
            dot += (double)a->part[b * 4 * e->channels + e->channels + k] * (double)rstd;
        }
        a->gb[k] += sum;
        a->gw[k] += dot;
        s1 += (double)weight[k] * sum;
        s2 += (double)weight[k] * dot;
    }
    lac_group_slopes(s1, s2, e->pixels * e->each, mean, rstd, &of_u, &constant);
    for (int64_t k = g * e->each; k < (g + 1) * e->each; k++) {
        a->of_u[k] = of_u;
        a->constant[k] = constant;
    }
}

LAC_BODY void backward_run(const lac_op_ctx *c, const source *s, const areas *a, int which, int64_t channels, int64_t from, int64_t to, bool silu, lac_dtype d,
                           lac_dtype dgy, lac_dtype dgx, bool add)
{
    const float *restrict scale = a->scale + s->first, *restrict offset = a->offset + s->first;
    const float *restrict of_u = a->of_u + s->first, *restrict constant = a->constant + s->first;
    const void *restrict gy = c->gout[0]->data;
    void *restrict gx = c->gin[which]->data;
    for (int64_t p = from; p < to; p++) {
        #pragma omp simd
        for (int64_t k = 0; k < s->n; k++) {
            const float u = lac_ld(s->data, p * s->n + k, d);
            const float gz = lac_group_upstream(u, lac_ld(gy, p * channels + s->first + k, dgy), scale[k], offset[k], silu);
            lac_put(gx, p * s->n + k, dgx, lac_fma(scale[k], gz, lac_fma(of_u[k], u, constant[k])), add);
        }
    }
}

/* Adding or not is a constant too: a long loop with that choice inside is not vectorised. */
LAC_BODY void backward_source(const lac_op_ctx *c, const source *s, const areas *a, int which, int64_t channels, int64_t from, int64_t to, bool silu, lac_dtype d,
                              lac_dtype dgy, lac_dtype dgx)
{
    if (c->add[which])
        backward_run(c, s, a, which, channels, from, to, silu, d, dgy, dgx, true);
    else
        backward_run(c, s, a, which, channels, from, to, silu, d, dgy, dgx, false);
}

static void backward_sample(const lac_op_ctx *c, const extent *e, const areas *a, int64_t sample)
{
    const float *stats = (const float *)c->out[1]->data + sample * e->groups * 2;
    const int64_t first = sample * e->pixels;
    for (int64_t g = 0; g < e->groups; g++)
        spread(c, e, a, g, stats + 2 * g);
    LAC_PARALLEL_BLOCKS(b, from, to, e->pixels)
        slope_block(c, e, a, a->part + b * 4 * e->channels, first, from, to);
    LAC_PARALLEL_FOR(g, e->groups)
        slopes_of_group(c, e, a, g);
    for (int i = 0; i < 2; i++) {
        const int which = i == 0 ? 0 : 3;
        const source s = source_at(c, i);
        if (c->gin[which] == NULL)
            continue;
        LAC_PARALLEL_BLOCKS(b, from, to, e->pixels) {
            if (is_silu(c))
                LAC_EACH_DTYPE_3(c->in[0]->dtype, c->gout[0]->dtype, c->gin[which]->dtype, backward_source, c, &s, a, which, e->channels, first + from, first + to, true);
            else
                LAC_EACH_DTYPE_3(c->in[0]->dtype, c->gout[0]->dtype, c->gin[which]->dtype, backward_source, c, &s, a, which, e->channels, first + from, first + to, false);
        }
    }
}

static void put(float *to, bool add, const double *from, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        to[k] = (float)(add ? (double)to[k] + from[k] : from[k]);
}

lac_status LAC_CPU(group_norm_backward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    const areas a = areas_in(c->workspace, &e);
    memset(a.gw, 0, (size_t)(2 * e.channels) * sizeof *a.gw);
    for (int64_t n = 0; e.pixels > 0 && n < e.samples; n++)
        backward_sample(c, &e, &a, n);
    if (c->gin[1] != NULL)
        put(c->gin[1]->data, c->add[1], a.gw, e.channels);
    if (c->gin[2] != NULL)
        put(c->gin[2]->data, c->add[2], a.gb, e.channels);
    return LAC_OK;
}
