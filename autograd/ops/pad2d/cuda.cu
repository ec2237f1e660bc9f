#include "autograd/ops/pad2d/formula.h"
#include "core/cuda/kernel.h"

/* One axis: n positions of x, padded before and after. */
struct axis { int64_t n, before, after; };

/* x [samples, h.n, w.n, n]; y is longer by the pads. */
struct frame { int64_t samples, n; axis h, w; lac_pad_mode mode; };

static frame frame_of(const lac_op_ctx *c)
{
    const lac_pad2d_attr *a = (const lac_pad2d_attr *)c->attr;
    const int64_t *d = c->in[0]->dim;
    return frame{ d[0], d[3], { d[1], a->pad[0], a->pad[1] }, { d[2], a->pad[2], a->pad[3] }, a->mode };
}

LAC_HD static inline int64_t length(const axis &a) { return a.before + a.n + a.after; }

template <int V, typename T> static __global__ void pad2d_forward(T *__restrict__ y, const T *__restrict__ x, frame f)
{
    const int64_t packs = f.n / V, tall = length(f.h), wide = length(f.w);
    for LAC_EACH(at, f.samples * tall * wide * packs) {
        const int64_t p = at / packs, k = at % packs * V, s = p / wide / tall;
        const int64_t i = lac_pad_source(f.mode, p / wide % tall - f.h.before, f.h.n), j = lac_pad_source(f.mode, p % wide - f.w.before, f.w.n);
        float v[V];
        lac_load(v, x + ((s * f.h.n + i) * f.w.n + j) * f.n + k);
        lac_store(y + p * f.n + k, v);
    }
}

/* Where the value of i may stand in y: at itself, and anywhere in the pads. The c-th such place, in order; -1 where it is another's. */
__device__ static inline int64_t copy_of(const axis &a, lac_pad_mode mode, int64_t i, int64_t c)
{
    const int64_t at = c < a.before ? c : c == a.before ? a.before + i : a.n + c - 1;
    return lac_pad_source(mode, at - a.before, a.n) == i ? at : -1;
}

/* Each element of gx gathers its copies, in order. */
template <int V, typename GY, typename GX> static __global__ void pad2d_backward(GX *__restrict__ gx, const GY *__restrict__ gy, frame f, bool add)
{
    const int64_t packs = f.n / V, tall = length(f.h), wide = length(f.w);
    for LAC_EACH(at, f.samples * f.h.n * f.w.n * packs) {
        const int64_t p = at / packs, k = at % packs * V, s = p / f.w.n / f.h.n;
        float sum[V] = { 0 }, v[V];
        for (int64_t a = 0; a <= f.h.before + f.h.after; a++) {
            const int64_t i = copy_of(f.h, f.mode, p / f.w.n % f.h.n, a);
            for (int64_t b = 0; i >= 0 && b <= f.w.before + f.w.after; b++) {
                const int64_t j = copy_of(f.w, f.mode, p % f.w.n, b);
                if (j < 0)
                    continue;
                lac_load(v, gy + ((s * tall + i) * wide + j) * f.n + k);
                for (int l = 0; l < V; l++)
                    sum[l] += v[l];
            }
        }
        lac_put(gx + p * f.n + k, sum, add);
    }
}

extern "C" lac_status pad2d_workspace_cuda(const lac_op_ctx *, size_t *) { return LAC_OK; }

extern "C" lac_status pad2d_forward_cuda(const lac_op_ctx *c)
{
    const frame f = frame_of(c);
    const lac_tensor *x = c->in[0], *y = c->out[0];
    return lac_typed(lac_wide(f.n, x->data, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(lac_numel(y) / v), pad2d_forward<v, T>, lac_data<T>(y), lac_data<T>(x), f);
    }, x->dtype);
}

extern "C" lac_status pad2d_backward_cuda(const lac_op_ctx *c)
{
    const frame f = frame_of(c);
    const lac_tensor *gy = c->gout[0], *gx = c->gin[0];
    if (gx == NULL)
        return LAC_OK;
    return lac_typed(lac_wide(f.n, gy->data, gx->data), [&](auto v, auto t, auto u) {
        using GY = decltype(t);
        using GX = decltype(u);
        return lac_launch(lac_grid_each(lac_numel(gx) / v), pad2d_backward<v, GY, GX>, lac_data<GX>(gx), lac_data<GY>(gy), f, c->add[0]);
    }, gy->dtype, gx->dtype);
}
