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

enum { RUN = 64 };

/* n channels from `at` on of output pixel (i, j) of a sample: lines of taps along the width, summed along the height. */
LAC_BODY void forward_run(const lac_op_ctx *c, const axis *h, const axis *w, int64_t sample, int64_t i, int64_t j, int64_t at, int64_t n, lac_dtype d)
{
    const int64_t channels = c->in[0]->dim[3];
    const void *restrict x = c->in[0]->data;
    float sum[RUN] = { 0 };
    for (int64_t a = 0; a < h->taps; a++) {
        const int64_t row = (sample * h->in + h->index[i * h->taps + a]) * w->in;
        const float tall = h->weight[i * h->taps + a];
        float line[RUN] = { 0 };
        for (int64_t b = 0; b < w->taps; b++) {
            const int64_t from = (row + w->index[j * w->taps + b]) * channels + at;
            const float wide = w->weight[j * w->taps + b];
            #pragma omp simd
            for (int64_t k = 0; k < n; k++)
                line[k] = lac_fma(wide, lac_ld(x, from + k, d), line[k]);
        }
        #pragma omp simd
        for (int64_t k = 0; k < n; k++)
            sum[k] = lac_fma(tall, line[k], sum[k]);
    }
    const int64_t to = ((sample * h->out + i) * w->out + j) * channels + at;
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        lac_st(c->out[0]->data, to + k, d, sum[k]);
}

LAC_BODY void forward_row(const lac_op_ctx *c, const axis *h, const axis *w, int64_t r, lac_dtype d)
{
    const int64_t channels = c->in[0]->dim[3], whole = channels / RUN * RUN;
    for (int64_t j = 0; j < w->out; j++) {
        for (int64_t at = 0; at < whole; at += RUN)
            forward_run(c, h, w, r / h->out, r % h->out, j, at, RUN, d);
        if (whole < channels)
            forward_run(c, h, w, r / h->out, r % h->out, j, whole, channels - whole, d);
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
    LAC_PARALLEL_FOR(r, y->dim[0] * y->dim[1])
        LAC_EACH_DTYPE(y->dtype, forward_row, c, &h, &w, r);
    return LAC_OK;
}

enum { COLUMNS = 16 };

/* Some columns of a sample, [first, first + COLUMNS): folds gy along the height. They belong to one thread, so nothing is written twice at once. */
LAC_BODY void fold_height(const lac_op_ctx *c, const axis *h, float *restrict folded, int64_t sample, int64_t first, lac_dtype dgy)
{
    const int64_t wide = c->out[0]->dim[2], channels = c->in[0]->dim[3], n = LAC_MIN(COLUMNS, wide - first) * channels;
    for (int64_t i = 0; i < h->in; i++)
        memset(folded + ((sample * h->in + i) * wide + first) * channels, 0, (size_t)n * sizeof *folded);
    for (int64_t at = 0; at < h->out * h->taps; at++) {
        const float weight = h->weight[at];
        const int64_t from = ((sample * h->out + at / h->taps) * wide + first) * channels;
        float *restrict to = folded + ((sample * h->in + h->index[at]) * wide + first) * channels;
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
    const int64_t tiles = (w.out + COLUMNS - 1) / COLUMNS;
    LAC_PARALLEL_FOR(t, x->dim[0] * tiles)
        LAC_EACH_DTYPE(c->gout[0]->dtype, fold_height, c, &h, folded, t / tiles, t % tiles * COLUMNS);
    float *sums = folded + x->dim[0] * h.in * w.out * x->dim[3];
    LAC_PARALLEL_BLOCKS(b, from, to, x->dim[0] * h.in)
        for (int64_t r = from; r < to; r++)
            LAC_EACH_DTYPE(c->gin[0]->dtype, fold_width, c, &w, folded, sums + b * w.in * x->dim[3], r);
    return LAC_OK;
}
