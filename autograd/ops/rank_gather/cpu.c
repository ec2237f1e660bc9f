#include "autograd/ops/rank_gather/rank_gather.h"
#include "autograd/ops/rows.h"
#include "core/comm/lane.h"

#include <string.h>

/* Integers travel as words of four bytes, which nobody looks into. */
lac_status LAC_CPU(rank_gather_forward)(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    if (lac_numel(x) == 0)
        return LAC_OK;
    if (c->lane != NULL)
        return c->lane->all_gather(c->lane, y->data, x->data, (int64_t)(lac_bytes(x) / sizeof(float)));
    memcpy(y->data, x->data, lac_bytes(x));
    return LAC_OK;
}

/* This rank's sum, where it cannot be written at once. */
lac_status LAC_CPU(rank_gather_workspace)(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward && c->lane != NULL ? lac_bytes(c->gin[0]) : 0;
    return LAC_OK;
}

lac_status LAC_CPU(rank_gather_backward)(const lac_op_ctx *c)
{
    const lac_tensor *gx = c->gin[0];
    const float *from = c->gout[0]->data;
    if (lac_numel(gx) == 0)
        return LAC_OK;
    if (c->lane != NULL) {
        LAC_TRY(c->lane->reduce_scatter(c->lane, c->workspace, from, lac_numel(gx)));
        from = c->workspace;
    }
    LAC_PARALLEL_BLOCKS(b, first, last, lac_numel(gx)) {
        #pragma omp simd
        for (int64_t i = first; i < last; i++)
            lac_put(gx->data, i, LAC_F32, from[i], c->add[0]);
    }
    return LAC_OK;
}
