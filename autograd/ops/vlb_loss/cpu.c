#include "autograd/ops/vlb_loss/vlb_loss.h"
#include "autograd/ops/vlb_loss/formula.h"
#include "autograd/ops/rows.h"

static const float *row_of(const lac_op_ctx *c, int64_t n) { return (const float *)c->in[4]->data + n * VLB_ROW; }

static int64_t elements(const lac_tensor *x) { return x->dim[0] ? lac_numel(x) / x->dim[0] : 0; }

LAC_BODY void divergences(const lac_op_ctx *c, const float *row, int64_t from, int64_t to, double *sum, lac_dtype dv, lac_dtype dy)
{
    const void *restrict v = c->in[0]->data, *restrict y = c->in[1]->data;
    const float *restrict target = c->in[2]->data;
    double s = 0;
    #pragma omp simd reduction(+ : s)
    for (int64_t i = from; i < to; i++) {
        float slope;
        s += (double)vlb_divergence(row[VLB_MEAN] * (target[i] - lac_ld(y, i, dy)), row[VLB_LEAST], vlb_above(lac_ld(v, i, dv), row), &slope);
    }
    *sum = s;
}

LAC_BODY void surprises(const lac_op_ctx *c, const float *row, int64_t from, int64_t to, double *sum, lac_dtype dv, lac_dtype dy)
{
    const void *restrict v = c->in[0]->data, *restrict y = c->in[1]->data;
    const float *restrict target = c->in[2]->data, *restrict x0 = c->in[3]->data;
    double s = 0;
    for (int64_t i = from; i < to; i++) {
        float slope;
        s += (double)vlb_surprise(row[VLB_MEAN] * (target[i] - lac_ld(y, i, dy)), x0[i], row[VLB_LEAST] + vlb_above(lac_ld(v, i, dv), row), &slope);
    }
    *sum = s;
}

lac_status LAC_CPU(vlb_loss_forward)(const lac_op_ctx *c)
{
    const lac_tensor *v = c->in[0], *y = c->in[1];
    const int64_t each = elements(v);
    double sum = 0;
    for (int64_t n = 0; n < v->dim[0]; n++) {
        const float *row = row_of(c, n);
        double part[LAC_BLOCKS] = { 0 };
        LAC_PARALLEL_BLOCKS(b, from, to, each) {
            if (row[VLB_FIRST] > 0.5f)
                LAC_EACH_DTYPE_2(v->dtype, y->dtype, surprises, c, row, n * each + from, n * each + to, &part[b]);
            else
                LAC_EACH_DTYPE_2(v->dtype, y->dtype, divergences, c, row, n * each + from, n * each + to, &part[b]);
        }
        sum += lac_sum_block_parts(part);
    }
    *(float *)c->out[0]->data = (float)(sum * (double)VLB_BITS);
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(vlb_loss_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

/* g: d sum / d v by the slope. */
LAC_BODY void divergences_backward(const lac_op_ctx *c, const float *row, float g, int64_t from, int64_t to, lac_dtype dv, lac_dtype dy, lac_dtype dg)
{
    const void *restrict v = c->in[0]->data, *restrict y = c->in[1]->data;
    const float *restrict target = c->in[2]->data;
    void *restrict gv = c->gin[0]->data;
    const bool add = c->add[0];
    #pragma omp simd
    for (int64_t i = from; i < to; i++) {
        float slope;
        vlb_divergence(row[VLB_MEAN] * (target[i] - lac_ld(y, i, dy)), row[VLB_LEAST], vlb_above(lac_ld(v, i, dv), row), &slope);
        lac_put(gv, i, dg, g * slope, add);
    }
}

LAC_BODY void surprises_backward(const lac_op_ctx *c, const float *row, float g, int64_t from, int64_t to, lac_dtype dv, lac_dtype dy, lac_dtype dg)
{
    const void *restrict v = c->in[0]->data, *restrict y = c->in[1]->data;
    const float *restrict target = c->in[2]->data, *restrict x0 = c->in[3]->data;
    void *restrict gv = c->gin[0]->data;
    const bool add = c->add[0];
    for (int64_t i = from; i < to; i++) {
        float slope;
        vlb_surprise(row[VLB_MEAN] * (target[i] - lac_ld(y, i, dy)), x0[i], row[VLB_LEAST] + vlb_above(lac_ld(v, i, dv), row), &slope);
        lac_put(gv, i, dg, g * slope, add);
    }
}

lac_status LAC_CPU(vlb_loss_backward)(const lac_op_ctx *c)
{
    const lac_tensor *v = c->in[0], *y = c->in[1], *gv = c->gin[0];
    const int64_t each = elements(v);
    for (int64_t n = 0; gv != NULL && n < v->dim[0]; n++) {
        const float *row = row_of(c, n), g = *(const float *)c->gout[0]->data * VLB_BITS * 0.5f * row[VLB_SPAN];
        LAC_PARALLEL_BLOCKS(b, from, to, each) {
            if (row[VLB_FIRST] > 0.5f)
                LAC_EACH_DTYPE_3(v->dtype, y->dtype, gv->dtype, surprises_backward, c, row, g, n * each + from, n * each + to);
            else
                LAC_EACH_DTYPE_3(v->dtype, y->dtype, gv->dtype, divergences_backward, c, row, g, n * each + from, n * each + to);
        }
    }
    return LAC_OK;
}
