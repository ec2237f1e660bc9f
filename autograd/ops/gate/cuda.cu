#include "autograd/ops/gate/formula.h"
#include "core/cuda/kernel.h"

/* Pixel p of x, `half` features and as many gates, is one pixel of y, or the four of its corner (up). */
struct gate { int64_t pixels, width, half; lac_act act; bool up; };

static gate gate_of(const lac_op_ctx *c)
{
    const lac_gate_attr *a = (const lac_gate_attr *)c->attr;
    const int64_t *d = c->in[0]->dim;
    return gate{ d[3] ? d[0] * d[1] * d[2] : 0, d[2], d[3] / 2, a->act, a->upsample == 2 };
}

/* Where channel k of pixel p lies in y: the first of its copies. The others are a pixel and a row of y further. */
__device__ static inline int64_t place(const gate &g, int64_t p, int64_t k)
{
    return (g.up ? 4 * (p / g.width) * g.width + 2 * (p % g.width) : p) * g.half + k;
}

template <int V, typename T> static __global__ void gate_forward(T *__restrict__ y, const T *__restrict__ x, gate g)
{
    const int64_t packs = g.half / V;
    for LAC_EACH(i, g.pixels * packs) {
        const int64_t p = i / packs, k = i % packs * V, to = place(g, p, k);
        float f[V], s[V];
        lac_load(f, x + 2 * p * g.half + k);
        lac_load(s, x + (2 * p + 1) * g.half + k);
        for (int j = 0; j < V; j++)
            f[j] = std::is_same_v<T, float> ? lac_gate_value(g.act, f[j], s[j]) : lac_gate_value_coarse(g.act, f[j], s[j]);
        for (int copy = 0; copy < (g.up ? 4 : 1); copy++)
            lac_store(y + to + (copy / 2 * 2 * g.width + copy % 2) * g.half, f);
    }
}

/* gy of a pixel, or the sum over its four copies. */
template <int V, typename T> __device__ static inline void upstream(float (&to)[V], const T *gy, const gate &g)
{
    float b[V], c[V], d[V];
    lac_load(to, gy);
    if (!g.up)
        return;
    lac_load(b, gy + g.half);
    lac_load(c, gy + 2 * g.width * g.half);
    lac_load(d, gy + (2 * g.width + 1) * g.half);
    for (int j = 0; j < V; j++)
        to[j] = (to[j] + b[j]) + (c[j] + d[j]);
}

template <int V, typename T, typename GY, typename GX>
static __global__ void gate_backward(GX *__restrict__ gx, const T *__restrict__ x, const GY *__restrict__ gy, gate g, bool add)
{
    const int64_t packs = g.half / V;
    for LAC_EACH(i, g.pixels * packs) {
        const int64_t p = i / packs, k = i % packs * V, at = 2 * p * g.half + k;
        float f[V], s[V], up[V];
        lac_load(f, x + at);
        lac_load(s, x + at + g.half);
        upstream(up, gy + place(g, p, k), g);
        for (int j = 0; j < V; j++)
            if constexpr (std::is_same_v<T, float>)
                lac_gate_grad(g.act, f[j], s[j], up[j], &f[j], &s[j]);
            else
                lac_gate_grad_coarse(g.act, f[j], s[j], up[j], &f[j], &s[j]);
        lac_put(gx + at, f, add);
        lac_put(gx + at + g.half, s, add);
    }
}

extern "C" lac_status gate_forward_cuda(const lac_op_ctx *c)
{
    const gate g = gate_of(c);
    const lac_tensor *x = c->in[0], *y = c->out[0];
    return lac_typed(lac_wide(g.half, x->data, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(g.pixels * g.half / v), gate_forward<v, T>, lac_data<T>(y), lac_data<T>(x), g);
    }, x->dtype);
}

extern "C" lac_status gate_backward_cuda(const lac_op_ctx *c)
{
    const gate g = gate_of(c);
    const lac_tensor *x = c->in[0], *gy = c->gout[0], *gx = c->gin[0];
    if (gx == NULL)
        return LAC_OK;
    return lac_typed(lac_wide(g.half, x->data, gy->data, gx->data), [&](auto v, auto t, auto u, auto w) {
        using T = decltype(t);
        using GY = decltype(u);
        using GX = decltype(w);
        return lac_launch(lac_grid_each(g.pixels * g.half / v), gate_backward<v, T, GY, GX>, lac_data<GX>(gx), lac_data<T>(x), lac_data<GY>(gy), g, c->add[0]);
    }, x->dtype, gy->dtype, gx->dtype);
}
