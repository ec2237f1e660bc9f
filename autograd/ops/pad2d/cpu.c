#include "autograd/ops/pad2d/formula.h"
#include "autograd/ops/rows.h"

lac_status LAC_CPU(pad2d_forward)(const lac_op_ctx *c)
{
    const lac_pad2d_attr *a = c->attr;
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const int64_t h = x->dim[1], w = x->dim[2], tall = y->dim[1], wide = y->dim[2];
    const size_t pixel = (size_t)x->dim[3] * lac_dtype_size(x->dtype);
    LAC_PARALLEL_FOR(r, y->dim[0] * tall) {
        const char *from = (const char *)x->data + (size_t)((r / tall * h + lac_pad_source(a->mode, r % tall - a->pad[0], h)) * w) * pixel;
        char *to = (char *)y->data + (size_t)(r * wide) * pixel;
        for (int64_t j = 0; j < a->pad[2]; j++)
            memcpy(to + (size_t)j * pixel, from + (size_t)lac_pad_source(a->mode, j - a->pad[2], w) * pixel, pixel);
        memcpy(to + (size_t)a->pad[2] * pixel, from, (size_t)w * pixel);
        for (int64_t j = a->pad[2] + w; j < wide; j++)
            memcpy(to + (size_t)j * pixel, from + (size_t)lac_pad_source(a->mode, j - a->pad[2], w) * pixel, pixel);
    }
    return LAC_OK;
}

/* One f32 row of x per block. */
lac_status LAC_CPU(pad2d_workspace)(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward ? (size_t)(LAC_BLOCKS * c->in[0]->dim[2] * c->in[0]->dim[3]) * sizeof(float) : 0;
    return LAC_OK;
}

/* sum += the row of gy at `row`, its padding folded back. */
LAC_BODY void fold_row(const lac_op_ctx *c, float *restrict sum, int64_t row, lac_dtype dgy)
{
    const lac_pad2d_attr *a = c->attr;
    const int64_t w = c->in[0]->dim[2], n = c->in[0]->dim[3], wide = c->out[0]->dim[2];
    for (int64_t j = 0; j < wide; j++) {
        float *restrict to = sum + lac_pad_source(a->mode, j - a->pad[2], w) * n;
        #pragma omp simd
        for (int64_t k = 0; k < n; k++)
            to[k] += lac_ld(c->gout[0]->data, (row * wide + j) * n + k, dgy);
    }
}

LAC_BODY void backward_row(const lac_op_ctx *c, float *restrict sum, int64_t r, lac_dtype dgy, lac_dtype dgx)
{
    const lac_pad2d_attr *a = c->attr;
    const int64_t h = c->in[0]->dim[1], tall = c->out[0]->dim[1], n = c->in[0]->dim[2] * c->in[0]->dim[3];
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int64_t i = 0; i < tall; i++)
        if (lac_pad_source(a->mode, i - a->pad[0], h) == r % h)
            fold_row(c, sum, r / h * tall + i, dgy);
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        lac_put(c->gin[0]->data, r * n + k, dgx, sum[k], c->add[0]);
}

lac_status LAC_CPU(pad2d_backward)(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    if (c->gin[0] == NULL)
        return LAC_OK;
    LAC_PARALLEL_BLOCKS(b, from, to, x->dim[0] * x->dim[1])
        for (int64_t r = from; r < to; r++)
            LAC_EACH_DTYPE_2(c->gout[0]->dtype, c->gin[0]->dtype, backward_row, c,
                             (float *)c->workspace + b * x->dim[2] * x->dim[3], r);
    return LAC_OK;
}
