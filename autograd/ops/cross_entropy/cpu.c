#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "autograd/ops/cross_entropy/formula.h"
#include "autograd/ops/rows.h"

static int64_t target_of(const lac_op_ctx *c, int64_t r)
{
    const lac_tensor *ids = c->in[1];
    return lac_target(ids != NULL ? ids->data : NULL, ids != NULL && ids->dtype == LAC_I64, r, c->in[0]->dim[1]);
}

LAC_BODY float log_sum(const void *restrict l, int64_t n, lac_dtype d)
{
    float most = lac_ld(l, 0, d), sum = 0;
    #pragma omp simd reduction(max : most)
    for (int64_t k = 1; k < n; k++)
        most = LAC_MAX(most, lac_ld(l, k, d));
    #pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < n; k++)
        sum += lac_exp(lac_ld(l, k, d) - most);
    return lac_log_sum(most, sum);
}

/* Rows [from, to); one with NaN among its logits gives NaN. */
LAC_BODY void forward(const lac_op_ctx *c, int64_t from, int64_t to, double *part, lac_dtype d)
{
    const int64_t n = c->in[0]->dim[1];
    for (int64_t r = from; r < to; r++) {
        const void *l = lac_at(c->in[0]->data, r * n, d);
        const float all = log_sum(l, n, d);
        const int64_t target = target_of(c, r);
        if (c->out[2] != NULL)
            ((float *)c->out[2]->data)[r] = all;
        *part += target < 0 ? (double)NAN : (double)all - (double)lac_ld(l, target, d);
    }
}

lac_status LAC_CPU(cross_entropy_forward)(const lac_op_ctx *c)
{
    double part[LAC_BLOCKS] = { 0 };
    LAC_PARALLEL_BLOCKS(b, from, to, c->in[0]->dim[0])
        LAC_EACH_DTYPE(c->in[0]->dtype, forward, c, from, to, &part[b]);
    *(float *)c->out[0]->data = (float)lac_sum_block_parts(part);
    *(float *)c->out[1]->data = (float)c->in[0]->dim[0];
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(cross_entropy_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

/* g (softmax - 1 at the target). */
LAC_BODY void backward(const lac_op_ctx *c, int64_t r, float g, lac_dtype d, lac_dtype dg)
{
    const int64_t n = c->in[0]->dim[1], target = target_of(c, r);
    const void *restrict l = lac_at(c->in[0]->data, r * n, d);
    void *restrict gl = lac_at(c->gin[0]->data, r * n, dg);
    const float all = target < 0 ? NAN : ((const float *)c->out[2]->data)[r];
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        lac_put(gl, k, dg, g * (lac_exp(lac_ld(l, k, d) - all) - (k == target ? 1.0f : 0.0f)), c->add[0]);
}

lac_status LAC_CPU(cross_entropy_backward)(const lac_op_ctx *c)
{
    const float g = c->gout[0] != NULL ? *(const float *)c->gout[0]->data : 0.0f;
    LAC_PARALLEL_FOR(r, c->in[0]->dim[0])
        LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gin[0]->dtype, backward, c, r, g);
    return LAC_OK;
}
