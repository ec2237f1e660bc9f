#include "autograd/ops/ranged_noise/ranged_noise.h"
#include "autograd/ops/ranged_noise/formula.h"
#include "core/cuda/kernel.h"

template <typename X, typename V> static __global__ void ranged_noise_forward(float *__restrict__ y, const X *__restrict__ x, const V *__restrict__ v, const float *range, int64_t n)
{
    for LAC_EACH(i, n)
        y[i] = ranged_noise(lac_f32(x[i]), lac_f32(v[i]), range[0], range[1]);
}

extern "C" lac_status ranged_noise_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *v = c->in[1];
    return lac_typed([&](auto t, auto u) {
        using X = decltype(t);
        using V = decltype(u);
        return lac_launch(lac_grid_each(lac_numel(x)), ranged_noise_forward<X, V>, lac_data<float>(c->out[0]), lac_data<const X>(x), lac_data<const V>(v),
                          lac_data<const float>(c->in[2]), lac_numel(x));
    }, x->dtype, v->dtype);
}
