#include "autograd/ops/max_pool/formula.h"
#include "core/cuda/kernel.h"

struct maps { lac_max_pool_attr a; int64_t samples, h, w, oh, ow, n; };

static maps maps_of(const lac_op_ctx *c, const lac_tensor *x, const lac_tensor *y)
{
    return maps{ *(const lac_max_pool_attr *)c->attr, x->dim[0], x->dim[1], x->dim[2], y->dim[1], y->dim[2], x->dim[3] };
}

template <int V, typename T> static __global__ void max_pool_forward(T *__restrict__ y, uint8_t *__restrict__ place, const T *__restrict__ x, maps m)
{
    const int64_t packs = m.n / V;
    for LAC_EACH(at, m.samples * m.oh * m.ow * packs) {
        const int64_t p = at / packs, k = at % packs * V, j = p % m.ow, i = p / m.ow % m.oh, sample = p / m.ow / m.oh;
        const int64_t first = (sample * m.h + i * m.a.stride - m.a.pad) * m.w + j * m.a.stride - m.a.pad;
        int64_t top, bottom, left, right;
        float best[V] = { 0 }, v[V];
        uint8_t from[V] = { 0 };
        pool_window(&m.a, i, m.h, &top, &bottom);
        pool_window(&m.a, j, m.w, &left, &right);
        for (int64_t r = top; r < bottom; r++)
            for (int64_t q = left; q < right; q++) {
                lac_load(v, x + (first + r * m.w + q) * m.n + k);
                for (int l = 0; l < V; l++)
                    if ((r == top && q == left) || pool_beats(v[l], best[l]))
                        best[l] = v[l], from[l] = (uint8_t)(r * m.a.kernel + q);
            }
        lac_store(y + p * m.n + k, best);
        for (int l = 0; place != NULL && l < V; l++)
            place[p * m.n + k + l] = from[l];
    }
}

extern "C" lac_status max_pool_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    return lac_typed(lac_wide(x->dim[3], x->data, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(lac_numel(y) / v), max_pool_forward<v, T>, lac_data<T>(y), lac_data<uint8_t>(c->out[1]), lac_data<const T>(x), maps_of(c, x, y));
    }, x->dtype);
}

template <int V, typename GY, typename GX>
static __global__ void max_pool_backward(GX *__restrict__ gx, const GY *__restrict__ gy, const uint8_t *__restrict__ place, maps m, bool add)
{
    const int64_t packs = m.n / V;
    for LAC_EACH(at, m.samples * m.h * m.w * packs) {
        const int64_t p = at / packs, k = at % packs * V, j = p % m.w, i = p / m.w % m.h, sample = p / m.w / m.h;
        int64_t top, bottom, left, right;
        float sum[V] = { 0 }, v[V];
        pool_readers(&m.a, i, m.oh, &top, &bottom);
        pool_readers(&m.a, j, m.ow, &left, &right);
        for (int64_t r = top; r < bottom; r++)
            for (int64_t q = left; q < right; q++) {
                const int64_t from = ((sample * m.oh + r) * m.ow + q) * m.n + k;
                const uint8_t here = (uint8_t)((i + m.a.pad - r * m.a.stride) * m.a.kernel + j + m.a.pad - q * m.a.stride);
                lac_load(v, gy + from);
                for (int l = 0; l < V; l++)
                    sum[l] += place[from + l] == here ? v[l] : 0.0f;
            }
        lac_put(gx + p * m.n + k, sum, add);
    }
}

extern "C" lac_status max_pool_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gx = c->gin[0], *gy = c->gout[0];
    return lac_typed(lac_wide(gx->dim[3], gx->data, gy->data), [&](auto v, auto t, auto u) {
        using GY = decltype(t);
        using GX = decltype(u);
        return lac_launch(lac_grid_each(lac_numel(gx) / v), max_pool_backward<v, GY, GX>, lac_data<GX>(gx), lac_data<const GY>(gy),
                          lac_data<const uint8_t>(c->out[1]), maps_of(c, gx, gy), c->add[0]);
    }, gy->dtype, gx->dtype);
}
