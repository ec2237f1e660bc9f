#include "autograd/ops/repeat/repeat.h"
#include "core/cuda/kernel.h"

template <typename T> static __global__ void repeat_forward(T *__restrict__ y, const T *__restrict__ x, int64_t each, int64_t total)
{
    for LAC_EACH(i, total)
        y[i] = x[i % each];
}

template <typename GY, typename GX>
static __global__ void repeat_backward(GX *__restrict__ gx, const GY *__restrict__ gy, int64_t each, int64_t samples, bool add)
{
    for LAC_EACH(i, each) {
        float sum = 0;
        for (int64_t n = 0; n < samples; n++)
            sum += lac_f32(gy[n * each + i]);
        lac_put(&gx[i], sum, add);
    }
}

extern "C" lac_status repeat_forward_cuda(const lac_op_ctx *c)
{
    const int64_t total = lac_numel(c->out[0]);
    return lac_typed([&](auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(total), repeat_forward<T>, lac_data<T>(c->out[0]), lac_data<const T>(c->in[0]), lac_numel(c->in[0]), total);
    }, c->out[0]->dtype);
}

extern "C" lac_status repeat_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gy = c->gout[0], *gx = c->gin[0];
    return lac_typed([&](auto t, auto u) {
        using GY = decltype(t);
        using GX = decltype(u);
        return lac_launch(lac_grid_each(lac_numel(gx)), repeat_backward<GY, GX>, lac_data<GX>(gx), lac_data<const GY>(gy), lac_numel(gx), gy->dim[0], c->add[0]);
    }, gy->dtype, gx->dtype);
}
