#include "autograd/ops/rows.h"
#include "autograd/ops/timestep_embedding/formula.h"
#include "autograd/ops/timestep_embedding/timestep_embedding.h"

lac_status LAC_CPU(timestep_embedding_forward)(const lac_op_ctx *c)
{
    const lac_timestep_embedding_attr *a = c->attr;
    const float *t = c->in[0]->data;
    LAC_PARALLEL_FOR(i, lac_numel(c->out[0]))
        lac_st(c->out[0]->data, i, a->dtype, lac_timestep_value(t[i / a->width], i % a->width, a->width, a->freq_shift, a->flip_sin_to_cos));
    return LAC_OK;
}
