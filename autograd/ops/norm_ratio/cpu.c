#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "autograd/ops/rows.h"

LAC_BODY void squares(const void *restrict x, int64_t from, int64_t to, double *sum, lac_dtype d)
{
    double s = 0;
    #pragma omp simd reduction(+ : s)
    for (int64_t i = from; i < to; i++) {
        const double v = (double)lac_ld(x, i, d);
        s += v * v;
    }
    *sum = s;
}

static double norm(const lac_tensor *x)
{
    double sum[LAC_BLOCKS] = { 0 };
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(x))
        LAC_EACH_DTYPE(x->dtype, squares, x->data, from, to, &sum[b]);
    return __builtin_sqrt(lac_sum_block_parts(sum));
}

lac_status LAC_CPU(norm_ratio_forward)(const lac_op_ctx *c)
{
    const lac_norm_ratio_attr *a = c->attr;
    const float ratio = (float)(norm(c->in[0]) / (norm(c->in[1]) + (double)a->eps));
    *(float *)c->out[0]->data = a->most > 0 && ratio > a->most ? a->most : ratio;
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(norm_ratio_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }
