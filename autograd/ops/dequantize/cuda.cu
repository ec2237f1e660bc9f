#include "autograd/ops/dequantize/dequantize.h"
#include "core/cuda/kernel.h"

/* Eight bytes become one or two 16-byte stores. */
template <int V, typename T> static __global__ void dequantize_forward(T *__restrict__ y, const uint8_t *__restrict__ x, int64_t n, float scale, float shift)
{
    for LAC_EACH(i, n / V) {
        uint8_t byte[V];
        float v[V];
        memcpy(byte, __builtin_assume_aligned(x + i * V, V), V);
        for (int j = 0; j < V; j++)
            v[j] = lac_fma((float)byte[j], scale, shift);
        lac_store(y + i * V, v);
    }
}

extern "C" lac_status dequantize_forward_cuda(const lac_op_ctx *c)
{
    const lac_dequantize_attr *a = (const lac_dequantize_attr *)c->attr;
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const int64_t n = lac_numel(x);
    return lac_typed(lac_wide(n, x->data, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(n / v), dequantize_forward<v, T>, lac_data<T>(y), lac_data<const uint8_t>(x), n, a->scale, a->shift);
    }, a->dtype);
}
