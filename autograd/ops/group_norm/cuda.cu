#include "autograd/ops/group_norm/formula.h"
#include "autograd/ops/group_norm/group_norm.h"
#include "core/cuda/columns_kernel.h"
#include "core/cuda/kernel.h"

struct extent { int64_t samples, pixels, channels, a, groups, each, slices; };

static extent extent_of(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *skip = c->in[3];
    const int64_t groups = ((const lac_group_norm_attr *)c->attr)->groups, pixels = x->dim[1] * x->dim[2], channels = x->dim[3] + (skip ? skip->dim[3] : 0);
    return extent{ pixels > 0 ? x->dim[0] : 0, pixels, channels, x->dim[3], groups, channels / groups, lac_cuda_column_slices(pixels) };
}

/* partial [N][slices][2][C], then, of backward, sums [N][2][C] and, a group each, slopes [N][groups][2]; without saved ones, stats too. */
struct areas { float *partial, *sums, *slopes, *stats; size_t size; };

static areas areas_in(const lac_op_ctx *c, const extent &e, void *workspace)
{
    lac_areas a(workspace);
    areas r;
    r.partial = a.take<float>((size_t)(e.samples * e.slices * 2 * e.channels) * sizeof(float));
    r.sums = a.take<float>(c->backward ? (size_t)(e.samples * 2 * e.channels) * sizeof(float) : 0);
    r.slopes = a.take<float>(c->backward ? (size_t)(e.samples * e.groups * 2) * sizeof(float) : 0);
    r.stats = a.take<float>(c->backward ? 0 : (size_t)(e.samples * e.groups * 2) * sizeof(float));
    r.size = a.size();
    return r;
}

extern "C" lac_status group_norm_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = areas_in(c, extent_of(c), NULL).size;
    return LAC_OK;
}

/* The n channels of x or of skip, `u`, from channel `first` of both on; and what else a pass reads. */
template <typename T, typename GY> struct pass {
    extent e;
    const T *u, *x, *skip;
    const GY *gy;
    const float *weight, *bias, *stats;
    int64_t n, first;
    bool silu;

    /* A group's first number in a sample: what its sums are taken from. */
    __device__ float shift(int64_t sample, int64_t channel) const
    {
        const int64_t c = channel / e.each * e.each;
        return lac_f32(c < e.a ? x[sample * e.pixels * e.a + c] : skip[sample * e.pixels * (e.channels - e.a) + c - e.a]);
    }
    __device__ float mean(int64_t sample, int64_t channel) const { return stats[2 * (sample * e.groups + channel / e.each)]; }
    __device__ float rstd(int64_t sample, int64_t channel) const { return stats[2 * (sample * e.groups + channel / e.each) + 1]; }
    __device__ float scale(int64_t sample, int64_t channel) const { return lac_group_scale(rstd(sample, channel), weight[channel]); }
};

/* partial: per channel over a slice of a sample's pixels, forward sums of u - shift and its square, backward of gz and gz (u - mean). */
template <int V, bool BACK, typename T, typename GY> static __global__ void group_norm_partial(float *__restrict__ partial, pass<T, GY> p)
{
    constexpr int LANES = LAC_COLUMN_LANES, ROWS = LAC_COLUMN_ROWS;
    __shared__ float part[2][ROWS][LANES * V];
    const int64_t tiles = (p.n + LANES * V - 1) / (LANES * V), slices = p.e.slices;
    const int lane = threadIdx.x % LANES, row = threadIdx.x / LANES;
    for LAC_EACH_BLOCK(b, p.e.samples * slices * tiles) {
        const int64_t sample = b / (slices * tiles), slice = b / tiles % slices, left = b % tiles * LANES * V, j = left + lane * V;
        const int64_t from = p.e.pixels * slice / slices, end = p.e.pixels * (slice + 1) / slices;
        float s[V] = { 0 }, q[V] = { 0 }, from0[V], scale[V], offset[V];
        for (int k = 0; k < V && j < p.n; k++) {
            const int64_t c = p.first + j + k;
            from0[k] = BACK ? p.mean(sample, c) : p.shift(sample, c);
            scale[k] = BACK ? p.scale(sample, c) : 0.0f;
            offset[k] = BACK ? lac_group_offset(from0[k], scale[k], p.bias[c]) : 0.0f;
        }
        for (int64_t i = from + row; i < end && j < p.n; i += ROWS) {
            float u[V], g[V];
            lac_load(u, p.u + (sample * p.e.pixels + i) * p.n + j);
            if constexpr (BACK)
                lac_load(g, p.gy + (sample * p.e.pixels + i) * p.e.channels + p.first + j);
            for (int k = 0; k < V; k++) {
                const float v = u[k] - from0[k], gz = BACK ? lac_group_upstream(u[k], g[k], scale[k], offset[k], p.silu) : v;
                s[k] += gz;
                q[k] = lac_fma(gz, v, q[k]);
            }
        }
        __syncthreads();
        for (int k = 0; k < V; k++)
            part[0][row][lane * V + k] = s[k], part[1][row][lane * V + k] = q[k];
        __syncthreads();
        for (int k = threadIdx.x; k < 2 * LANES * V; k += LAC_THREADS) {
            const int which = k / (LANES * V), at = k % (LANES * V);
            float all = 0;
            if (left + at >= p.n)
                continue;
            for (int i = 0; i < ROWS; i++)
                all += part[which][i][at];
            partial[((sample * slices + slice) * 2 + which) * p.e.channels + p.first + left + at] = all;
        }
    }
}

/* A block a sample and group. */
template <typename T> static __global__ void group_norm_stats(float *__restrict__ stats, const float *__restrict__ partial, pass<T, float> p, float eps)
{
    for LAC_EACH_BLOCK(b, p.e.samples * p.e.groups) {
        const int64_t sample = b / p.e.groups, first = b % p.e.groups * p.e.each;
        double sum = 0, square = 0;
        for (int64_t i = threadIdx.x; i < p.e.slices * p.e.each; i += blockDim.x) {
            const float *at = partial + (sample * p.e.slices + i / p.e.each) * 2 * p.e.channels + first + i % p.e.each;
            sum += (double)at[0];
            square += (double)at[p.e.channels];
        }
        sum = lac_block_sum(sum);
        square = lac_block_sum(square);
        if (threadIdx.x == 0)
            lac_group_stats(sum, square, (double)p.shift(sample, first), p.e.pixels * p.e.each, eps, &stats[2 * b], &stats[2 * b + 1]);
    }
}

template <int V, typename T> static __global__ void group_norm_apply(T *__restrict__ y, pass<T, float> p)
{
    for LAC_EACH(i, p.e.samples * p.e.pixels * (p.n / V)) {
        const int64_t pixel = i / (p.n / V), j = i % (p.n / V) * V, sample = pixel / p.e.pixels;
        float u[V];
        lac_load(u, p.u + pixel * p.n + j);
        for (int k = 0; k < V; k++) {
            const int64_t c = p.first + j + k;
            const float scale = p.scale(sample, c), z = lac_fma(scale, u[k], lac_group_offset(p.mean(sample, c), scale, p.bias[c]));
            u[k] = p.silu ? lac_swish(z, 1.0f) : z;
        }
        lac_store(y + pixel * p.e.channels + p.first + j, u);
    }
}

template <typename T, typename GY> static pass<T, GY> pass_of(const lac_op_ctx *c, const extent &e, int which, const float *stats)
{
    const lac_tensor *s = c->in[which == 0 ? 0 : 3];
    const bool silu = ((const lac_group_norm_attr *)c->attr)->act == LAC_ACT_SILU;
    return pass<T, GY>{ e, lac_data<const T>(s), lac_data<const T>(c->in[0]), lac_data<const T>(c->in[3]), c->backward ? lac_data<const GY>(c->gout[0]) : NULL,
                        lac_data<const float>(c->in[1]), lac_data<const float>(c->in[2]), stats, s == NULL ? 0 : s->dim[3], which == 0 ? 0 : e.a, silu };
}

/* All channels of both sources, and where the second begins, in whole accesses. */
static bool is_wide(const lac_op_ctx *c, const extent &e, const void *other)
{
    const lac_tensor *skip = c->in[3];
    return lac_wide(e.a, c->in[0]->data, other) && (skip == NULL || lac_wide(skip->dim[3], skip->data));
}

template <typename P> static int64_t packs(const P &p, int v) { return p.e.samples * p.e.pixels * (p.n / v); }

template <int V, bool BACK, typename T, typename GY> static lac_status sum_up(const lac_op_ctx *c, const extent &e, const areas &a, const float *stats)
{
    for (int which = 0; which < 2; which++) {
        const pass<T, GY> p = pass_of<T, GY>(c, e, which, stats);
        const int64_t tiles = (p.n + LAC_COLUMN_LANES * V - 1) / (LAC_COLUMN_LANES * V);
        LAC_TRY(lac_launch(lac_grid_rows(e.samples * e.slices * tiles, LAC_THREADS), group_norm_partial<V, BACK, T, GY>, a.partial, p));
    }
    return LAC_OK;
}

extern "C" lac_status group_norm_forward_cuda(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    const areas a = areas_in(c, e, c->workspace);
    float *stats = c->out[1] != NULL ? lac_data<float>(c->out[1]) : a.stats;
    const float eps = ((const lac_group_norm_attr *)c->attr)->eps;
    return lac_typed(is_wide(c, e, c->out[0]->data), [&](auto v, auto t) {
        using T = decltype(t);
        LAC_TRY((sum_up<v, false, T, float>(c, e, a, NULL)));
        LAC_TRY(lac_launch(lac_grid_rows(e.samples * e.groups, e.slices * e.each), group_norm_stats<T>, stats, (const float *)a.partial,
                           pass_of<T, float>(c, e, 0, NULL), eps));
        for (int which = 0; which < 2; which++) {
            const pass<T, float> p = pass_of<T, float>(c, e, which, stats);
            LAC_TRY(lac_launch(lac_grid_each(packs(p, v)), group_norm_apply<v, T>, lac_data<T>(c->out[0]), p));
        }
        return LAC_OK;
    }, c->in[0]->dtype);
}

/* A block a sample and group: per channel the sums over all slices, then what gx is computed with. */
static __global__ void group_norm_slopes(float *__restrict__ slopes, float *__restrict__ sums, const float *__restrict__ partial, const float *__restrict__ stats,
                                         const float *__restrict__ weight, extent e)
{
    for LAC_EACH_BLOCK(b, e.samples * e.groups) {
        const int64_t sample = b / e.groups, first = b % e.groups * e.each;
        const float mean = stats[2 * b], rstd = stats[2 * b + 1];
        double s1 = 0, s2 = 0;
        for (int64_t k = first + threadIdx.x; k < first + e.each; k += blockDim.x) {
            double sum = 0, dot = 0;
            for (int64_t slice = 0; slice < e.slices; slice++) {
                const float *at = partial + (sample * e.slices + slice) * 2 * e.channels + k;
                sum += (double)at[0];
                dot += (double)at[e.channels] * (double)rstd;
            }
            sums[sample * 2 * e.channels + k] = (float)sum;
            sums[(sample * 2 + 1) * e.channels + k] = (float)dot;
            s1 += (double)weight[k] * sum;
            s2 += (double)weight[k] * dot;
        }
        s1 = lac_block_sum(s1);
        s2 = lac_block_sum(s2);
        if (threadIdx.x == 0)
            lac_group_slopes(s1, s2, e.pixels * e.each, mean, rstd, &slopes[2 * b], &slopes[2 * b + 1]);
    }
}

template <int V, typename T, typename GY, typename GX>
static __global__ void group_norm_backward(GX *__restrict__ gx, const float *__restrict__ slopes, pass<T, GY> p, bool add)
{
    for LAC_EACH(i, p.e.samples * p.e.pixels * (p.n / V)) {
        const int64_t pixel = i / (p.n / V), j = i % (p.n / V) * V, sample = pixel / p.e.pixels;
        float u[V], g[V];
        lac_load(u, p.u + pixel * p.n + j);
        lac_load(g, p.gy + pixel * p.e.channels + p.first + j);
        for (int k = 0; k < V; k++) {
            const int64_t c = p.first + j + k, group = sample * p.e.groups + c / p.e.each;
            const float scale = p.scale(sample, c), gz = lac_group_upstream(u[k], g[k], scale, lac_group_offset(p.mean(sample, c), scale, p.bias[c]), p.silu);
            g[k] = lac_fma(scale, gz, lac_fma(slopes[2 * group], u[k], slopes[2 * group + 1]));
        }
        lac_put(gx + pixel * p.n + j, g, add);
    }
}

/* A thread a channel: samples in order. */
static __global__ void group_norm_parameters(float *__restrict__ to, const float *__restrict__ sums, int64_t samples, int64_t channels, bool add)
{
    for LAC_EACH(k, channels) {
        double sum = add ? (double)to[k] : 0;
        for (int64_t n = 0; n < samples; n++)
            sum += (double)sums[n * 2 * channels + k];
        to[k] = (float)sum;
    }
}

static lac_status gradients_of_parameters(const lac_op_ctx *c, const extent &e, const areas &a)
{
    for (int i = 1; i < 3; i++)
        if (c->gin[i] != NULL)
            LAC_TRY(lac_launch(lac_grid_each(e.channels), group_norm_parameters, lac_data<float>(c->gin[i]), (const float *)a.sums + (i == 1 ? e.channels : 0),
                               e.samples, e.channels, c->add[i]));
    return LAC_OK;
}

static lac_status gradient_of_source(const lac_op_ctx *c, const extent &e, const areas &a, int which)
{
    const lac_tensor *g = c->gin[which == 0 ? 0 : 3];
    if (g == NULL)
        return LAC_OK;
    return lac_typed(is_wide(c, e, c->gout[0]->data) && lac_wide(g->dim[3], g->data), [&](auto v, auto t, auto t2, auto t3) {
        using T = decltype(t);
        using GY = decltype(t2);
        using GX = decltype(t3);
        const pass<T, GY> p = pass_of<T, GY>(c, e, which, lac_data<const float>(c->out[1]));
        return lac_launch(lac_grid_each(packs(p, v)), group_norm_backward<v, T, GY, GX>, lac_data<GX>(g), (const float *)a.slopes, p, c->add[which == 0 ? 0 : 3]);
    }, c->in[0]->dtype, c->gout[0]->dtype, g->dtype);
}

extern "C" lac_status group_norm_backward_cuda(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    const areas a = areas_in(c, e, c->workspace);
    const float *stats = lac_data<const float>(c->out[1]);
    LAC_TRY(lac_typed(is_wide(c, e, c->gout[0]->data), [&](auto v, auto t, auto t2) {
        return sum_up<v, true, decltype(t), decltype(t2)>(c, e, a, stats);
    }, c->in[0]->dtype, c->gout[0]->dtype));
    LAC_TRY(lac_launch(lac_grid_rows(e.samples * e.groups, e.each), group_norm_slopes, a.slopes, a.sums, (const float *)a.partial, stats,
                       lac_data<const float>(c->in[1]), e));
    LAC_TRY(gradients_of_parameters(c, e, a));
    LAC_TRY(gradient_of_source(c, e, a, 0));
    return gradient_of_source(c, e, a, 1);
}
