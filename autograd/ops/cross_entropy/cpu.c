#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "autograd/ops/cross_entropy/formula.h"
#include "autograd/ops/rows.h"

static bool is_wide(const lac_op_ctx *c) { return c->in[1] != NULL && c->in[1]->dtype == LAC_I64; }
static bool alike(const lac_op_ctx *c, bool wide, int64_t r, int64_t k) { return lac_named_alike(c->in[1]->data, c->in[2]->data, wide, r, k); }

static int64_t target_of(const lac_op_ctx *c, int64_t r)
{
    const lac_tensor *ids = c->in[1];
    return lac_target(ids != NULL ? ids->data : NULL, is_wide(c), r, c->in[0]->dim[1]);
}

static int64_t columns_of_name(const lac_op_ctx *c, int64_t r)
{
    const bool wide = is_wide(c);
    int64_t n = 0;
    for (int64_t k = 0; k < c->in[2]->dim[0]; k++)
        n += alike(c, wide, r, k);
    return n;
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

/* What is taken off the logarithm: the target's logit, or the mean of those of the row's name; NaN where there is none. */
LAC_BODY double wanted(const lac_op_ctx *c, const void *restrict l, int64_t r, lac_dtype d)
{
    const int64_t target = c->in[2] == NULL ? target_of(c, r) : -1;
    const bool wide = is_wide(c);
    double sum = 0, n = 0;
    if (c->in[2] == NULL)
        return target < 0 ? (double)NAN : (double)lac_ld(l, target, d);
    for (int64_t k = 0; k < c->in[2]->dim[0]; k++)
        if (alike(c, wide, r, k)) {
            sum += (double)lac_ld(l, k, d);
            n++;
        }
    return n > 0 ? sum / n : (double)NAN;
}

/* Rows [from, to); one with NaN among its logits gives NaN. */
LAC_BODY void forward(const lac_op_ctx *c, int64_t from, int64_t to, double *part, lac_dtype d)
{
    const int64_t n = c->in[0]->dim[1];
    for (int64_t r = from; r < to; r++) {
        const void *l = lac_at(c->in[0]->data, r * n, d);
        const float all = log_sum(l, n, d);
        if (c->out[2] != NULL)
            ((float *)c->out[2]->data)[r] = all;
        *part += (double)all - wanted(c, l, r, d);
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

/* g (softmax - a share at each of the row's name). */
LAC_BODY void backward_named(const lac_op_ctx *c, int64_t r, float g, lac_dtype d, lac_dtype dg)
{
    const int64_t n = c->in[0]->dim[1], alike_n = columns_of_name(c, r);
    const void *restrict l = lac_at(c->in[0]->data, r * n, d);
    void *restrict gl = lac_at(c->gin[0]->data, r * n, dg);
    const float all = alike_n > 0 ? ((const float *)c->out[2]->data)[r] : NAN, share = 1.0f / (float)alike_n;
    const bool wide = is_wide(c);
    for (int64_t k = 0; k < n; k++)
        lac_put(gl, k, dg, g * (lac_exp(lac_ld(l, k, d) - all) - (alike(c, wide, r, k) ? share : 0.0f)), c->add[0]);
}

lac_status LAC_CPU(cross_entropy_backward)(const lac_op_ctx *c)
{
    const float g = c->gout[0] != NULL ? *(const float *)c->gout[0]->data : 0.0f;
    LAC_PARALLEL_FOR(r, c->in[0]->dim[0]) {
        if (c->in[2] == NULL)
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gin[0]->dtype, backward, c, r, g);
        else
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gin[0]->dtype, backward_named, c, r, g);
    }
    return LAC_OK;
}
