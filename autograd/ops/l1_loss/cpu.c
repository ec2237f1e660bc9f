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

LAC_BODY float weight(const extent *e, int64_t p)
{
    return e->valid ? 1.0f - e->w[p % e->n_mask] : e->w[p % e->n_mask];
}

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

LAC_BODY void forward_masked(const lac_op_ctx *c, const extent *t, int64_t from, int64_t to, double *sum, double *count, lac_dtype dx, lac_dtype dy)
{
    const void *restrict x = c->in[0]->data, *restrict y = c->in[1]->data;
    for (int64_t p = from; p < to; p++) {
        const float v = weight(t, p);
        float s = 0;
        for (int64_t k = p * t->n; k < (p + 1) * t->n; k++) {
            const float e = lac_ld(x, k, dx) - lac_ld(y, k, dy);
            s += e < 0 ? -e : e;
        }
        *sum += (double)v * (double)s;
        *count += (double)v * (double)t->n;
    }
}

lac_status LAC_CPU(l1_loss_forward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    double sum[LAC_BLOCKS] = { 0 }, count[LAC_BLOCKS] = { 0 }, s = 0, n = 0;
    LAC_PARALLEL_BLOCKS(b, from, to, e.pixels) {
        if (e.w == NULL) {
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->in[1]->dtype, forward_all, c, from, to, &sum[b]);
            count[b] = (double)(to - from);
        } else {
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->in[1]->dtype, forward_masked, c, &e, from, to, &sum[b], &count[b]);
        }
    }
    for (int b = 0; b < LAC_BLOCKS; b++) {
        s += sum[b];
        n += count[b];
    }
    *(float *)c->out[0]->data = (float)s;
    *(float *)c->out[1]->data = (float)n;
    return LAC_OK;
}

LAC_BODY float sign_of(float e) { return e > 0 ? 1.0f : e < 0 ? -1.0f : 0.0f; }

LAC_BODY void backward(const lac_op_ctx *c, const extent *t, int which, float g, int64_t from, int64_t to, lac_dtype dx, lac_dtype dy, lac_dtype dg)
{
    const void *restrict x = c->in[0]->data, *restrict y = c->in[1]->data;
    void *restrict gx = c->gin[which]->data;
    const bool add = c->add[which];
    if (t->w == NULL) {
        #pragma omp simd
        for (int64_t k = from; k < to; k++)
            lac_put(gx, k, dg, g * sign_of(lac_ld(x, k, dx) - lac_ld(y, k, dy)), add);
        return;
    }
    for (int64_t p = from; p < to; p++)
        for (int64_t k = p * t->n; k < (p + 1) * t->n; k++)
            lac_put(gx, k, dg, g * weight(t, p) * sign_of(lac_ld(x, k, dx) - lac_ld(y, k, dy)), add);
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
