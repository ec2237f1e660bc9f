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
    return LAC_OK;
}
