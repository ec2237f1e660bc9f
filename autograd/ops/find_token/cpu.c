#include "autograd/ops/find_token/find_token.h"
#include "autograd/ops/find_token/formula.h"
#include "autograd/ops/rows.h"

lac_status LAC_CPU(find_token_forward)(const lac_op_ctx *c)
{
    const lac_tensor *ids = c->in[0];
    const int64_t length = ids->dim[1], token = ((const lac_find_token_attr *)c->attr)->token;
    LAC_PARALLEL_FOR(n, ids->dim[0])
        ((int32_t *)c->out[0]->data)[n] = (int32_t)(n * length + lac_token_place(ids->data, ids->dtype == LAC_I64, n * length, length, token));
    return LAC_OK;
}
