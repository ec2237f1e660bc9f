#include "autograd/ops/channel_affine/channel_affine.h"
#include "core/cuda/kernel.h"

template <typename T, typename Y> static __global__ void channel_affine_forward(Y *__restrict__ y, const T *__restrict__ x, int64_t n, int64_t channels, lac_channel_affine_attr a)
{
    for LAC_EACH(i, n)
        lac_store(y + i, lac_fma(lac_f32(x[i]), a.scale[i % channels], a.shift[i % channels]));
}

template <typename GY, typename GX>
static __global__ void channel_affine_backward(GX *__restrict__ gx, const GY *__restrict__ gy, int64_t n, int64_t channels, lac_channel_affine_attr a, bool add)
{
    for LAC_EACH(i, n)
        lac_put(gx + i, lac_f32(gy[i]) * a.scale[i % channels], add);
}

static lac_channel_affine_attr attr_of(const lac_op_ctx *c) { return *(const lac_channel_affine_attr *)c->attr; }

extern "C" lac_status channel_affine_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const int64_t n = lac_numel(x);
    return lac_typed([&](auto t, auto u) {
        using T = decltype(t);
        using Y = decltype(u);
        return lac_launch(lac_grid_each(n), channel_affine_forward<T, Y>, lac_data<Y>(y), lac_data<const T>(x), n, x->dim[x->ndim - 1], attr_of(c));
    }, x->dtype, y->dtype);
}

extern "C" lac_status channel_affine_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gx = c->gin[0], *gy = c->gout[0];
    const int64_t n = lac_numel(gx);
    return lac_typed([&](auto t, auto u) {
        using GY = decltype(t);
        using GX = decltype(u);
        return lac_launch(lac_grid_each(n), channel_affine_backward<GY, GX>, lac_data<GX>(gx), lac_data<const GY>(gy), n, gx->dim[gx->ndim - 1], attr_of(c), c->add[0]);
    }, gy->dtype, gx->dtype);
}
