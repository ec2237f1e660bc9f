#include "autograd/ops/find_token/find_token.h"
#include "autograd/ops/find_token/formula.h"
#include "core/cuda/kernel.h"

static __global__ void find_token_forward(int32_t *row, const void *ids, bool wide, int64_t samples, int64_t length, int64_t token)
{
    for LAC_EACH(n, samples)
        row[n] = (int32_t)(n * length + lac_token_place(ids, wide, n * length, length, token));
}

extern "C" lac_status find_token_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *ids = c->in[0];
    return lac_launch(lac_grid_each(ids->dim[0]), find_token_forward, lac_data<int32_t>(c->out[0]), (const void *)ids->data, ids->dtype == LAC_I64, ids->dim[0], ids->dim[1],
                      ((const lac_find_token_attr *)c->attr)->token);
}
