#include "autograd/ops/dice_loss/dice_loss.h"
#include "autograd/ops/dice_loss/formula.h"
#include "core/cuda/kernel.h"

/* Samples of so many elements; a block each: masks are small. */
struct extent { int64_t samples, each; };

static extent extent_of(const lac_tensor *x) { return extent{ x->dim[0], x->dim[0] ? lac_numel(x) / x->dim[0] : 0 }; }

template <typename X> static __global__ void dice_loss_forward(double *sums, const X *__restrict__ x, const float *__restrict__ y, extent e)
{
    for LAC_EACH_BLOCK(n, e.samples) {
        double both = 0, all = 0;
        for (int64_t i = n * e.each + threadIdx.x; i < (n + 1) * e.each; i += blockDim.x) {
            const float p = lac_sigmoid(lac_f32(x[i]));
            both += (double)p * (double)y[i];
            all += (double)p + (double)y[i];
        }
        both = lac_block_sum(both);
        all = lac_block_sum(all);
        if (threadIdx.x == 0) {
            sums[2 * n] = both;
            sums[2 * n + 1] = all;
        }
    }
}

/* kept NULL: nobody goes backward. */
static __global__ void dice_loss_finish(float *sum, float *kept, const double *sums, int64_t samples)
{
    double total = 0;
    if (threadIdx.x != 0)
        return;
    for (int64_t n = 0; n < samples; n++)
        total += dice_term(sums[2 * n], sums[2 * n + 1]);
    for (int64_t i = 0; kept && i < 2 * samples; i++)
        kept[i] = (float)sums[i];
    *sum = (float)total;
}

template <typename X, typename GX>
static __global__ void dice_loss_backward(GX *__restrict__ gx, const X *__restrict__ x, const float *__restrict__ y, const float *sums, const float *g, extent e, bool add)
{
    for LAC_EACH(i, e.samples * e.each) {
        const int64_t n = i / e.each;
        float at[2];
        dice_slopes((double)sums[2 * n], (double)sums[2 * n + 1], (double)*g, at);
        lac_put(gx + i, dice_grad(at, lac_f32(x[i]), y[i]), add);
    }
}

extern "C" lac_status dice_loss_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward ? 0 : (size_t)(2 * c->in[0]->dim[0]) * sizeof(double);
    return LAC_OK;
}

extern "C" lac_status dice_loss_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const extent e = extent_of(x);
    double *sums = (double *)c->workspace;
    LAC_TRY(lac_typed([&](auto t) {
        using X = decltype(t);
        return lac_launch(lac_grid_rows(e.samples, e.each), dice_loss_forward<X>, sums, lac_data<X>(x), lac_data<const float>(c->in[1]), e);
    }, x->dtype));
    return lac_launch(lac_grid{ 1, LAC_WARP }, dice_loss_finish, lac_data<float>(c->out[0]), lac_data<float>(c->out[1]), (const double *)sums, e.samples);
}

extern "C" lac_status dice_loss_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *gx = c->gin[0];
    const extent e = extent_of(x);
    if (gx == NULL)
        return LAC_OK;
    return lac_typed([&](auto t, auto u) {
        using X = decltype(t);
        using GX = decltype(u);
        return lac_launch(lac_grid_each(e.samples * e.each), dice_loss_backward<X, GX>, lac_data<GX>(gx), lac_data<X>(x), lac_data<const float>(c->in[1]),
                          lac_data<const float>(c->out[1]), lac_data<const float>(c->gout[0]), e, c->add[0]);
    }, x->dtype, gx->dtype);
}
