#include "autograd/ops/gaussian/formula.h"
#include "autograd/ops/gaussian/gaussian.h"
#include "core/cuda/kernel.h"

/* A latent is small: one kernel for all dtypes, which looks at them as it goes. */
struct view {
    void *data;
    bool f32;

    explicit view(const lac_tensor *x) : data(x ? x->data : NULL), f32(x && x->dtype == LAC_F32) {}

    /* 0 of a tensor that is not there. */
    __device__ float at(int64_t i) const { return data == NULL ? 0 : f32 ? ((const float *)data)[i] : lac_f32(((const lac_bf16 *)data)[i]); }

    __device__ void put(int64_t i, float v, bool add = false) const
    {
        if (f32)
            lac_put((float *)data + i, v, add);
        else
            lac_put((lac_bf16 *)data + i, v, add);
    }
};

static __global__ void gaussian_forward(view sample, view mean, view logvar, float *kl, view moments, view noise, int64_t samples, int64_t pixels, int64_t z)
{
    for LAC_EACH_BLOCK(n, samples) {
        double sum = 0;
        for (int64_t i = n * pixels * z + threadIdx.x; i < (n + 1) * pixels * z; i += blockDim.x) {
            const int64_t first = i / z * 2 * z + i % z;
            const float m = moments.at(first);
            const lac_gaussian_element e = lac_gaussian_of(moments.at(first + z));
            sample.put(i, lac_fma(e.std, noise.at(i), m));
            mean.put(i, m);
            logvar.put(i, e.logvar);
            sum += 0.5 * ((double)m * (double)m + e.excess);
        }
        sum = lac_block_sum(sum);
        if (threadIdx.x == 0)
            kl[n] = (float)sum;
    }
}

struct upstream { view sample, mean, logvar, kl; };

static __global__ void gaussian_backward(view gx, bool add_x, view gn, bool add_n, upstream g, view moments, view noise, int64_t elements, int64_t each, int64_t z)
{
    for LAC_EACH(i, elements) {
        const int64_t first = i / z * 2 * z + i % z;
        const lac_gaussian_element e = lac_gaussian_of(moments.at(first + z));
        const float gs = g.sample.at(i), gk = g.kl.at(i / each);
        if (gx.data != NULL) {
            gx.put(first, gs + g.mean.at(i) + gk * moments.at(first), add_x);
            gx.put(first + z, lac_gaussian_slope(&e, noise.at(i), gs, g.logvar.at(i), gk), add_x);
        }
        if (gn.data != NULL)
            gn.put(i, gs * e.std, add_n);
    }
}

extern "C" lac_status gaussian_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const int64_t pixels = x->dim[1] * x->dim[2], z = x->dim[3] / 2;
    return lac_launch(lac_grid_rows(x->dim[0], pixels * z), gaussian_forward, view(c->out[0]), view(c->out[1]), view(c->out[2]), lac_data<float>(c->out[3]),
                      view(x), view(c->in[1]), x->dim[0], pixels, z);
}

extern "C" lac_status gaussian_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const int64_t z = x->dim[3] / 2, each = x->dim[1] * x->dim[2] * z;
    const upstream g = { view(c->gout[0]), view(c->gout[1]), view(c->gout[2]), view(c->gout[3]) };
    return lac_launch(lac_grid_each(x->dim[0] * each), gaussian_backward, view(c->gin[0]), c->add[0], view(c->gin[1]), c->add[1], g, view(x), view(c->in[1]),
                      x->dim[0] * each, each, z);
}
