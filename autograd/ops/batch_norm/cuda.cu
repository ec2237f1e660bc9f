#include "autograd/ops/batch_norm/formula.h"
#include "core/cuda/columns_kernel.h"
#include "core/cuda/kernel.h"

struct extent { int64_t pixels, channels, slices; };

static extent extent_of(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const int64_t pixels = x->dim[0] * x->dim[1] * x->dim[2];
    return extent{ pixels, x->dim[3], lac_cuda_column_slices(pixels) };
}

/* sums [2][C] and how many pixels they are of; partial [slices][2][C]; the statistics where they are not saved; backward's two numbers a channel that gx
 * is computed with. */
struct areas { double *sums; float *partial, *stats, *slopes; size_t size; };

static areas areas_in(const lac_op_ctx *c, void *workspace)
{
    const extent e = extent_of(c);
    lac_areas a(workspace);
    areas r;
    r.sums = a.take<double>((size_t)(2 * e.channels + 1) * sizeof(double));
    r.partial = a.take<float>((size_t)(e.slices * 2 * e.channels) * sizeof(float));
    r.stats = a.take<float>(c->backward ? 0 : (size_t)(2 * e.channels + 1) * sizeof(float));
    r.slopes = a.take<float>(c->backward ? (size_t)(2 * e.channels) * sizeof(float) : 0);
    r.size = a.size();
    return r;
}

extern "C" lac_status batch_norm_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = areas_in(c, NULL).size;
    return LAC_OK;
}

/* What a pass reads; stats: mean [C], rstd [C], and of how many pixels. */
template <typename T, typename GY> struct pass {
    extent e;
    const T *x;
    const GY *gy;
    const float *weight, *bias, *stats;
    float slope;

    __device__ float mean(int64_t c) const { return stats[c]; }
    __device__ float rstd(int64_t c) const { return stats[e.channels + c]; }
    __device__ float scale(int64_t c) const { return rstd(c) * weight[c]; }
};

template <typename T, typename GY> static pass<T, GY> pass_of(const lac_op_ctx *c, const float *stats)
{
    return pass<T, GY>{ extent_of(c), lac_data<const T>(c->in[0]), c->backward ? lac_data<const GY>(c->gout[0]) : NULL, lac_data<const float>(c->in[1]),
                        lac_data<const float>(c->in[2]), stats, batch_slope_of((const lac_batch_norm_attr *)c->attr) };
}

/* partial: per channel over a slice of the pixels, forward sums of x - shift and its square, backward of gz and gz (x - mean). */
template <int V, bool BACK, typename T, typename GY> static __global__ void batch_norm_partial(float *__restrict__ partial, pass<T, GY> p)
{
    constexpr int LANES = LAC_COLUMN_LANES, ROWS = LAC_COLUMN_ROWS;
    __shared__ float part[2][ROWS][LANES * V];
    const int64_t n = p.e.channels, tiles = (n + LANES * V - 1) / (LANES * V);
    const int lane = threadIdx.x % LANES, row = threadIdx.x / LANES;
    for LAC_EACH_BLOCK(b, p.e.slices * tiles) {
        const int64_t slice = b / tiles, left = b % tiles * LANES * V, j = left + lane * V;
        const int64_t from = p.e.pixels * slice / p.e.slices, end = p.e.pixels * (slice + 1) / p.e.slices;
        float s[V] = { 0 }, q[V] = { 0 }, shift[V] = { 0 }, scale[V] = { 0 }, bias[V] = { 0 };
        for (int k = 0; k < V && j < n && p.e.pixels > 0; k++) {
            shift[k] = BACK ? p.mean(j + k) : lac_f32(p.x[j + k]);
            scale[k] = BACK ? p.scale(j + k) : 0.0f;
            bias[k] = BACK ? p.bias[j + k] : 0.0f;
        }
        for (int64_t i = from + row; i < end && j < n; i += ROWS) {
            float x[V], g[V];
            lac_load(x, p.x + i * n + j);
            if constexpr (BACK)
                lac_load(g, p.gy + i * n + j);
            for (int k = 0; k < V; k++) {
                const float v = x[k] - shift[k], gz = BACK ? batch_upstream(x[k], g[k], shift[k], scale[k], bias[k], p.slope) : v;
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
            if (left + at >= n)
                continue;
            for (int i = 0; i < ROWS; i++)
                all += part[which][i][at];
            partial[(slice * 2 + which) * n + left + at] = all;
        }
    }
}

/* A channel's sums over all slices, in order. */
__device__ static inline double over_slices(const float *partial, const extent &e, int which, int64_t k)
{
    double sum = 0;
    for (int64_t slice = 0; slice < e.slices; slice++)
        sum += (double)partial[(slice * 2 + which) * e.channels + k];
    return sum;
}

template <typename T> static __global__ void batch_norm_moments(double *__restrict__ sums, const float *__restrict__ partial, const T *__restrict__ x, extent e)
{
    for LAC_EACH(k, e.channels + 1) {
        if (k == e.channels) {
            sums[2 * k] = (double)e.pixels;
            continue;
        }
        const double shift = e.pixels > 0 ? (double)lac_f32(x[k]) : 0.0;
        const batch_moments m = batch_moments_of((double)e.pixels, over_slices(partial, e, 0, k), over_slices(partial, e, 1, k), shift);
        sums[k] = m.sum;
        sums[e.channels + k] = m.square;
    }
}

struct running { const float *mean, *var; float *new_mean, *new_var; };

static __global__ void batch_norm_conclude(float *__restrict__ stats, const double *__restrict__ sums, running r, int64_t n, lac_batch_norm_attr a)
{
    for LAC_EACH(k, n) {
        batch_moments m = { 0, 0, 0 };
        if (a.training)
            m = batch_moments{ sums[2 * n], sums[k], sums[n + k] };
        const batch_stats s = batch_stats_of(m, &a, r.mean[k], r.var[k]);
        stats[k] = s.mean;
        stats[n + k] = s.rstd;
        if (k == 0)
            stats[2 * n] = (float)m.n;
        r.new_mean[k] = s.new_mean;
        r.new_var[k] = s.new_var;
    }
}

template <int V, typename T> static __global__ void batch_norm_apply(T *__restrict__ y, pass<T, float> p)
{
    const int64_t n = p.e.channels;
    for LAC_EACH(i, p.e.pixels * (n / V)) {
        const int64_t at = i * V, j = at % n;
        float v[V];
        lac_load(v, p.x + at);
        for (int k = 0; k < V; k++)
            v[k] = batch_act(batch_value(v[k], p.mean(j + k), p.scale(j + k), p.bias[j + k]), p.slope);
        lac_store(y + at, v);
    }
}

template <int V, bool BACK, typename T, typename GY> static lac_status sum_up(float *partial, const pass<T, GY> &p)
{
    const int64_t tiles = (p.e.channels + LAC_COLUMN_LANES * V - 1) / (LAC_COLUMN_LANES * V);
    return lac_launch(lac_grid_rows(p.e.slices * tiles, LAC_THREADS), batch_norm_partial<V, BACK, T, GY>, partial, p);
}

extern "C" lac_status batch_norm_forward_cuda(const lac_op_ctx *c)
{
    const lac_batch_norm_attr *attr = (const lac_batch_norm_attr *)c->attr;
    const areas a = areas_in(c, c->workspace);
    float *stats = c->out[3] != NULL ? lac_data<float>(c->out[3]) : a.stats;
    const running r = { lac_data<const float>(c->in[3]), lac_data<const float>(c->in[4]), lac_data<float>(c->out[1]), lac_data<float>(c->out[2]) };
    return lac_typed(lac_wide(c->in[0]->dim[3], c->in[0]->data, c->out[0]->data), [&](auto v, auto t) {
        using T = decltype(t);
        const pass<T, float> p = pass_of<T, float>(c, stats);
        if (attr->training) {
            LAC_TRY((sum_up<v, false, T, float>(a.partial, p)));
            LAC_TRY(lac_launch(lac_grid_each(p.e.channels + 1), batch_norm_moments<T>, a.sums, (const float *)a.partial, p.x, p.e));
            LAC_TRY(batch_over_ranks(c, a.sums, 2 * p.e.channels + 1));
        }
        LAC_TRY(lac_launch(lac_grid_each(p.e.channels), batch_norm_conclude, stats, (const double *)a.sums, r, p.e.channels, *attr));
        return lac_launch(lac_grid_each(p.e.pixels * (p.e.channels / v)), batch_norm_apply<v, T>, lac_data<T>(c->out[0]), p);
    }, c->in[0]->dtype);
}

struct parameters { float *gw, *gb; bool add_w, add_b; };

/* This rank's sums, also the parameters' gradients. */
static __global__ void batch_norm_totals(double *__restrict__ sums, parameters to, const float *__restrict__ partial, const float *__restrict__ stats, extent e)
{
    for LAC_EACH(k, e.channels) {
        const double sum = over_slices(partial, e, 0, k), dot = over_slices(partial, e, 1, k) * (double)stats[e.channels + k];
        sums[k] = sum;
        sums[e.channels + k] = dot;
        if (to.gw != NULL)
            to.gw[k] = (float)(to.add_w ? (double)to.gw[k] + dot : dot);
        if (to.gb != NULL)
            to.gb[k] = (float)(to.add_b ? (double)to.gb[k] + sum : sum);
    }
}

static __global__ void batch_norm_slopes(float *__restrict__ slopes, const double *__restrict__ sums, const float *__restrict__ stats,
                                         const float *__restrict__ weight, int64_t n)
{
    for LAC_EACH(k, n) {
        const float rstd = stats[n + k];
        batch_slopes(sums[k], sums[n + k], (double)stats[2 * n], rstd * weight[k], rstd, &slopes[k], &slopes[n + k]);
    }
}

template <int V, typename T, typename GY, typename GX>
static __global__ void batch_norm_backward(GX *__restrict__ gx, const float *__restrict__ slopes, pass<T, GY> p, bool add)
{
    const int64_t n = p.e.channels;
    for LAC_EACH(i, p.e.pixels * (n / V)) {
        const int64_t at = i * V, j = at % n;
        float x[V], g[V];
        lac_load(x, p.x + at);
        lac_load(g, p.gy + at);
        for (int k = 0; k < V; k++) {
            const float mean = p.mean(j + k), scale = p.scale(j + k), gz = batch_upstream(x[k], g[k], mean, scale, p.bias[j + k], p.slope);
            g[k] = lac_fma(scale, gz, lac_fma(slopes[j + k], x[k] - mean, slopes[n + j + k]));
        }
        lac_put(gx + at, g, add);
    }
}

static lac_status gradient_of_x(const lac_op_ctx *c, const float *slopes, const float *stats)
{
    const lac_tensor *gx = c->gin[0];
    if (gx == NULL)
        return LAC_OK;
    return lac_typed(lac_wide(gx->dim[3], c->in[0]->data, c->gout[0]->data, gx->data), [&](auto v, auto t, auto u, auto w) {
        using T = decltype(t);
        using GY = decltype(u);
        using GX = decltype(w);
        const pass<T, GY> p = pass_of<T, GY>(c, stats);
        return lac_launch(lac_grid_each(p.e.pixels * (p.e.channels / v)), batch_norm_backward<v, T, GY, GX>, lac_data<GX>(gx), slopes, p, c->add[0]);
    }, c->in[0]->dtype, c->gout[0]->dtype, gx->dtype);
}

extern "C" lac_status batch_norm_backward_cuda(const lac_op_ctx *c)
{
    const areas a = areas_in(c, c->workspace);
    const extent e = extent_of(c);
    const float *stats = lac_data<const float>(c->out[3]);
    const parameters to = { lac_data<float>(c->gin[1]), lac_data<float>(c->gin[2]), c->add[1], c->add[2] };
    LAC_TRY(lac_typed(lac_wide(e.channels, c->in[0]->data, c->gout[0]->data), [&](auto v, auto t, auto u) {
        using T = decltype(t);
        using GY = decltype(u);
        return sum_up<v, true, T, GY>(a.partial, pass_of<T, GY>(c, stats));
    }, c->in[0]->dtype, c->gout[0]->dtype));
    LAC_TRY(lac_launch(lac_grid_each(e.channels), batch_norm_totals, a.sums, to, (const float *)a.partial, stats, e));
    if (((const lac_batch_norm_attr *)c->attr)->training)
        LAC_TRY(batch_over_ranks(c, a.sums, 2 * e.channels));
    LAC_TRY(lac_launch(lac_grid_each(e.channels), batch_norm_slopes, a.slopes, (const double *)a.sums, stats, lac_data<const float>(c->in[1]), e.channels));
    return gradient_of_x(c, a.slopes, stats);
}
