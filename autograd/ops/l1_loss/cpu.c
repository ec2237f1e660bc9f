#include "autograd/ops/l1_loss/l1_loss.h"
#include "autograd/ops/rows.h"

/* Pixels and elements of each; without a mask every element is a pixel of its own. */
typedef struct extent { int64_t pixels, n, n_mask; const float *w; bool valid; } extent;

static extent extent_of(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *w = c->in[2];
    if (w == NULL)
        return (extent){ .pixels = lac_numel(x), .n = 1 };
    return (extent){ x->dim[0] * x->dim[1] * x->dim[2], x->dim[3], lac_numel(w), w->data, ((const lac_l1_loss_attr *)c->attr)->region == LAC_REGION_VALID };
}

/* The mask is walked round: q is the pixel of it that belongs to p. */
#define EACH_PIXEL(p, q, from, to, e) (int64_t p = from, q = (e)->n_mask ? p % (e)->n_mask : 0; p < to; p++, q = q + 1 < (e)->n_mask ? q + 1 : 0)

LAC_BODY float weight(const extent *e, int64_t q) { return e->valid ? 1.0f - e->w[q] : e->w[q]; }

/* At most 256 terms are added in f32, then the sum goes on in double. */
LAC_BODY void forward_all(const lac_op_ctx *c, int64_t from, int64_t to, double *sum, lac_dtype dx, lac_dtype dy)
{
    const void *restrict x = c->in[0]->data, *restrict y = c->in[1]->data;
    for (int64_t i = from; i < to; i += 256) {
        const int64_t end = LAC_MIN(i + 256, to);
        float s = 0;
        #pragma omp simd reduction(+ : s)
        for (int64_t k = i; k < end; k++) {
            const float e = lac_ld(x, k, dx) - lac_ld(y, k, dy);
            s += e < 0 ? -e : e;
        }
        *sum += (double)s;
    }
}

/* n, the channels, is a constant where it is 3. */
LAC_BODY void forward_pixels(const lac_op_ctx *c, const extent *t, int64_t from, int64_t to, double *sum, double *count, int64_t n, lac_dtype dx, lac_dtype dy)
{
    const void *restrict x = c->in[0]->data, *restrict y = c->in[1]->data;
    for EACH_PIXEL(p, q, from, to, t) {
        const float v = weight(t, q);
        float s = 0;
        for (int64_t k = p * n; k < (p + 1) * n; k++) {
            const float e = lac_ld(x, k, dx) - lac_ld(y, k, dy);
            s += e < 0 ? -e : e;
        }
        *sum += (double)v * (double)s;
        *count += (double)v * (double)n;
    }
}

LAC_BODY void forward_masked(const lac_op_ctx *c, const extent *t, int64_t from, int64_t to, double *sum, double *count, lac_dtype dx, lac_dtype dy)
{
    if (t->n == 3)
        forward_pixels(c, t, from, to, sum, count, 3, dx, dy);
    else
        forward_pixels(c, t, from, to, sum, count, t->n, dx, dy);
}

lac_status LAC_CPU(l1_loss_forward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    double sum[LAC_BLOCKS] = { 0 }, count[LAC_BLOCKS] = { 0 };
    LAC_PARALLEL_BLOCKS(b, from, to, e.pixels) {
        if (e.w == NULL) {
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->in[1]->dtype, forward_all, c, from, to, &sum[b]);
            count[b] = (double)(to - from);
        } else {
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->in[1]->dtype, forward_masked, c, &e, from, to, &sum[b], &count[b]);
        }
    }
    *(float *)c->out[0]->data = (float)lac_sum_block_parts(sum);
    *(float *)c->out[1]->data = (float)lac_sum_block_parts(count);
    return LAC_OK;
}

/* Nothing: the sums of blocks lie on the stack. */
lac_status LAC_CPU(l1_loss_workspace)(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

LAC_BODY float sign_of(float e) { return e > 0 ? 1.0f : e < 0 ? -1.0f : 0.0f; }

LAC_BODY void backward_all(const lac_op_ctx *c, int which, float g, int64_t from, int64_t to, lac_dtype dx, lac_dtype dy, lac_dtype dg)
{
    const void *restrict x = c->in[0]->data, *restrict y = c->in[1]->data;
    void *restrict gx = c->gin[which]->data;
    const bool add = c->add[which];
    #pragma omp simd
    for (int64_t k = from; k < to; k++)
        lac_put(gx, k, dg, g * sign_of(lac_ld(x, k, dx) - lac_ld(y, k, dy)), add);
}

LAC_BODY void backward_pixels(const lac_op_ctx *c, const extent *t, int which, float g, int64_t from, int64_t to, int64_t n, lac_dtype dx, lac_dtype dy, lac_dtype dg)
{
    const void *restrict x = c->in[0]->data, *restrict y = c->in[1]->data;
    void *restrict gx = c->gin[which]->data;
    const bool add = c->add[which];
    for EACH_PIXEL(p, q, from, to, t) {
        const float share = g * weight(t, q);
        for (int64_t k = p * n; k < (p + 1) * n; k++)
            lac_put(gx, k, dg, share * sign_of(lac_ld(x, k, dx) - lac_ld(y, k, dy)), add);
    }
}

LAC_BODY void backward(const lac_op_ctx *c, const extent *t, int which, float g, int64_t from, int64_t to, lac_dtype dx, lac_dtype dy, lac_dtype dg)
{
    if (t->w == NULL)
        backward_all(c, which, g, from, to, dx, dy, dg);
    else if (t->n == 3)
        backward_pixels(c, t, which, g, from, to, 3, dx, dy, dg);
    else
        backward_pixels(c, t, which, g, from, to, t->n, dx, dy, dg);
}

lac_status LAC_CPU(l1_loss_backward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    const float up = c->gout[0] ? lac_ld(c->gout[0]->data, 0, c->gout[0]->dtype) : 0.0f;
    for (int which = 0; which < 2; which++) {
        const float g = which == 0 ? up : -up;
        if (c->gin[which] != NULL)
            LAC_PARALLEL_BLOCKS(b, from, to, e.pixels)
                LAC_EACH_DTYPE_3(c->in[0]->dtype, c->in[1]->dtype, c->gin[which]->dtype, backward, c, &e, which, g, from, to);
    }
    return LAC_OK;
}
