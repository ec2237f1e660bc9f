#include "autograd/ops/resize/formula.h"
#include "autograd/ops/rows.h"

/* The taps of every output index along one axis, in the workspace. */
typedef struct axis { int64_t in, out, taps; int32_t *index; float *weight; } axis;

static axis axis_shape(const lac_op_ctx *c, int dim)
{
    const lac_resize_attr *a = c->attr;
    axis x = { .in = c->in[0]->dim[dim], .out = c->out[0]->dim[dim] };
    x.taps = a->mode == LAC_RESIZE_MAX ? 0 : lac_resize_taps(a->mode, x.in, x.out);
    return x;
}

static size_t axis_bytes(const axis *x) { return ((size_t)(x->taps * x->out) * (sizeof(int32_t) + sizeof(float)) + 63) & ~(size_t)63; }

static axis axis_at(const lac_op_ctx *c, int dim, void *memory)
{
    const lac_resize_attr *a = c->attr;
    axis x = axis_shape(c, dim);
    x.index = memory;
    x.weight = (float *)(x.index + x.taps * x.out);
    for (int64_t j = 0; j < x.out; j++)
        lac_resize_axis(x.index + j * x.taps, x.weight + j * x.taps, a->mode, a->align_corners, j, x.in, x.out);
    return x;
}

/* Tap tables of both axes; backward adds, in f32, gy folded along the height, [N, H, width, C], and a row of x per block. */
lac_status LAC_CPU(resize_workspace)(const lac_op_ctx *c, size_t *size)
{
    const axis h = axis_shape(c, 1), w = axis_shape(c, 2);
    const size_t folded = (size_t)((c->in[0]->dim[0] * h.in * w.out + LAC_BLOCKS * w.in) * c->in[0]->dim[3]) * sizeof(float);
    *size = axis_bytes(&h) + axis_bytes(&w) + (c->backward ? folded : 0);
    return LAC_OK;
}

LAC_BODY void forward_pixel(const lac_op_ctx *c, const axis *h, const axis *w, int64_t p, lac_dtype d)
{
    const int64_t n = c->in[0]->dim[3], j = p % w->out, i = p / w->out % h->out, sample = p / w->out / h->out;
    const void *restrict x = c->in[0]->data;
    void *restrict y = c->out[0]->data;
    for (int64_t k = 0; k < n; k++) {
        float sum = 0;
        for (int64_t a = 0; a < h->taps; a++) {
            const int64_t row = (sample * h->in + h->index[i * h->taps + a]) * w->in;
            float line = 0;
            for (int64_t b = 0; b < w->taps; b++)
                line = lac_fma(w->weight[j * w->taps + b], lac_ld(x, (row + w->index[j * w->taps + b]) * n + k, d), line);
            sum = lac_fma(h->weight[i * h->taps + a], line, sum);
        }
        lac_st(y, p * n + k, d, sum);
    }
}

LAC_BODY void block_maximum(const lac_op_ctx *c, int64_t p, lac_dtype d)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const int64_t tall = x->dim[1] / y->dim[1], wide = x->dim[2] / y->dim[2], n = x->dim[3];
    const int64_t j = p % y->dim[2], i = p / y->dim[2];
    for (int64_t k = 0; k < n; k++) {
        float best = lac_ld(x->data, (i * tall * x->dim[2] + j * wide) * n + k, d);
        for (int64_t at = 1; at < tall * wide; at++) {
            const float v = lac_ld(x->data, ((i * tall + at / wide) * x->dim[2] + j * wide + at % wide) * n + k, d);
            best = v > best || v != v ? v : best;
        }
        lac_st(y->data, p * n + k, d, best);
    }
}

lac_status LAC_CPU(resize_forward)(const lac_op_ctx *c)
{
    const lac_tensor *y = c->out[0];
    const int64_t pixels = y->dim[0] * y->dim[1] * y->dim[2];
    if (((const lac_resize_attr *)c->attr)->mode == LAC_RESIZE_MAX) {
        LAC_PARALLEL_FOR(p, pixels)
            LAC_EACH_DTYPE(y->dtype, block_maximum, c, p);
        return LAC_OK;
    }
    const axis h = axis_at(c, 1, c->workspace), w = axis_at(c, 2, (char *)c->workspace + axis_bytes(&h));
    LAC_PARALLEL_FOR(p, pixels)
        LAC_EACH_DTYPE(y->dtype, forward_pixel, c, &h, &w, p);
    return LAC_OK;
}

/* Column p of [N, width]: folds gy along the height; a column belongs to one thread, so nothing is written twice at once. */
LAC_BODY void fold_height(const lac_op_ctx *c, const axis *h, float *restrict folded, int64_t p, lac_dtype dgy)
{
    const int64_t wide = c->out[0]->dim[2], n = c->in[0]->dim[3], sample = p / wide, j = p % wide;
    for (int64_t i = 0; i < h->in; i++)
        memset(folded + ((sample * h->in + i) * wide + j) * n, 0, (size_t)n * sizeof *folded);
    for (int64_t at = 0; at < h->out * h->taps; at++) {
        const float weight = h->weight[at];
        const int64_t from = ((sample * h->out + at / h->taps) * wide + j) * n;
        float *restrict to = folded + ((sample * h->in + h->index[at]) * wide + j) * n;
        #pragma omp simd
        for (int64_t k = 0; k < n; k++)
            to[k] = lac_fma(weight, lac_ld(c->gout[0]->data, from + k, dgy), to[k]);
    }
}

/* Row r of [N, H]: folds along the width into sum, [W, C], and stores it. */
LAC_BODY void fold_width(const lac_op_ctx *c, const axis *w, const float *restrict folded, float *restrict sum, int64_t r, lac_dtype dgx)
{
    const int64_t n = c->in[0]->dim[3], all = w->in * n;
    memset(sum, 0, (size_t)all * sizeof *sum);
    for (int64_t at = 0; at < w->out * w->taps; at++) {
        const float weight = w->weight[at], *restrict from = folded + (r * w->out + at / w->taps) * n;
        float *restrict to = sum + w->index[at] * n;
        #pragma omp simd
        for (int64_t k = 0; k < n; k++)
            to[k] = lac_fma(weight, from[k], to[k]);
    }
    #pragma omp simd
    for (int64_t k = 0; k < all; k++)
        lac_put(c->gin[0]->data, r * all + k, dgx, sum[k], c->add[0]);
}

lac_status LAC_CPU(resize_backward)(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    if (c->gin[0] == NULL)
        return LAC_OK;
    if (((const lac_resize_attr *)c->attr)->mode == LAC_RESIZE_MAX)
        return LAC_FAIL(LAC_ERR_STATE, "resize: the block maximum has no gradient");
    const axis h = axis_at(c, 1, c->workspace), w = axis_at(c, 2, (char *)c->workspace + axis_bytes(&h));
    float *folded = (float *)((char *)c->workspace + axis_bytes(&h) + axis_bytes(&w));
    LAC_PARALLEL_FOR(p, x->dim[0] * w.out)
        LAC_EACH_DTYPE(c->gout[0]->dtype, fold_height, c, &h, folded, p);
    float *sums = folded + x->dim[0] * h.in * w.out * x->dim[3];
    LAC_PARALLEL_BLOCKS(b, from, to, x->dim[0] * h.in)
        for (int64_t r = from; r < to; r++)
            LAC_EACH_DTYPE(c->gin[0]->dtype, fold_width, c, &w, folded, sums + b * w.in * x->dim[3], r);
    return LAC_OK;
}
