#include "autograd/ops/geglu/formula.h"
#include "autograd/ops/geglu/geglu.h"
#include "core/cuda/kernel.h"

/* y's elements, n of them, in rows of `half`. */
template <int V, typename T> static __global__ void geglu_forward(T *__restrict__ y, const T *__restrict__ x, int64_t n, int64_t half)
{
    for LAC_EACH(i, n / V) {
        const T *at = x + i * V + i * V / half * half;          /* steps over the gates of earlier rows */
        float v[V], g[V];
        lac_load(v, at);
        lac_load(g, at + half);
        for (int k = 0; k < V; k++)
            v[k] = lac_geglu_value(v[k], g[k]);
        lac_store(y + i * V, v);
    }
}

template <int V, typename T, typename GY, typename GX>
static __global__ void geglu_backward(GX *__restrict__ gx, const T *__restrict__ x, const GY *__restrict__ gy, int64_t n, int64_t half, bool add)
{
    for LAC_EACH(i, n / V) {
        const int64_t at = i * V + i * V / half * half;
        float v[V], g[V], up[V];
        lac_load(v, x + at);
        lac_load(g, x + at + half);
        lac_load(up, gy + i * V);
        for (int k = 0; k < V; k++)
            lac_geglu_grad(v[k], g[k], up[k], &v[k], &g[k]);
        lac_put(gx + at, v, add);
        lac_put(gx + at + half, g, add);
    }
}

static int64_t half_of(const lac_op_ctx *c) { return c->in[0]->dim[c->in[0]->ndim - 1] / 2; }

extern "C" lac_status geglu_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const int64_t half = half_of(c), n = lac_numel(y);
    return lac_typed(lac_wide(half, x->data, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(n / v), geglu_forward<v, T>, lac_data<T>(y), lac_data<T>(x), n, half);
    }, x->dtype);
}

extern "C" lac_status geglu_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *gy = c->gout[0], *gx = c->gin[0];
    const int64_t half = half_of(c), n = lac_numel(gy);
    return lac_typed(lac_wide(half, x->data, gy->data, gx->data), [&](auto v, auto t, auto u, auto w) {
        using T = decltype(t);
        using GY = decltype(u);
        using GX = decltype(w);
        return lac_launch(lac_grid_each(n / v), geglu_backward<v, T, GY, GX>, lac_data<GX>(gx), lac_data<T>(x), lac_data<GY>(gy), n, half, c->add[0]);
    }, x->dtype, gy->dtype, gx->dtype);
}
