#include "autograd/ops/match_std/match_std.h"
#include "autograd/ops/match_std/formula.h"
#include "core/cuda/kernel.h"

/* A block per sample: latents are small, and these few passes stand beside a whole network. */

template <typename X> __device__ static inline void measure(const X *x, int64_t n, float *mean, float *std)
{
    double sum = 0, squares = 0;
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x)
        sum += (double)lac_f32(x[i]);
    const double m = lac_block_sum(sum) / (double)n;
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x)
        squares += ((double)lac_f32(x[i]) - m) * ((double)lac_f32(x[i]) - m);
    *mean = (float)m;
    *std = (float)sqrt(lac_block_sum(squares) / (double)(n - 1));
}

template <typename X, typename L>
static __global__ void match_std_forward(X *__restrict__ y, match_std_stats *stats, const X *__restrict__ x, const L *__restrict__ like, int64_t samples,
                                         int64_t each, float share)
{
    for LAC_EACH_BLOCK(n, samples) {
        match_std_stats s;
        measure(x + n * each, each, &s.mean_x, &s.std_x);
        measure(like + n * each, each, &s.mean_like, &s.std_like);
        if (threadIdx.x == 0 && stats != NULL)
            stats[n] = s;
        const float k = match_std_scale(&s, share);
        for (int64_t i = n * each + threadIdx.x; i < (n + 1) * each; i += blockDim.x)
            lac_put(y + i, k * lac_f32(x[i]), false);
    }
}

/* The gradient of x, or of like (`other`); of the one that is not asked for nothing is read but x. */
template <typename X, typename L, typename GY, typename G>
static __global__ void match_std_backward(G *__restrict__ g, const X *__restrict__ x, const L *__restrict__ like, const GY *__restrict__ gy,
                                          const match_std_stats *stats, int64_t samples, int64_t each, float share, bool other, bool add)
{
    for LAC_EACH_BLOCK(n, samples) {
        const match_std_stats s = stats[n];
        double dot = 0;
        for (int64_t i = n * each + threadIdx.x; i < (n + 1) * each; i += blockDim.x)
            dot += (double)lac_f32(x[i]) * (double)lac_f32(gy[i]);
        float to_x, to_like;
        match_std_slopes(&s, share, lac_block_sum(dot), each, &to_x, &to_like);
        const float k = match_std_scale(&s, share);
        for (int64_t i = n * each + threadIdx.x; i < (n + 1) * each; i += blockDim.x)
            lac_put(g + i, other ? to_like * (lac_f32(like[i]) - s.mean_like) : lac_fma(to_x, lac_f32(x[i]) - s.mean_x, k * lac_f32(gy[i])), add);
    }
}

static lac_grid grid_of(const lac_tensor *x, int64_t each) { return lac_grid_rows(lac_numel(x) ? x->dim[0] : 0, each); }

static int64_t elements(const lac_tensor *x) { return x->dim[0] ? lac_numel(x) / x->dim[0] : 0; }

static float share_of(const lac_op_ctx *c) { return ((const lac_match_std_attr *)c->attr)->share; }

extern "C" lac_status match_std_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *like = c->in[1];
    const int64_t each = elements(x);
    return lac_typed([&](auto t, auto u) {
        using X = decltype(t);
        using L = decltype(u);
        return lac_launch(grid_of(x, each), match_std_forward<X, L>, lac_data<X>(c->out[0]), lac_data<match_std_stats>(c->out[1]), lac_data<const X>(x),
                          lac_data<const L>(like), x->dim[0], each, share_of(c));
    }, x->dtype, like->dtype);
}

static lac_status backward(const lac_op_ctx *c, int which)
{
    const lac_tensor *x = c->in[0], *like = c->in[1], *gy = c->gout[0], *g = c->gin[which];
    const int64_t each = elements(x);
    return lac_typed([&](auto t, auto u, auto v, auto w) {
        using X = decltype(t);
        using L = decltype(u);
        using GY = decltype(v);
        using G = decltype(w);
        return lac_launch(grid_of(x, each), match_std_backward<X, L, GY, G>, lac_data<G>(g), lac_data<const X>(x), lac_data<const L>(like), lac_data<const GY>(gy),
                          lac_data<const match_std_stats>(c->out[1]), x->dim[0], each, share_of(c), which == 1, c->add[which]);
    }, x->dtype, like->dtype, gy->dtype, g->dtype);
}

extern "C" lac_status match_std_backward_cuda(const lac_op_ctx *c)
{
    for (int which = 0; which < 2; which++)
        if (c->gin[which] != NULL)
            LAC_TRY(backward(c, which));
    return LAC_OK;
}
