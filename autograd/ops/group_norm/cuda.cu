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

/* partial [N][slices][2][C]; vectors [N][3][C]: mean (less the shift), scale, offset; of backward, slopes [N][2][C]: what gx is computed with, and sums [N][2][C]
 * for the parameters; without saved ones, stats [N][groups][2]. */
struct areas { float *partial, *vectors, *slopes, *sums, *stats; size_t size; };

static areas areas_in(const lac_op_ctx *c, const extent &e, void *workspace)
{
    lac_areas a(workspace);
    areas r;
    const size_t row = (size_t)(e.samples * e.channels) * sizeof(float);
    r.partial = a.take<float>((size_t)e.slices * 2 * row);
    r.vectors = a.take<float>(3 * row);
    r.slopes = a.take<float>(c->backward ? 2 * row : 0);
    r.sums = a.take<float>(c->backward ? 2 * row : 0);
    r.stats = a.take<float>(c->backward ? 0 : (size_t)(e.samples * e.groups * 2) * sizeof(float));
    r.size = a.size();
    return r;
}

extern "C" lac_status group_norm_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = areas_in(c, extent_of(c), NULL).size;
    return LAC_OK;
}

/* A small tensor of either dtype, read a number at a time. */
struct numbers {
    const void *data;
    bool narrow;
    __device__ float at(int64_t i) const { return narrow ? lac_f32(((const lac_bf16 *)data)[i]) : ((const float *)data)[i]; }
};

struct gradient {
    void *data;
    bool narrow, add;
    __device__ void put(int64_t i, float v) const
    {
        if (narrow)
            lac_put((lac_bf16 *)data + i, v, add);
        else
            lac_put((float *)data + i, v, add);
    }
};

static numbers numbers_of(const lac_tensor *x) { return numbers{ x ? x->data : NULL, x != NULL && x->dtype == LAC_BF16 }; }
static gradient gradient_of(const lac_op_ctx *c, int i) { return gradient{ c->gin[i] ? c->gin[i]->data : NULL, c->gin[i] && c->gin[i]->dtype == LAC_BF16, c->add[i] }; }

/* The parameters as a sample's shift and scale_shift make them. */
struct modulation {
    extent e;
    const float *w, *b;
    numbers moved, both;
    __device__ float shift(int64_t n, int64_t c) const { return moved.data ? moved.at(n * e.channels + c) : 0.0f; }
    __device__ float gain(int64_t n, int64_t c) const { return both.data ? 1.0f + both.at(2 * n * e.channels + c) : 1.0f; }
    __device__ float weight(int64_t n, int64_t c) const { return w[c] * gain(n, c); }
    __device__ float bias(int64_t n, int64_t c) const { return both.data ? lac_fma(b[c], gain(n, c), both.at((2 * n + 1) * e.channels + c)) : b[c]; }

    /* What channel c of a sample is computed with. */
    __device__ void spread(float *vectors, int64_t n, int64_t c, float group_mean, float rstd) const
    {
        const float mean = group_mean - shift(n, c), scale = lac_group_scale(rstd, weight(n, c));
        float *to = vectors + 3 * n * e.channels + c;
        to[0] = mean;
        to[e.channels] = scale;
        to[2 * e.channels] = lac_group_offset(mean, scale, bias(n, c));
    }
};

static modulation modulation_of(const lac_op_ctx *c, const extent &e)
{
    return modulation{ e, lac_data<const float>(c->in[1]), lac_data<const float>(c->in[2]), numbers_of(c->in[4]), numbers_of(c->in[5]) };
}

/* The n channels of x or of skip, `u`, from channel `first` of both on; and what else a pass reads. */
template <typename T, typename GY> struct pass {
    extent e;
    modulation m;
    const T *u, *x, *skip;
    const GY *gy;
    const float *vectors;
    int64_t n, first;
    bool silu;

    /* A group's first number in a sample: its sums are taken from there. */
    __device__ float near(int64_t sample, int64_t channel) const
    {
        const int64_t c = channel / e.each * e.each;
        return lac_f32(c < e.a ? x[sample * e.pixels * e.a + c] : skip[sample * e.pixels * (e.channels - e.a) + c - e.a]) + m.shift(sample, c);
    }
    /* V of a vector's numbers. */
    template <int V> __device__ void take(float (&to)[V], int which, int64_t sample, int64_t c) const
    {
        for (int k = 0; k < V; k++)
            to[k] = vectors[(3 * sample + which) * e.channels + c + k];
    }
};

/* Blocks of a pass: LAC_COLUMN_LANES packs of V channels, and a slice of a sample's pixels, LAC_COLUMN_ROWS at a time. */
template <int V> struct place {
    int64_t sample, slice, left, j, from, end;
    template <typename P> __device__ place(const P &p, int64_t b, int64_t tiles)
        : sample(b / (p.e.slices * tiles)), slice(b / tiles % p.e.slices), left(b % tiles * LAC_COLUMN_LANES * V), j(left + threadIdx.x % LAC_COLUMN_LANES * V),
          from(p.e.pixels * slice / p.e.slices + threadIdx.x / LAC_COLUMN_LANES), end(p.e.pixels * (slice + 1) / p.e.slices) {}
};

template <int V> LAC_HD static inline int64_t tiles_of(int64_t n) { return (n + LAC_COLUMN_LANES * V - 1) / (LAC_COLUMN_LANES * V); }

template <int V, typename P> static lac_grid grid_of(const P &p) { return lac_grid_rows(p.e.samples * p.e.slices * tiles_of<V>(p.n), LAC_THREADS); }

/* partial: per channel over a slice of a sample's pixels, forward sums of u - near and its square, backward of gz and gz (u - mean). */
template <int V, bool BACK, typename T, typename GY> static __global__ void group_norm_partial(float *__restrict__ partial, pass<T, GY> p)
{
    constexpr int LANES = LAC_COLUMN_LANES, ROWS = LAC_COLUMN_ROWS;
    __shared__ float part[2][ROWS][LANES * V];
    const int64_t tiles = tiles_of<V>(p.n);
    const int lane = threadIdx.x % LANES, row = threadIdx.x / LANES;
    for LAC_EACH_BLOCK(b, p.e.samples * p.e.slices * tiles) {
        const place<V> at(p, b, tiles);
        float s[V] = { 0 }, q[V] = { 0 }, mean[V], scale[V] = { 0 }, offset[V] = { 0 };
        for (int k = 0; !BACK && k < V && at.j < p.n; k++)
            mean[k] = p.near(at.sample, p.first + at.j + k) - p.m.shift(at.sample, p.first + at.j + k);
        if (BACK && at.j < p.n) {
            p.take(mean, 0, at.sample, p.first + at.j);
            p.take(scale, 1, at.sample, p.first + at.j);
            p.take(offset, 2, at.sample, p.first + at.j);
        }
        for (int64_t i = at.from; i < at.end && at.j < p.n; i += ROWS) {
            float u[V], g[V];
            lac_load(u, p.u + (at.sample * p.e.pixels + i) * p.n + at.j);
            if constexpr (BACK)
                lac_load(g, p.gy + (at.sample * p.e.pixels + i) * p.e.channels + p.first + at.j);
            for (int k = 0; k < V; k++) {
                const float v = u[k] - mean[k], gz = BACK ? lac_group_upstream(u[k], g[k], scale[k], offset[k], p.silu) : v;
                s[k] += gz;
                q[k] = lac_fma(gz, v, q[k]);
            }
        }
        __syncthreads();
        for (int k = 0; k < V; k++)
            part[0][row][lane * V + k] = s[k], part[1][row][lane * V + k] = q[k];
        __syncthreads();
        for (int k = threadIdx.x; k < 2 * LANES * V; k += LAC_THREADS) {
            const int which = k / (LANES * V), to = k % (LANES * V);
            float all = 0;
            if (at.left + to >= p.n)
                continue;
            for (int i = 0; i < ROWS; i++)
                all += part[which][i][to];
            partial[((at.sample * p.e.slices + at.slice) * 2 + which) * p.e.channels + p.first + at.left + to] = all;
        }
    }
}

/* A channel's sums over all slices. */
__device__ static inline void add_slices(double (&to)[2], const float *partial, const extent &e, int64_t sample, int64_t c)
{
    to[0] = to[1] = 0;
    for (int64_t slice = 0; slice < e.slices; slice++) {
        const float *at = partial + (sample * e.slices + slice) * 2 * e.channels + c;
        to[0] += (double)at[0];
        to[1] += (double)at[e.channels];
    }
}

/* A block a sample and group. */
template <typename T>
static __global__ void group_norm_stats(float *__restrict__ stats, float *__restrict__ vectors, float *__restrict__ centred, const float *__restrict__ partial, pass<T, float> p,
                                        float eps)
{
    for LAC_EACH_BLOCK(b, p.e.samples * p.e.groups) {
        const int64_t sample = b / p.e.groups, first = b % p.e.groups * p.e.each;
        const double near = (double)p.near(sample, first);
        double sum = 0, square = 0, of[2];
        float mean, rstd;
        for (int64_t c = first + threadIdx.x; c < first + p.e.each; c += blockDim.x) {
            add_slices(of, partial, p.e, sample, c);
            sum += of[0];
            square += of[1];
        }
        lac_group_stats(lac_block_sum(sum), lac_block_sum(square), near, p.e.pixels * p.e.each, eps, &mean, &rstd);
        if (threadIdx.x == 0)
            stats[2 * b] = mean, stats[2 * b + 1] = rstd;
        for (int64_t c = first + threadIdx.x; c < first + p.e.each; c += blockDim.x) {
            p.m.spread(vectors, sample, c, mean, rstd);
            if (centred == NULL)
                continue;
            add_slices(of, partial, p.e, sample, c);
            centred[sample * p.e.channels + c] = (float)(of[0] - (double)p.e.pixels * ((double)mean - near));
        }
    }
}

template <int V, typename T> static __global__ void group_norm_apply(T *__restrict__ y, pass<T, float> p)
{
    const int64_t tiles = tiles_of<V>(p.n);
    for LAC_EACH_BLOCK(b, p.e.samples * p.e.slices * tiles) {
        const place<V> at(p, b, tiles);
        float scale[V], offset[V];
        if (at.j >= p.n)
            continue;
        p.take(scale, 1, at.sample, p.first + at.j);
        p.take(offset, 2, at.sample, p.first + at.j);
        for (int64_t i = at.sample * p.e.pixels + at.from; i < at.sample * p.e.pixels + at.end; i += LAC_COLUMN_ROWS) {
            float u[V];
            lac_load(u, p.u + i * p.n + at.j);
            for (int k = 0; k < V; k++) {
                const float z = lac_fma(scale[k], u[k], offset[k]);
                u[k] = p.silu ? lac_swish(z, 1.0f) : z;
            }
            lac_store(y + i * p.e.channels + p.first + at.j, u);
        }
    }
}

template <typename T, typename GY> static pass<T, GY> pass_of(const lac_op_ctx *c, const extent &e, const areas &a, int which)
{
    const lac_tensor *s = c->in[which == 0 ? 0 : 3];
    const bool silu = ((const lac_group_norm_attr *)c->attr)->act == LAC_ACT_SILU;
    return pass<T, GY>{ e, modulation_of(c, e), lac_data<const T>(s), lac_data<const T>(c->in[0]), lac_data<const T>(c->in[3]), c->backward ? lac_data<const GY>(c->gout[0]) : NULL,
                        a.vectors, s == NULL ? 0 : s->dim[3], which == 0 ? 0 : e.a, silu };
}

/* All channels of both sources, and where the second begins, in whole accesses. */
static bool is_wide(const lac_op_ctx *c, const extent &e, const void *other)
{
    const lac_tensor *skip = c->in[3];
    return lac_wide(e.a, c->in[0]->data, other) && (skip == NULL || lac_wide(skip->dim[3], skip->data));
}

template <int V, bool BACK, typename T, typename GY> static lac_status sum_up(const lac_op_ctx *c, const extent &e, const areas &a)
{
    for (int which = 0; which < 2; which++) {
        const pass<T, GY> p = pass_of<T, GY>(c, e, a, which);
        LAC_TRY(lac_launch(grid_of<V>(p), group_norm_partial<V, BACK, T, GY>, a.partial, p));
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
        LAC_TRY((sum_up<v, false, T, float>(c, e, a)));
        LAC_TRY(lac_launch(lac_grid_rows(e.samples * e.groups, e.each), group_norm_stats<T>, stats, a.vectors, lac_data<float>(c->out[2]), (const float *)a.partial,
                           pass_of<T, float>(c, e, a, 0), eps));
        for (int which = 0; which < 2; which++) {
            const pass<T, float> p = pass_of<T, float>(c, e, a, which);
            LAC_TRY(lac_launch(grid_of<v>(p), group_norm_apply<v, T>, lac_data<T>(c->out[0]), p));
        }
        return LAC_OK;
    }, c->in[0]->dtype);
}

static __global__ void group_norm_spread(float *__restrict__ vectors, const float *__restrict__ stats, modulation m)
{
    for LAC_EACH(i, m.e.samples * m.e.channels) {
        const int64_t n = i / m.e.channels, c = i % m.e.channels, group = n * m.e.groups + c / m.e.each;
        m.spread(vectors, n, c, stats[2 * group], stats[2 * group + 1]);
    }
}

/* What the sums of a sample's channels go into. */
struct sinks { float *slopes, *sums; const float *centred; gradient shift, both; };

/* A block a sample and group: per channel the sums over all slices; gradients of shift and scale_shift; and what gx is computed with. */
static __global__ void group_norm_slopes(sinks to, const float *__restrict__ partial, const float *__restrict__ stats, const float *__restrict__ vectors, modulation m)
{
    const extent &e = m.e;
    for LAC_EACH_BLOCK(b, e.samples * e.groups) {
        const int64_t n = b / e.groups, first = b % e.groups * e.each;
        const double rstd = (double)stats[2 * b + 1];
        double s1 = 0, s2 = 0, of[2], of_u, constant;
        for (int64_t c = first + threadIdx.x; c < first + e.each; c += blockDim.x) {
            add_slices(of, partial, e, n, c);
            s1 += (double)m.weight(n, c) * of[0];
            s2 += (double)m.weight(n, c) * of[1] * rstd;
        }
        lac_group_slopes(lac_block_sum(s1), lac_block_sum(s2), e.pixels * e.each, rstd, &of_u, &constant);
        for (int64_t c = first + threadIdx.x; c < first + e.each; c += blockDim.x) {
            const float *v = vectors + 3 * n * e.channels + c;
            add_slices(of, partial, e, n, c);
            const double dot = of[1] * rstd;
            to.slopes[2 * n * e.channels + c] = (float)of_u;
            to.slopes[(2 * n + 1) * e.channels + c] = (float)(constant - of_u * (double)v[0]);
            to.sums[2 * n * e.channels + c] = (float)((double)m.gain(n, c) * of[0]);
            to.sums[(2 * n + 1) * e.channels + c] = (float)((double)m.gain(n, c) * dot);
            if (to.shift.data != NULL)
                to.shift.put(n * e.channels + c, (float)((double)v[e.channels] * of[0] + of_u * (double)to.centred[n * e.channels + c] + constant * (double)e.pixels));
            if (to.both.data != NULL) {
                to.both.put(2 * n * e.channels + c, (float)((double)m.w[c] * dot + (double)m.b[c] * of[0]));
                to.both.put((2 * n + 1) * e.channels + c, (float)of[0]);
            }
        }
    }
}

template <int V, typename T, typename GY, typename GX>
static __global__ void group_norm_backward(GX *__restrict__ gx, const float *__restrict__ slopes, pass<T, GY> p, bool add)
{
    const int64_t tiles = tiles_of<V>(p.n);
    for LAC_EACH_BLOCK(b, p.e.samples * p.e.slices * tiles) {
        const place<V> at(p, b, tiles);
        float scale[V], offset[V], of_u[V], constant[V];
        if (at.j >= p.n)
            continue;
        p.take(scale, 1, at.sample, p.first + at.j);
        p.take(offset, 2, at.sample, p.first + at.j);
        for (int k = 0; k < V; k++) {
            const float *s = slopes + 2 * at.sample * p.e.channels + p.first + at.j + k;
            of_u[k] = s[0];
            constant[k] = s[p.e.channels];
        }
        for (int64_t i = at.sample * p.e.pixels + at.from; i < at.sample * p.e.pixels + at.end; i += LAC_COLUMN_ROWS) {
            float u[V], g[V];
            lac_load(u, p.u + i * p.n + at.j);
            lac_load(g, p.gy + i * p.e.channels + p.first + at.j);
            for (int k = 0; k < V; k++)
                g[k] = lac_fma(scale[k], lac_group_upstream(u[k], g[k], scale[k], offset[k], p.silu), lac_fma(of_u[k], u[k], constant[k]));
            lac_put(gx + i * p.n + at.j, g, add);
        }
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
        const pass<T, GY> p = pass_of<T, GY>(c, e, a, which);
        return lac_launch(grid_of<v>(p), group_norm_backward<v, T, GY, GX>, lac_data<GX>(g), (const float *)a.slopes, p, c->add[which == 0 ? 0 : 3]);
    }, c->in[0]->dtype, c->gout[0]->dtype, g->dtype);
}

/* Without pixels nothing depends on shift and scale_shift. */
static lac_status put_nothing(const lac_op_ctx *c)
{
    for (int i = 4; i < 6; i++)
        if (c->gin[i] != NULL && !c->add[i])
            LAC_TRY(lac_cuda_fill_zero(c->gin[i]->data, lac_bytes(c->gin[i])));
    return LAC_OK;
}

extern "C" lac_status group_norm_backward_cuda(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    const areas a = areas_in(c, e, c->workspace);
    const float *stats = lac_data<const float>(c->out[1]);
    const modulation m = modulation_of(c, e);
    const sinks to = { a.slopes, a.sums, lac_data<const float>(c->out[2]), gradient_of(c, 4), gradient_of(c, 5) };
    if (e.pixels == 0)
        LAC_TRY(put_nothing(c));
    LAC_TRY(lac_launch(lac_grid_each(e.samples * e.channels), group_norm_spread, a.vectors, stats, m));
    LAC_TRY(lac_typed(is_wide(c, e, c->gout[0]->data), [&](auto v, auto t, auto t2) {
        return sum_up<v, true, decltype(t), decltype(t2)>(c, e, a);
    }, c->in[0]->dtype, c->gout[0]->dtype));
    LAC_TRY(lac_launch(lac_grid_rows(e.samples * e.groups, e.each), group_norm_slopes, to, (const float *)a.partial, stats, (const float *)a.vectors, m));
    LAC_TRY(gradients_of_parameters(c, e, a));
    LAC_TRY(gradient_of_source(c, e, a, 0));
    return gradient_of_source(c, e, a, 1);
}
