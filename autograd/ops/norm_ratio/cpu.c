#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "autograd/ops/rows.h"

static double norm(const lac_tensor *x)
{
    const float *restrict v = x->data;
    double sum[LAC_BLOCKS] = { 0 };
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(x)) {
        double s = 0;
        #pragma omp simd reduction(+ : s)
        for (int64_t i = from; i < to; i++)
            s += (double)v[i] * (double)v[i];
        sum[b] = s;
    }
    return __builtin_sqrt(lac_sum_block_parts(sum));
}

lac_status LAC_CPU(norm_ratio_forward)(const lac_op_ctx *c)
{
    const lac_norm_ratio_attr *a = c->attr;
    *(float *)c->out[0]->data = (float)(norm(c->in[0]) / (norm(c->in[1]) + (double)a->eps));
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(norm_ratio_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }
