#include "autograd/ops/avg_pool/formula.h"
#include "core/cuda/kernel.h"

struct maps { int64_t kernel, samples, h, w, n; };

static maps maps_of(const lac_op_ctx *c, const lac_tensor *x)
{
    return maps{ ((const lac_avg_pool_attr *)c->attr)->kernel, x->dim[0], x->dim[1], x->dim[2], x->dim[3] };
}

/* As in cpu.c: backward, each pixel of the window is over its own count; forward the sum is over that of its centre. */
template <int V, bool BACKWARD, typename Y, typename X> static __global__ void pool(Y *__restrict__ y, const X *__restrict__ x, maps m, bool add)
{
    const int64_t packs = m.n / V;
    for LAC_EACH(at, m.samples * m.h * m.w * packs) {
        const int64_t p = at / packs, k = at % packs * V, j = p % m.w, i = p / m.w % m.h, sample = p / m.w / m.h;
        const float count = BACKWARD ? 1.0f : pool_count(m.kernel, i, m.h, j, m.w);
        int64_t top, bottom, left, right;
        float sum[V] = { 0 }, v[V];
        pool_window(m.kernel, i, m.h, &top, &bottom);
        pool_window(m.kernel, j, m.w, &left, &right);
        for (int64_t r = top; r < bottom; r++)
            for (int64_t q = left; q < right; q++) {
                const float over = BACKWARD ? pool_count(m.kernel, r, m.h, q, m.w) : 1.0f;
                lac_load(v, x + ((sample * m.h + r) * m.w + q) * m.n + k);
                for (int l = 0; l < V; l++)
                    sum[l] += v[l] / over;
            }
        for (int l = 0; l < V; l++)
            sum[l] /= count;
        lac_put(y + p * m.n + k, sum, add);
    }
}

extern "C" lac_status avg_pool_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    return lac_typed(lac_wide(x->dim[3], x->data, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(lac_numel(y) / v), pool<v, false, T, T>, lac_data<T>(y), lac_data<const T>(x), maps_of(c, x), false);
    }, x->dtype);
}

extern "C" lac_status avg_pool_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gx = c->gin[0], *gy = c->gout[0];
    return lac_typed(lac_wide(gx->dim[3], gx->data, gy->data), [&](auto v, auto t, auto u) {
        using GY = decltype(t);
        using GX = decltype(u);
        return lac_launch(lac_grid_each(lac_numel(gx) / v), pool<v, true, GX, GY>, lac_data<GX>(gx), lac_data<const GY>(gy), maps_of(c, gx), c->add[0]);
    }, gy->dtype, gx->dtype);
}
