#include "autograd/ops/rank_sum/rank_sum.h"
#include "core/comm/lane.h"
#include "core/cuda/kernel.h"

static __global__ void rank_sum_copy(float *__restrict__ y, const float *__restrict__ x, int64_t n)
{
    for LAC_EACH(i, n)
        y[i] = x[i];
}

extern "C" lac_status rank_sum_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    LAC_TRY(lac_launch(lac_grid_each(lac_numel(x)), rank_sum_copy, lac_data<float>(y), lac_data<const float>(x), lac_numel(x)));
    if (c->lane == NULL)
        return LAC_OK;
    LAC_TRY(c->lane->all_reduce(c->lane, y->data, LAC_F32, lac_numel(y)));
    return c->lane->join(c->lane);
}
