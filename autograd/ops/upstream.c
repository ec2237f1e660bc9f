#include "autograd/ops/upstream.h"

#include "core/backend.h"

size_t lac_upstream_bytes(const lac_op_ctx *c)
{
    const lac_tensor *gy = c->gout[0];
    if (!c->backward || gy == NULL || gy->dtype == c->in[0]->dtype)
        return 0;
    return ((size_t)lac_numel(gy) * lac_dtype_size(c->in[0]->dtype) + 63) / 64 * 64;
}

lac_status lac_upstream(const lac_op_ctx *c, void *memory, lac_tensor *gy)
{
    *gy = *c->gout[0];
    if (lac_upstream_bytes(c) == 0)
        return LAC_OK;
    gy->dtype = c->in[0]->dtype;
    gy->data = memory;
    return c->backend->convert(gy, c->gout[0]);
}

bool lac_no_upstream(const lac_op_ctx *c) { return lac_numel(c->in[0]) == 0 || (c->backward && c->gout[0] == NULL); }

lac_status lac_zero_gradients(const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (c->gin[i] && !c->add[i])
            LAC_TRY(c->backend->fill_zero(c->gin[i]->data, lac_bytes(c->gin[i])));
    return LAC_OK;
}
