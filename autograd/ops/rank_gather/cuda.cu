#include "autograd/ops/rank_gather/rank_gather.h"
#include "core/comm/lane.h"
#include "core/cuda/kernel.h"

static __global__ void rank_gather_copy(uint32_t *__restrict__ y, const uint32_t *__restrict__ x, int64_t n)
{
    for LAC_EACH(i, n)
        y[i] = x[i];
}

static __global__ void rank_gather_put(float *__restrict__ gx, const float *__restrict__ g, int64_t n, bool add)
{
    for LAC_EACH(i, n)
        lac_put(&gx[i], g[i], add);
}

extern "C" lac_status rank_gather_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const int64_t words = (int64_t)(lac_bytes(x) / sizeof(uint32_t));
    if (words == 0)
        return LAC_OK;
    if (c->lane == NULL)
        return lac_launch(lac_grid_each(words), rank_gather_copy, (uint32_t *)y->data, (const uint32_t *)x->data, words);
    LAC_TRY(c->lane->all_gather(c->lane, (float *)y->data, (const float *)x->data, words));
    return c->lane->join(c->lane);
}

extern "C" lac_status rank_gather_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward && c->lane != NULL ? lac_bytes(c->gin[0]) : 0;
    return LAC_OK;
}

extern "C" lac_status rank_gather_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gx = c->gin[0];
    const float *from = lac_data<const float>(c->gout[0]);
    if (lac_numel(gx) == 0)
        return LAC_OK;
    if (c->lane != NULL) {
        LAC_TRY(c->lane->reduce_scatter(c->lane, (float *)c->workspace, from, lac_numel(gx)));
        LAC_TRY(c->lane->join(c->lane));
        from = (const float *)c->workspace;
    }
    return lac_launch(lac_grid_each(lac_numel(gx)), rank_gather_put, lac_data<float>(gx), from, lac_numel(gx), c->add[0]);
}
