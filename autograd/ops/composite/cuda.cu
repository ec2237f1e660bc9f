#include "autograd/ops/composite/composite.h"
#include "core/cuda/kernel.h"

/* Pixels of n channels; y has `wide`. Pictures have three channels and more are appended: a thread does one pixel. */
struct pixels { int64_t all, mask, n, wide; bool whole, ones, append_mask; };

static pixels pixels_of(const lac_op_ctx *c)
{
    const lac_composite_attr *a = (const lac_composite_attr *)c->attr;
    const int64_t *d = c->in[1]->dim;
    return pixels{ d[0] * d[1] * d[2], lac_numel(c->in[2]), d[3], d[3] + a->ones + a->append_mask, a->whole, a->ones, a->append_mask };
}

template <typename X, typename I, typename Y>
static __global__ void composite_forward(Y *__restrict__ y, const X *__restrict__ x, const I *__restrict__ image, const float *__restrict__ mask, pixels s)
{
    for LAC_EACH(p, s.all) {
        const float m = mask[p % s.mask], keep = s.whole ? 1.0f : 1.0f - m;
        Y *to = y + p * s.wide;
        for (int64_t k = p * s.n; k < (p + 1) * s.n; k++, to++) {
            const float known = lac_f32(image[k]) * keep;
            lac_store(to, x ? lac_fma(lac_f32(x[k]), m, known) : known);
        }
        if (s.ones)
            lac_store(to++, 1.0f);
        if (s.append_mask)
            lac_store(to, m);
    }
}

/* The gradient of x (share m) or of image (share 1 - m, or 1 with `whole`). */
template <typename GY, typename GX>
static __global__ void composite_backward(GX *__restrict__ gx, const GY *__restrict__ gy, const float *__restrict__ mask, pixels s, bool of_x, bool add)
{
    for LAC_EACH(i, s.all * s.n) {
        const int64_t p = i / s.n;
        const float m = mask[p % s.mask], share = of_x ? m : s.whole ? 1.0f : 1.0f - m;
        lac_put(gx + i, lac_f32(gy[p * s.wide + i % s.n]) * share, add);
    }
}

/* A thread does one pixel of the mask, through all pictures which it is for. */
template <typename X, typename I, typename GY>
static __global__ void composite_backward_mask(float *__restrict__ gm, const X *__restrict__ x, const I *__restrict__ image, const GY *__restrict__ gy, pixels s, bool add)
{
    for LAC_EACH(q, s.mask) {
        float sum = 0;
        for (int64_t p = q; p < s.all; p += s.mask) {
            const GY *from = gy + p * s.wide;
            for (int64_t k = 0; k < s.n; k++) {
                const float one = x ? lac_f32(x[p * s.n + k]) : 0.0f, other = s.whole ? 0.0f : lac_f32(image[p * s.n + k]);
                sum = lac_fma(lac_f32(from[k]), one - other, sum);
            }
            sum += s.append_mask ? lac_f32(from[s.n + s.ones]) : 0.0f;
        }
        lac_put(gm + q, sum, add);
    }
}

extern "C" lac_status composite_forward_cuda(const lac_op_ctx *c)
{
    const pixels s = pixels_of(c);
    const lac_tensor *x = c->in[0], *image = c->in[1], *y = c->out[0];
    return lac_typed([&](auto t, auto u, auto w) {
        using X = decltype(t);
        using I = decltype(u);
        using Y = decltype(w);
        return lac_launch(lac_grid_each(s.all), composite_forward<X, I, Y>, lac_data<Y>(y), lac_data<X>(x), lac_data<I>(image), lac_data<float>(c->in[2]), s);
    }, x ? x->dtype : LAC_F32, image->dtype, y->dtype);
}

extern "C" lac_status composite_backward_cuda(const lac_op_ctx *c)
{
    const pixels s = pixels_of(c);
    const lac_tensor *gy = c->gout[0];
    for (int which = 0; which < 2; which++)
        if (c->in[which] != NULL && c->gin[which] != NULL)
            LAC_TRY(lac_typed([&](auto t, auto u) {
                using GY = decltype(t);
                using GX = decltype(u);
                return lac_launch(lac_grid_each(s.all * s.n), composite_backward<GY, GX>, lac_data<GX>(c->gin[which]), lac_data<GY>(gy),
                                  lac_data<float>(c->in[2]), s, which == 0, c->add[which]);
            }, gy->dtype, c->gin[which]->dtype));
    if (c->gin[2] == NULL)
        return LAC_OK;
    const lac_tensor *x = c->in[0], *image = c->in[1];
    return lac_typed([&](auto t, auto u, auto w) {
        using X = decltype(t);
        using I = decltype(u);
        using GY = decltype(w);
        return lac_launch(lac_grid_each(s.mask), composite_backward_mask<X, I, GY>, lac_data<float>(c->gin[2]), lac_data<X>(x), lac_data<I>(image),
                          lac_data<GY>(gy), s, c->add[2]);
    }, x ? x->dtype : LAC_F32, image->dtype, gy->dtype);
}
