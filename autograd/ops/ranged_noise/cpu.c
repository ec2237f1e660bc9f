#include "autograd/ops/ranged_noise/ranged_noise.h"
#include "autograd/ops/ranged_noise/formula.h"
#include "autograd/ops/rows.h"

LAC_BODY void forward(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype dx, lac_dtype dv)
{
    const void *restrict x = c->in[0]->data, *restrict v = c->in[1]->data;
    const float *range = c->in[2]->data, least = range[0], most = range[1];
    float *restrict y = c->out[0]->data;
    #pragma omp simd
    for (int64_t i = from; i < to; i++)
        y[i] = ranged_noise(lac_ld(x, i, dx), lac_ld(v, i, dv), least, most);
}

lac_status LAC_CPU(ranged_noise_forward)(const lac_op_ctx *c)
{
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0]))
        LAC_EACH_DTYPE_2(c->in[0]->dtype, c->in[1]->dtype, forward, c, from, to);
    return LAC_OK;
}
