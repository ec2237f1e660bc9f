#include "autograd/ops/exp_scale/exp_scale.h"
#include "autograd/ops/rows.h"

static float scale_of(const lac_op_ctx *c) { return lac_exp(*(const float *)c->in[1]->data); }

/* to = a from. */
LAC_BODY void scale(const lac_tensor *to, const lac_tensor *from, float a, bool add, int64_t first, int64_t last, lac_dtype dfrom, lac_dtype dto)
{
    #pragma omp simd
    for (int64_t i = first; i < last; i++)
        lac_put(to->data, i, dto, a * lac_ld(from->data, i, dfrom), add);
}

static void scale_all(const lac_tensor *to, const lac_tensor *from, float a, bool add)
{
    LAC_PARALLEL_BLOCKS(b, first, last, lac_numel(to))
        LAC_EACH_DTYPE_2(from->dtype, to->dtype, scale, to, from, a, add, first, last);
}

lac_status LAC_CPU(exp_scale_forward)(const lac_op_ctx *c)
{
    scale_all(c->out[0], c->in[0], scale_of(c), false);
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(exp_scale_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

LAC_BODY void dot(const lac_op_ctx *c, int64_t first, int64_t last, double *part, lac_dtype dx, lac_dtype dgy)
{
    double sum = 0;
    #pragma omp simd reduction(+ : sum)
    for (int64_t i = first; i < last; i++)
        sum += (double)lac_ld(c->in[0]->data, i, dx) * (double)lac_ld(c->gout[0]->data, i, dgy);
    *part = sum;
}

lac_status LAC_CPU(exp_scale_backward)(const lac_op_ctx *c)
{
    double part[LAC_BLOCKS];
    if (c->gin[0] != NULL)
        scale_all(c->gin[0], c->gout[0], scale_of(c), c->add[0]);
    if (c->gin[1] == NULL)
        return LAC_OK;
    LAC_PARALLEL_BLOCKS(b, first, last, lac_numel(c->in[0]))
        LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gout[0]->dtype, dot, c, first, last, &part[b]);
    lac_put(c->gin[1]->data, 0, LAC_F32, (float)(lac_sum_block_parts(part) * (double)scale_of(c)), c->add[1]);
    return LAC_OK;
}
