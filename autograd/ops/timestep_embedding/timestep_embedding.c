#include "autograd/ops/timestep_embedding/timestep_embedding.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_timestep_embedding_attr *a = c->attr;
    const lac_tensor *t = c->in[0];
    if (a->dtype != LAC_F32 && a->dtype != LAC_BF16)
        return LAC_FAIL(LAC_ERR_DTYPE, "timestep_embedding makes f32 or bf16, not %s", lac_dtype_name(a->dtype));
    if (a->width < 2)
        return LAC_FAIL(LAC_ERR_ARG, "timestep_embedding wants a width of at least 2, got %lld", (long long)a->width);
    if (!((double)a->freq_shift < (double)(a->width / 2)))
        return LAC_FAIL(LAC_ERR_ARG, "timestep_embedding wants a freq_shift below %lld, half its width, got %g", (long long)(a->width / 2), (double)a->freq_shift);
    if (t->ndim != 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "timestep_embedding wants timestep [N], got %s", lac_shape_str(t));
    lac_tensor_shape(c->out[0], a->dtype, 2, (int64_t[]){ t->dim[0], a->width });
    return LAC_OK;
}

const lac_op_def lac_op_timestep_embedding = {
    .in = { { "timestep", LAC_F32_ONLY } }, .out = { { "y" } },
    .infer = infer, .attr_size = sizeof(lac_timestep_embedding_attr), .no_gradient = true,
};

lac_tensor *lac_timestep_embedding(lac_tape *t, lac_tensor *timestep, const lac_timestep_embedding_attr *a)
{
    return lac_apply(t, LAC_OP_timestep_embedding, a, timestep);
}
