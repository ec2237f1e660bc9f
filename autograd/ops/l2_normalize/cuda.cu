#include "autograd/ops/l2_normalize/l2_normalize.h"
#include "core/cuda/kernel.h"

static int64_t columns_of(const lac_tensor *x) { return x->dim[x->ndim - 1]; }
static int64_t rows_of(const lac_tensor *x) { return columns_of(x) ? lac_numel(x) / columns_of(x) : 0; }

/* A warp a row. */
template <typename X, typename Y> static __global__ void l2_normalize_forward(Y *__restrict__ y, float *length, const X *__restrict__ x, int64_t rows, int64_t n)
{
    const int lane = threadIdx.x % LAC_WARP;
    for LAC_EACH(i, rows * LAC_WARP) {
        const int64_t r = i / LAC_WARP;
        double sum = 0;
        for (int64_t k = lane; k < n; k += LAC_WARP)
            sum += (double)lac_f32(x[r * n + k]) * (double)lac_f32(x[r * n + k]);
        const float size = (float)sqrt(lac_warp_all<lac_sum>(sum)), by = size > 0 ? size : 1.0f;
        if (length != NULL && lane == 0)
            length[r] = size;
        for (int64_t k = lane; k < n; k += LAC_WARP)
            lac_store(&y[r * n + k], lac_f32(x[r * n + k]) / by);
    }
}

template <typename X, typename GY, typename GX>
static __global__ void l2_normalize_backward(GX *__restrict__ gx, const X *__restrict__ x, const GY *__restrict__ gy, const float *__restrict__ length, int64_t rows,
                                             int64_t n, bool add)
{
    const int lane = threadIdx.x % LAC_WARP;
    for LAC_EACH(i, rows * LAC_WARP) {
        const int64_t r = i / LAC_WARP;
        const float by = length[r] > 0 ? 1.0f / length[r] : 0.0f;
        double dot = 0;
        for (int64_t k = lane; k < n; k += LAC_WARP)
            dot += (double)lac_f32(x[r * n + k]) * (double)lac_f32(gy[r * n + k]);
        const float along = (float)lac_warp_all<lac_sum>(dot) * by * by;
        for (int64_t k = lane; k < n; k += LAC_WARP)
            lac_put(&gx[r * n + k], by * lac_fma(-along, lac_f32(x[r * n + k]), lac_f32(gy[r * n + k])), add);
    }
}

extern "C" lac_status l2_normalize_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const int64_t rows = rows_of(x);
    return lac_typed([&](auto t, auto u) {
        using X = decltype(t);
        using Y = decltype(u);
        return lac_launch(lac_grid_each(rows * LAC_WARP), l2_normalize_forward<X, Y>, lac_data<Y>(y), lac_data<float>(c->out[1]), lac_data<const X>(x), rows, columns_of(x));
    }, x->dtype, y->dtype);
}

extern "C" lac_status l2_normalize_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *gy = c->gout[0], *gx = c->gin[0];
    const int64_t rows = rows_of(x);
    return lac_typed([&](auto t, auto u, auto s) {
        using X = decltype(t);
        using GY = decltype(u);
        using GX = decltype(s);
        return lac_launch(lac_grid_each(rows * LAC_WARP), l2_normalize_backward<X, GY, GX>, lac_data<GX>(gx), lac_data<const X>(x), lac_data<const GY>(gy),
                          lac_data<const float>(c->out[1]), rows, columns_of(x), c->add[0]);
    }, x->dtype, gy->dtype, gx->dtype);
}
