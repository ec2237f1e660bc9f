#include "autograd/ops/dice_loss/dice_loss.h"
#include "autograd/ops/dice_loss/formula.h"
#include "autograd/ops/rows.h"

/* Of a sample's block: sum p y and sum p + y. */
LAC_BODY void add_up(const lac_op_ctx *c, int64_t from, int64_t to, double *both, double *all, lac_dtype d)
{
    const void *restrict x = c->in[0]->data;
    const float *restrict y = c->in[1]->data;
    double s = 0, sum = 0;
    #pragma omp simd reduction(+ : s, sum)
    for (int64_t i = from; i < to; i++) {
        const float p = lac_sigmoid(lac_ld(x, i, d));
        s += (double)p * (double)y[i];
        sum += (double)p + (double)y[i];
    }
    *both = s;
    *all = sum;
}

static int64_t elements(const lac_tensor *x) { return x->dim[0] ? lac_numel(x) / x->dim[0] : 0; }

lac_status LAC_CPU(dice_loss_forward)(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const int64_t each = elements(x);
    float *sums = c->out[1] != NULL ? c->out[1]->data : NULL;
    double sum = 0;
    for (int64_t n = 0; n < x->dim[0]; n++) {
        double both[LAC_BLOCKS] = { 0 }, all[LAC_BLOCKS] = { 0 };
        LAC_PARALLEL_BLOCKS(b, from, to, each)
            LAC_EACH_DTYPE(x->dtype, add_up, c, n * each + from, n * each + to, &both[b], &all[b]);
        const double s = lac_sum_block_parts(both), a = lac_sum_block_parts(all);
        sum += dice_term(s, a);
        if (sums != NULL) {
            sums[2 * n] = (float)s;
            sums[2 * n + 1] = (float)a;
        }
    }
    *(float *)c->out[0]->data = (float)sum;
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(dice_loss_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

LAC_BODY void backward(const lac_op_ctx *c, const float *at, int64_t from, int64_t to, lac_dtype d, lac_dtype dg)
{
    const void *restrict x = c->in[0]->data;
    const float *restrict y = c->in[1]->data;
    void *restrict gx = c->gin[0]->data;
    const bool add = c->add[0];
    #pragma omp simd
    for (int64_t i = from; i < to; i++)
        lac_put(gx, i, dg, dice_grad(at, lac_ld(x, i, d), y[i]), add);
}

lac_status LAC_CPU(dice_loss_backward)(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const int64_t each = elements(x);
    const float *sums = c->out[1]->data, g = *(const float *)c->gout[0]->data;
    for (int64_t n = 0; c->gin[0] != NULL && n < x->dim[0]; n++) {
        float at[2];
        dice_slopes((double)sums[2 * n], (double)sums[2 * n + 1], (double)g, at);
        LAC_PARALLEL_BLOCKS(b, from, to, each)
            LAC_EACH_DTYPE_2(x->dtype, c->gin[0]->dtype, backward, c, at, n * each + from, n * each + to);
    }
    return LAC_OK;
}
