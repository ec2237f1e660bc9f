#include "autograd/ops/layer_norm/formula.h"
#include "autograd/ops/layer_norm/layer_norm.h"
#include "core/cuda/columns_kernel.h"
#include "core/cuda/kernel.h"

static int64_t channels_of(const lac_op_ctx *c) { return c->in[1]->dim[0]; }
static int64_t rows_of(const lac_op_ctx *c) { return lac_numel(c->in[0]) / channels_of(c); }

extern "C" lac_status layer_norm_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward && (c->gin[1] != NULL || c->gin[2] != NULL) ? lac_cuda_column_sums_workspace(rows_of(c), channels_of(c)) : 0;
    return LAC_OK;
}

/* A row is a warp's: HELD packs of V elements a lane stay in registers; a longer row is read again. */
constexpr int HELD = 6;

/* f(i, v): each pack of a lane with its place in the row; from(v, i) reads one. Rows that fit are read once for any number of walks. */
template <int V> struct held {
    float v[HELD][V];

    template <typename R> __device__ void read(const R &from, int64_t n)
    {
        for (int k = 0; k < HELD; k++) {
            const int64_t i = (threadIdx.x % LAC_WARP + (int64_t)k * LAC_WARP) * V;
            if (i < n)
                from(v[k], i);
        }
    }
    template <typename R, typename F> __device__ void walk(const R &from, int64_t n, const F &f) const
    {
#ifdef __CUDACC__
#pragma unroll
#endif
        for (int k = 0; k < HELD; k++) {
            const int64_t i = (threadIdx.x % LAC_WARP + (int64_t)k * LAC_WARP) * V;
            if (i < n)
                f(i, v[k]);
        }
        for (int64_t i = (threadIdx.x % LAC_WARP + (int64_t)HELD * LAC_WARP) * V; i < n; i += LAC_WARP * V) {
            float more[V];
            from(more, i);
            f(i, more);
        }
    }
};

struct task { const float *weight, *bias; float *stats; int64_t rows, n; float eps; };

template <int V, typename T, typename R, typename Y>
static __global__ void layer_norm_forward(Y *__restrict__ y, T *__restrict__ sum, const T *__restrict__ x, const R *__restrict__ residual, task o)
{
    for LAC_EACH(warp, o.rows * LAC_WARP) {
        const int64_t p = warp / LAC_WARP;
        const auto from = [&](float (&v)[V], int64_t i) {
            float r[V];
            lac_load(v, x + p * o.n + i);
            if (residual == NULL)
                return;
            lac_load(r, residual + p * o.n + i);
            for (int k = 0; k < V; k++)
                v[k] = lac_as<T>(v[k] + r[k]);
        };
        held<V> row;
        float all = 0, squares = 0;
        row.read(from, o.n);
        row.walk(from, o.n, [&](int64_t, const float (&v)[V]) {
            for (int k = 0; k < V; k++)
                all += v[k];
        });
        const float mean = lac_warp_all<lac_sum>(all) / (float)o.n;
        row.walk(from, o.n, [&](int64_t, const float (&v)[V]) {
            for (int k = 0; k < V; k++)
                squares = lac_fma(v[k] - mean, v[k] - mean, squares);
        });
        const float rstd = lac_layer_rstd(lac_warp_all<lac_sum>(squares), o.n, o.eps);
        if (o.stats != NULL && warp % LAC_WARP == 0)
            o.stats[2 * p] = mean, o.stats[2 * p + 1] = rstd;
        row.walk(from, o.n, [&](int64_t i, const float (&v)[V]) {
            float to[V];
            if (sum != NULL)
                lac_store(sum + p * o.n + i, v);
            for (int k = 0; k < V; k++)
                to[k] = lac_layer_value(v[k], mean, rstd, o.weight[i + k], o.bias[i + k]);
            lac_store(y + p * o.n + i, to);
        });
    }
}

static bool is_wide(const lac_op_ctx *c, const lac_tensor *a, const lac_tensor *b, const lac_tensor *d, const lac_tensor *e)
{
    const auto at = [](const lac_tensor *x) { return x ? x->data : NULL; };
    return lac_wide(channels_of(c), at(a), at(b), at(d), at(e));
}

static task task_of(const lac_op_ctx *c)
{
    return task{ lac_data<const float>(c->in[1]), lac_data<const float>(c->in[2]), lac_data<float>(c->out[2]), rows_of(c), channels_of(c),
                 ((const lac_layer_norm_attr *)c->attr)->eps };
}

extern "C" lac_status layer_norm_forward_cuda(const lac_op_ctx *c)
{
    const task o = task_of(c);
    return lac_typed(is_wide(c, c->in[0], c->in[3], c->out[0], c->out[1]), [&](auto v, auto t, auto r, auto u) {
        using T = decltype(t);
        using R = decltype(r);
        using Y = decltype(u);
        return lac_launch(lac_grid_each(o.rows * LAC_WARP), layer_norm_forward<v, T, R, Y>, lac_data<Y>(c->out[0]), lac_data<T>(c->out[1]), lac_data<const T>(c->in[0]),
                          lac_data<const R>(c->in[3]), o);
    }, c->in[0]->dtype, (c->in[3] != NULL ? c->in[3] : c->in[0])->dtype, c->out[0]->dtype);
}

/* Gradients of x or of the residual; both where both are asked for. */
struct sink { void *data; bool narrow, add; };

template <int V> __device__ static inline void put(const sink &s, int64_t at, const float (&g)[V])
{
    if (s.data == NULL)
        return;
    if (s.narrow)
        lac_put((lac_bf16 *)s.data + at, g, s.add);
    else
        lac_put((float *)s.data + at, g, s.add);
}

/* What reached the sum from elsewhere. */
struct source { const void *data; bool narrow; };

template <int V> __device__ static inline void add(float (&g)[V], const source &s, int64_t at)
{
    float v[V];
    if (s.data == NULL)
        return;
    if (s.narrow)
        lac_load(v, (const lac_bf16 *)s.data + at);
    else
        lac_load(v, (const float *)s.data + at);
    for (int k = 0; k < V; k++)
        g[k] += v[k];
}

template <int V, typename T, typename GY>
static __global__ void layer_norm_backward(sink gx, sink gr, const T *__restrict__ u, const GY *__restrict__ gy, source gsum, task o)
{
    for LAC_EACH(warp, o.rows * LAC_WARP) {
        const int64_t p = warp / LAC_WARP, first = p * o.n;
        const float mean = o.stats[2 * p], rstd = o.stats[2 * p + 1];
        const auto read_gy = [&](float (&v)[V], int64_t i) { lac_load(v, gy + first + i); };
        const auto read_u = [&](float (&v)[V], int64_t i) { lac_load(v, u + first + i); };
        float s1 = 0, s2 = 0;
        held<V> row;
        row.read(read_u, o.n);
        row.walk(read_u, o.n, [&](int64_t i, const float (&v)[V]) {
            float g[V];
            read_gy(g, i);
            for (int k = 0; k < V; k++) {
                g[k] *= o.weight[i + k];
                s1 += g[k];
                s2 = lac_fma(g[k], v[k] - mean, s2);
            }
        });
        s1 = lac_warp_all<lac_sum>(s1);
        s2 = lac_warp_all<lac_sum>(s2);
        row.walk(read_u, o.n, [&](int64_t i, const float (&v)[V]) {
            float g[V];
            read_gy(g, i);
            for (int k = 0; k < V; k++)
                g[k] = lac_layer_grad(v[k], g[k], mean, rstd, o.weight[i + k], s1, s2, o.n);
            add(g, gsum, first + i);
            put(gx, first + i, g);
            put(gr, first + i, g);
        });
    }
}

/* Where nothing reached y. */
template <int V> static __global__ void layer_norm_pass_on(sink gx, sink gr, source gsum, int64_t n)
{
    for LAC_EACH(i, n / V) {
        float g[V] = { 0 };
        add(g, gsum, i * V);
        put(gx, i * V, g);
        put(gr, i * V, g);
    }
}

/* An element of the gradient of the weight, or of the bias. */
template <typename T, typename GY, bool WEIGHT> struct element {
    const T *u;
    const GY *gy;
    const float *stats;
    int64_t n;
    template <int V> __device__ void operator()(float (&v)[V], int64_t i, int64_t j) const
    {
        lac_load(v, gy + i * n + j);
        if constexpr (WEIGHT) {
            float x[V];
            lac_load(x, u + i * n + j);
            for (int k = 0; k < V; k++)
                v[k] *= (x[k] - stats[2 * i]) * stats[2 * i + 1];
        }
    }
};

template <int V, bool WEIGHT, typename T, typename GY> static lac_status parameter(const lac_op_ctx *c, const T *u, const GY *gy, const task &o)
{
    const int i = WEIGHT ? 1 : 2;
    if (c->gin[i] == NULL)
        return LAC_OK;
    return lac_columns<V>(lac_data<float>(c->gin[i]), c->add[i], element<T, GY, WEIGHT>{ u, gy, o.stats, o.n }, o.rows, o.n, c->workspace);
}

static sink sink_of(const lac_op_ctx *c, int i) { return sink{ c->gin[i] ? c->gin[i]->data : NULL, c->gin[i] && c->gin[i]->dtype == LAC_BF16, c->add[i] }; }

static lac_status pass_on(const lac_op_ctx *c, const source &gsum)
{
    const int64_t n = lac_numel(c->in[0]);
    for (int i = 1; i < 3; i++)
        if (c->gin[i] != NULL && !c->add[i])
            LAC_TRY(lac_cuda_fill_zero(c->gin[i]->data, lac_bytes(c->gin[i])));
    if (c->gin[0] == NULL && c->gin[3] == NULL)
        return LAC_OK;
    return lac_typed(is_wide(c, c->gin[0], c->gin[3], c->gout[1], NULL), [&](auto v) {
        return lac_launch(lac_grid_each(n / v), layer_norm_pass_on<v>, sink_of(c, 0), sink_of(c, 3), gsum, n);
    });
}

extern "C" lac_status layer_norm_backward_cuda(const lac_op_ctx *c)
{
    const task o = task_of(c);
    const lac_tensor *u = c->in[3] != NULL ? c->out[1] : c->in[0], *gy = c->gout[0], *up = c->gout[1];
    const source gsum = { up ? up->data : NULL, up != NULL && up->dtype == LAC_BF16 };
    if (gy == NULL)
        return pass_on(c, gsum);
    const bool wide = is_wide(c, u, gy, up, NULL) && is_wide(c, c->gin[0], c->gin[3], NULL, NULL);
    return lac_typed(wide, [&](auto v, auto t, auto s) {
        using T = decltype(t);
        using GY = decltype(s);
        LAC_TRY((parameter<v, true>(c, lac_data<const T>(u), lac_data<const GY>(gy), o)));
        LAC_TRY((parameter<v, false>(c, lac_data<const T>(u), lac_data<const GY>(gy), o)));
        if (c->gin[0] == NULL && c->gin[3] == NULL)
            return LAC_OK;
        return lac_launch(lac_grid_each(o.rows * LAC_WARP), layer_norm_backward<v, T, GY>, sink_of(c, 0), sink_of(c, 3), lac_data<const T>(u), lac_data<const GY>(gy), gsum, o);
    }, u->dtype, gy->dtype);
}
