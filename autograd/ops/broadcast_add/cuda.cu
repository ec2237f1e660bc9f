#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/broadcast_add/geometry.h"
#include "core/cuda/kernel.h"

extern "C" lac_status broadcast_add_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    const lac_broadcast g = lac_broadcast_of(c->in[0], c->in[1]);
    *size = c->backward && c->gin[1] != NULL ? (size_t)(g.b_rows * g.blocks * g.b_columns) * sizeof(float) : 0;
    return LAC_OK;
}

template <int V, typename T, typename B> static __global__ void broadcast_add_forward(T *__restrict__ y, const T *__restrict__ x, const B *__restrict__ b, lac_broadcast g)
{
    const int64_t packs = g.columns / V;
    for LAC_EACH(i, g.rows * packs) {
        const int64_t row = i / packs, k = i % packs * V, at = lac_broadcast_at(&g.all, row) * g.b_columns;
        float v[V], w[V];
        lac_load(v, x + i * V);
        if (g.b_columns == g.columns)
            lac_load(w, b + at + k);
        for (int j = 0; j < V; j++)
            v[j] += g.b_columns == g.columns ? w[j] : lac_f32(b[at]);
        lac_store(y + i * V, v);
    }
}

template <int V, typename GY, typename GX> static __global__ void broadcast_add_pass_on(GX *__restrict__ gx, const GY *__restrict__ gy, int64_t n, bool add)
{
    for LAC_EACH(i, n / V) {
        float v[V];
        lac_load(v, gy + i * V);
        lac_put(gx + i * V, v, add);
    }
}

/* part [b_rows][blocks][columns]: a thread a number. */
template <typename GY> static __global__ void broadcast_add_columns(float *__restrict__ part, const GY *__restrict__ gy, lac_broadcast g)
{
    for LAC_EACH(i, g.b_rows * g.blocks * g.columns) {
        const int64_t unit = i / g.columns, block = unit % g.blocks, first = lac_broadcast_at(&g.kept, unit / g.blocks), end = lac_broadcast_start(&g, block + 1);
        float sum = 0;
        for (int64_t r = lac_broadcast_start(&g, block); r < end; r++)
            sum += lac_f32(gy[(first + lac_broadcast_at(&g.lost, r)) * g.columns + i % g.columns]);
        part[i] = sum;
    }
}

/* part [b_rows][blocks], columns summed too: a warp a number. */
template <typename GY> static __global__ void broadcast_add_rows(float *__restrict__ part, const GY *__restrict__ gy, lac_broadcast g)
{
    for LAC_EACH(i, g.b_rows * g.blocks * LAC_WARP) {
        const int64_t unit = i / LAC_WARP, block = unit % g.blocks, first = lac_broadcast_at(&g.kept, unit / g.blocks), end = lac_broadcast_start(&g, block + 1);
        float sum = 0;
        for (int64_t r = lac_broadcast_start(&g, block); r < end; r++)
            for (int64_t k = i % LAC_WARP; k < g.columns; k += LAC_WARP)
                sum += lac_f32(gy[(first + lac_broadcast_at(&g.lost, r)) * g.columns + k]);
        sum = lac_warp_all<lac_sum>(sum);
        if (i % LAC_WARP == 0)
            part[unit] = sum;
    }
}

template <typename GB> static __global__ void broadcast_add_finish(GB *__restrict__ gb, const float *__restrict__ part, lac_broadcast g, bool add)
{
    for LAC_EACH(i, g.b_rows * g.b_columns) {
        float sum = 0;
        for (int64_t b = 0; b < g.blocks; b++)
            sum += part[(i / g.b_columns * g.blocks + b) * g.b_columns + i % g.b_columns];
        lac_put(gb + i, sum, add);
    }
}

extern "C" lac_status broadcast_add_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *b = c->in[1], *y = c->out[0];
    const lac_broadcast g = lac_broadcast_of(x, b);
    return lac_typed(lac_wide(g.columns, x->data, y->data, b->data), [&](auto v, auto t, auto u) {
        using T = decltype(t);
        using B = decltype(u);
        return lac_launch(lac_grid_each(g.rows * (g.columns / v)), broadcast_add_forward<v, T, B>, lac_data<T>(y), lac_data<const T>(x), lac_data<const B>(b), g);
    }, x->dtype, b->dtype);
}

static lac_status pass_on(const lac_tensor *gy, const lac_tensor *gx, bool add)
{
    const int64_t n = lac_numel(gx);
    return lac_typed(lac_wide(n, gy->data, gx->data), [&](auto v, auto t, auto u) {
        using GY = decltype(t);
        using GX = decltype(u);
        return lac_launch(lac_grid_each(n / v), broadcast_add_pass_on<v, GY, GX>, lac_data<GX>(gx), lac_data<const GY>(gy), n, add);
    }, gy->dtype, gx->dtype);
}

static lac_status sum_up(const lac_tensor *gy, const lac_broadcast &g, float *part)
{
    return lac_typed([&](auto t) {
        using GY = decltype(t);
        if (g.b_columns == g.columns)
            return lac_launch(lac_grid_each(g.b_rows * g.blocks * g.columns), broadcast_add_columns<GY>, part, lac_data<const GY>(gy), g);
        return lac_launch(lac_grid_each(g.b_rows * g.blocks * LAC_WARP), broadcast_add_rows<GY>, part, lac_data<const GY>(gy), g);
    }, gy->dtype);
}

extern "C" lac_status broadcast_add_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gy = c->gout[0], *gb = c->gin[1];
    const lac_broadcast g = lac_broadcast_of(c->in[0], c->in[1]);
    float *part = (float *)c->workspace;
    if (c->gin[0] != NULL)
        LAC_TRY(pass_on(gy, c->gin[0], c->add[0]));
    if (gb == NULL)
        return LAC_OK;
    LAC_TRY(sum_up(gy, g, part));
    return lac_typed([&](auto t) {
        using GB = decltype(t);
        return lac_launch(lac_grid_each(g.b_rows * g.b_columns), broadcast_add_finish<GB>, lac_data<GB>(gb), (const float *)part, g, c->add[1]);
    }, gb->dtype);
}
