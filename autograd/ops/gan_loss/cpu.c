#include "autograd/ops/gan_loss/formula.h"
#include "autograd/ops/rows.h"

LAC_BODY void sum_up(const lac_op_ctx *c, const gan_line *l, int64_t from, int64_t to, double *sum, gan_bend bend, lac_dtype d)
{
    const void *restrict x = c->in[0]->data;
    double s = 0;
    #pragma omp simd reduction(+ : s)
    for (int64_t i = from; i < to; i++)
        s += (double)gan_value(l->margin, l->sign, bend, lac_ld(x, i, d));
    *sum = s;
}

LAC_BODY void forward(const lac_op_ctx *c, const gan_line *l, int64_t from, int64_t to, double *sum, lac_dtype d)
{
    switch (l->bend) {          /* as a constant: each loop is vectorised for itself */
    case GAN_STRAIGHT: sum_up(c, l, from, to, sum, GAN_STRAIGHT, d); break;
    case GAN_CUT: sum_up(c, l, from, to, sum, GAN_CUT, d); break;
    case GAN_SOFT: sum_up(c, l, from, to, sum, GAN_SOFT, d); break;
    }
}

LAC_BODY void slopes(const lac_op_ctx *c, const gan_line *l, float g, int64_t from, int64_t to, gan_bend bend, lac_dtype d, lac_dtype dgx)
{
    const void *restrict x = c->in[0]->data;
    void *restrict gx = c->gin[0]->data;
    const bool add = c->add[0];
    #pragma omp simd
    for (int64_t i = from; i < to; i++)
        lac_put(gx, i, dgx, g * gan_slope(l->margin, l->sign, bend, lac_ld(x, i, d)), add);
}

LAC_BODY void backward(const lac_op_ctx *c, const gan_line *l, float g, int64_t from, int64_t to, lac_dtype d, lac_dtype dgx)
{
    switch (l->bend) {
    case GAN_STRAIGHT: slopes(c, l, g, from, to, GAN_STRAIGHT, d, dgx); break;
    case GAN_CUT: slopes(c, l, g, from, to, GAN_CUT, d, dgx); break;
    case GAN_SOFT: slopes(c, l, g, from, to, GAN_SOFT, d, dgx); break;
    }
}

static gan_line line_of(const lac_op_ctx *c) { return gan_line_of(((const lac_gan_loss_attr *)c->attr)->term); }

lac_status LAC_CPU(gan_loss_forward)(const lac_op_ctx *c)
{
    const gan_line l = line_of(c);
    double sum[LAC_BLOCKS] = { 0 };
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0]))
        LAC_EACH_DTYPE(c->in[0]->dtype, forward, c, &l, from, to, &sum[b]);
    *(float *)c->out[0]->data = (float)lac_sum_block_parts(sum);
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(gan_loss_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

lac_status LAC_CPU(gan_loss_backward)(const lac_op_ctx *c)
{
    const gan_line l = line_of(c);
    const float g = c->gout[0] ? lac_ld(c->gout[0]->data, 0, c->gout[0]->dtype) : 0.0f;
    if (c->gin[0] != NULL)
        LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0]))
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gin[0]->dtype, backward, c, &l, g, from, to);
    return LAC_OK;
}
