#include "autograd/ops/hinge_loss/hinge_loss.h"
#include "autograd/ops/rows.h"

/* A term is margin + sign * x, cut at 0 from below on request. */
typedef struct line { float margin, sign; bool cut; } line;

static line line_of(const lac_op_ctx *c)
{
    switch (((const lac_hinge_loss_attr *)c->attr)->kind) {
    case LAC_HINGE_REAL: return (line){ 1, -1, true };
    case LAC_HINGE_FAKE: return (line){ 1, 1, true };
    case LAC_HINGE_PLUS: return (line){ 0, 1, false };
    default: return (line){ 0, -1, false };
    }
}

LAC_BODY void forward(const lac_op_ctx *c, const line *l, int64_t from, int64_t to, double *sum, lac_dtype d)
{
    const void *restrict x = c->in[0]->data;
    double s = 0;
    #pragma omp simd reduction(+ : s)
    for (int64_t i = from; i < to; i++) {
        const float v = l->margin + l->sign * lac_ld(x, i, d);
        s += (double)(l->cut && v < 0 ? 0.0f : v);
    }
    *sum = s;
}

LAC_BODY void backward(const lac_op_ctx *c, const line *l, float g, int64_t from, int64_t to, lac_dtype d, lac_dtype dgx)
{
    const void *restrict x = c->in[0]->data;
    void *restrict gx = c->gin[0]->data;
    const bool add = c->add[0];
    #pragma omp simd
    for (int64_t i = from; i < to; i++) {
        const float v = l->margin + l->sign * lac_ld(x, i, d);
        lac_put(gx, i, dgx, l->cut && !(v > 0) ? 0.0f : l->sign * g, add);
    }
}

lac_status LAC_CPU(hinge_loss_forward)(const lac_op_ctx *c)
{
    const line l = line_of(c);
    double sum[LAC_BLOCKS] = { 0 };
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0]))
        LAC_EACH_DTYPE(c->in[0]->dtype, forward, c, &l, from, to, &sum[b]);
    *(float *)c->out[0]->data = (float)lac_sum_block_parts(sum);
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(hinge_loss_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

lac_status LAC_CPU(hinge_loss_backward)(const lac_op_ctx *c)
{
    const line l = line_of(c);
    const float g = c->gout[0] ? lac_ld(c->gout[0]->data, 0, c->gout[0]->dtype) : 0.0f;
    if (c->gin[0] != NULL)
        LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0]))
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gin[0]->dtype, backward, c, &l, g, from, to);
    return LAC_OK;
}
