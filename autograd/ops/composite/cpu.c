#include "autograd/ops/composite/composite.h"
#include "autograd/ops/rows.h"

/* The mask has as many pixels as one picture, or as all: it is walked round. n, the channels of image, is a constant where it is 3. */
LAC_BODY void forward_pixels(const lac_op_ctx *c, int64_t from, int64_t to, int64_t n, lac_dtype dx, lac_dtype di, lac_dtype dy)
{
    const lac_composite_attr *a = c->attr;
    const void *restrict x = c->in[0] ? c->in[0]->data : NULL, *restrict image = c->in[1]->data;
    void *restrict y = c->out[0]->data;
    const bool whole = a->whole, ones = a->ones, append_mask = a->append_mask;
    const int64_t n_mask = lac_numel(c->in[2]), wide = c->out[0]->dim[3];
    const float *restrict mask = c->in[2]->data;
    for (int64_t p = from, q = n_mask ? from % n_mask : 0; p < to; p++, q = q + 1 < n_mask ? q + 1 : 0) {
        const float m = mask[q], keep = whole ? 1.0f : 1.0f - m;
        for (int64_t k = 0; k < n; k++) {
            const float known = lac_ld(image, p * n + k, di) * keep;
            lac_st(y, p * wide + k, dy, x ? lac_fma(lac_ld(x, p * n + k, dx), m, known) : known);
        }
        if (ones)
            lac_st(y, p * wide + n, dy, 1.0f);
        if (append_mask)
            lac_st(y, p * wide + n + ones, dy, m);
    }
}

LAC_BODY void forward(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype dx, lac_dtype di, lac_dtype dy)
{
    if (c->in[1]->dim[3] == 3)
        forward_pixels(c, from, to, 3, dx, di, dy);
    else
        forward_pixels(c, from, to, c->in[1]->dim[3], dx, di, dy);
}

/* The gradient of x (share m) or of image (share 1 - m, or 1 with `whole`). */
LAC_BODY void backward_pixels(const lac_op_ctx *c, int which, int64_t from, int64_t to, int64_t n, lac_dtype dgy, lac_dtype dgx)
{
    const lac_composite_attr *a = c->attr;
    const void *restrict gy = c->gout[0]->data;
    void *restrict gx = c->gin[which]->data;
    const bool add = c->add[which];
    const int64_t n_mask = lac_numel(c->in[2]), wide = c->out[0]->dim[3];
    const float *restrict mask = c->in[2]->data;
    for (int64_t p = from, q = n_mask ? from % n_mask : 0; p < to; p++, q = q + 1 < n_mask ? q + 1 : 0) {
        const float m = mask[q], share = which == 0 ? m : a->whole ? 1.0f : 1.0f - m;
        for (int64_t k = 0; k < n; k++)
            lac_put(gx, p * n + k, dgx, lac_ld(gy, p * wide + k, dgy) * share, add);
    }
}

LAC_BODY void backward(const lac_op_ctx *c, int which, int64_t from, int64_t to, lac_dtype dgy, lac_dtype dgx)
{
    if (c->in[1]->dim[3] == 3)
        backward_pixels(c, which, from, to, 3, dgy, dgx);
    else
        backward_pixels(c, which, from, to, c->in[1]->dim[3], dgy, dgx);
}

static int64_t pixels(const lac_op_ctx *c) { return c->in[1]->dim[0] * c->in[1]->dim[1] * c->in[1]->dim[2]; }

/* Of the mask's pixels from .. to, each that of all pictures which it is for, in their order. */
LAC_BODY void backward_mask(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype dx, lac_dtype di, lac_dtype dgy)
{
    const lac_composite_attr *a = c->attr;
    const void *restrict x = c->in[0] ? c->in[0]->data : NULL, *restrict image = c->in[1]->data, *restrict gy = c->gout[0]->data;
    const int64_t n_mask = lac_numel(c->in[2]), n = c->in[1]->dim[3], wide = c->out[0]->dim[3], all = pixels(c);
    for (int64_t q = from; q < to; q++) {
        float sum = 0;
        for (int64_t p = q; p < all; p += n_mask) {
            for (int64_t k = 0; k < n; k++) {
                const float one = x ? lac_ld(x, p * n + k, dx) : 0.0f, other = a->whole ? 0.0f : lac_ld(image, p * n + k, di);
                sum = lac_fma(lac_ld(gy, p * wide + k, dgy), one - other, sum);
            }
            sum += a->append_mask ? lac_ld(gy, p * wide + n + a->ones, dgy) : 0.0f;
        }
        lac_put(c->gin[2]->data, q, LAC_F32, sum, c->add[2]);
    }
}

lac_status LAC_CPU(composite_forward)(const lac_op_ctx *c)
{
    const lac_dtype dx = c->in[0] ? c->in[0]->dtype : LAC_F32;
    LAC_PARALLEL_BLOCKS(b, from, to, pixels(c))
        LAC_EACH_DTYPE_3(dx, c->in[1]->dtype, c->out[0]->dtype, forward, c, from, to);
    return LAC_OK;
}

lac_status LAC_CPU(composite_backward)(const lac_op_ctx *c)
{
    for (int which = 0; which < 2; which++)
        if (c->in[which] != NULL && c->gin[which] != NULL)
            LAC_PARALLEL_BLOCKS(b, from, to, pixels(c))
                LAC_EACH_DTYPE_2(c->gout[0]->dtype, c->gin[which]->dtype, backward, c, which, from, to);
    const lac_dtype dx = c->in[0] ? c->in[0]->dtype : LAC_F32;
    if (c->gin[2] != NULL)
        LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[2]))
            LAC_EACH_DTYPE_3(dx, c->in[1]->dtype, c->gout[0]->dtype, backward_mask, c, from, to);
    return LAC_OK;
}
