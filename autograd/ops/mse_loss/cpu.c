#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/rows.h"

/* At most 256 terms are added in f32, then the sum goes on in double. */
LAC_BODY void forward(const lac_op_ctx *c, int64_t from, int64_t to, double *sum, lac_dtype dx, lac_dtype dy)
{
    const void *restrict x = c->in[0]->data, *restrict y = c->in[1]->data;
    for (int64_t i = from; i < to; i += 256) {
        const int64_t end = LAC_MIN(i + 256, to);
        float s = 0;
        #pragma omp simd reduction(+ : s)
        for (int64_t k = i; k < end; k++) {
            const float e = lac_ld(x, k, dx) - lac_ld(y, k, dy);
            s = lac_fma(e, e, s);
        }
        *sum += (double)s;
    }
}

static double weight(const lac_op_ctx *c, int64_t n) { return c->in[2] != NULL ? (double)((const float *)c->in[2]->data)[n] : 1.0; }

static int64_t elements(const lac_tensor *x) { return x->dim[0] ? lac_numel(x) / x->dim[0] : 0; }

lac_status LAC_CPU(mse_loss_forward)(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const int64_t each = elements(x);
    float *mean = c->out[2]->data;
    double sum = 0;
    for (int64_t n = 0; n < x->dim[0]; n++) {
        double part[LAC_BLOCKS] = { 0 };
        LAC_PARALLEL_BLOCKS(b, from, to, each)
            LAC_EACH_DTYPE_2(x->dtype, c->in[1]->dtype, forward, c, n * each + from, n * each + to, &part[b]);
        const double s = weight(c, n) * lac_sum_block_parts(part);
        mean[n] = each ? (float)(s / (double)each) : 0.0f;
        sum += s;
    }
    *(float *)c->out[0]->data = (float)sum;
    *(float *)c->out[1]->data = (float)lac_numel(x);
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(mse_loss_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

LAC_BODY void backward(const lac_op_ctx *c, int which, float g, int64_t from, int64_t to, lac_dtype dx, lac_dtype dy, lac_dtype dg)
{
    const void *restrict x = c->in[0]->data, *restrict y = c->in[1]->data;
    void *restrict gx = c->gin[which]->data;
    const bool add = c->add[which];
    #pragma omp simd
    for (int64_t k = from; k < to; k++)
        lac_put(gx, k, dg, g * (lac_ld(x, k, dx) - lac_ld(y, k, dy)), add);
}

/* What a difference of sample n is multiplied by. */
static float slope(const lac_op_ctx *c, int64_t n, int64_t each)
{
    const lac_tensor *sum = c->gout[0], *mean = c->gout[2];
    double g = sum != NULL ? (double)*(const float *)sum->data : 0;
    if (mean != NULL)
        g += (double)((const float *)mean->data)[n] / (double)each;
    return (float)(2 * weight(c, n) * g);
}

lac_status LAC_CPU(mse_loss_backward)(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const int64_t each = elements(x);
    for (int which = 0; which < 2; which++)
        for (int64_t n = 0; each > 0 && c->gin[which] != NULL && n < x->dim[0]; n++) {
            const float g = which == 0 ? slope(c, n, each) : -slope(c, n, each);
            LAC_PARALLEL_BLOCKS(b, from, to, each)
                LAC_EACH_DTYPE_3(x->dtype, c->in[1]->dtype, c->gin[which]->dtype, backward, c, which, g, n * each + from, n * each + to);
        }
    return LAC_OK;
}
