#include "autograd/ops/activation/activation.h"
#include "core/cuda/kernel.h"

template <int V, typename T> static __global__ void activation_forward(T *__restrict__ y, const T *__restrict__ x, int64_t n, lac_act_fn act)
{
    for LAC_EACH(i, n / V) {
        float v[V];
        lac_load(v, x + i * V);
        for (int j = 0; j < V; j++)
            v[j] = lac_act_value(act, v[j]);
        lac_store(y + i * V, v);
    }
}

template <int V, typename T, typename GY, typename GX>
static __global__ void activation_backward(GX *__restrict__ gx, const T *__restrict__ x, const GY *__restrict__ gy, int64_t n, lac_act_fn act, bool add)
{
    for LAC_EACH(i, n / V) {
        float v[V], g[V];
        lac_load(v, x + i * V);
        lac_load(g, gy + i * V);
        for (int j = 0; j < V; j++)
            g[j] *= lac_act_slope(act, v[j]);
        lac_put(gx + i * V, g, add);
    }
}

static lac_act_fn act_of(const lac_op_ctx *c) { return ((const lac_activation_attr *)c->attr)->act; }

extern "C" lac_status activation_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const int64_t n = lac_numel(x);
    return lac_typed(lac_wide(n, x->data, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(n / v), activation_forward<v, T>, lac_data<T>(y), lac_data<T>(x), n, act_of(c));
    }, x->dtype);
}

extern "C" lac_status activation_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *gy = c->gout[0], *gx = c->gin[0];
    const int64_t n = lac_numel(x);
    if (gx == NULL)
        return LAC_OK;
    return lac_typed(lac_wide(n, x->data, gy->data, gx->data), [&](auto v, auto t, auto u, auto w) {
        using T = decltype(t);
        using GY = decltype(u);
        using GX = decltype(w);
        return lac_launch(lac_grid_each(n / v), activation_backward<v, T, GY, GX>, lac_data<GX>(gx), lac_data<T>(x), lac_data<GY>(gy), n, act_of(c), c->add[0]);
    }, x->dtype, gy->dtype, gx->dtype);
}
