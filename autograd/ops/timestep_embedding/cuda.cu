#include "autograd/ops/timestep_embedding/formula.h"
#include "autograd/ops/timestep_embedding/timestep_embedding.h"
#include "core/cuda/kernel.h"

template <typename T>
static __global__ void timestep_embedding_forward(T *__restrict__ y, const float *__restrict__ t, int64_t n, lac_timestep_embedding_attr a)
{
    for LAC_EACH(i, n)
        lac_store(y + i, lac_timestep_value(t[i / a.width], i % a.width, a.width, a.freq_shift, a.flip_sin_to_cos));
}

extern "C" lac_status timestep_embedding_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *y = c->out[0];
    const int64_t n = lac_numel(y);
    return lac_typed([&](auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(n), timestep_embedding_forward<T>, lac_data<T>(y), lac_data<const float>(c->in[0]), n,
                          *(const lac_timestep_embedding_attr *)c->attr);
    }, y->dtype);
}
