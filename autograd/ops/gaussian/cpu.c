#include "autograd/ops/gaussian/formula.h"
#include "autograd/ops/gaussian/gaussian.h"
#include "autograd/ops/rows.h"

/* Pixels and latent channels of a sample. */
typedef struct extent { int64_t pixels, z; } extent;

static extent extent_of(const lac_op_ctx *c) { return (extent){ c->in[0]->dim[1] * c->in[0]->dim[2], c->in[0]->dim[3] / 2 }; }

/* Element i; 0 of a tensor that is not there. */
static float at(const lac_tensor *x, int64_t i) { return x != NULL ? lac_ld(x->data, i, x->dtype) : 0; }

static double forward(const lac_op_ctx *c, int64_t from, int64_t to, int64_t z)
{
    double kl = 0;
    for (int64_t i = from * z; i < to * z; i++) {
        const int64_t first = i / z * 2 * z + i % z;
        const float mean = at(c->in[0], first);
        const lac_gaussian_element e = lac_gaussian_of(at(c->in[0], first + z));
        lac_st(c->out[0]->data, i, c->out[0]->dtype, lac_fma(e.std, at(c->in[1], i), mean));
        lac_st(c->out[1]->data, i, c->out[1]->dtype, mean);
        lac_st(c->out[2]->data, i, c->out[2]->dtype, e.logvar);
        kl += 0.5 * ((double)mean * (double)mean + e.excess);
    }
    return kl;
}

lac_status LAC_CPU(gaussian_forward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    for (int64_t n = 0; n < c->in[0]->dim[0]; n++) {
        double part[LAC_BLOCKS] = { 0 };
        LAC_PARALLEL_BLOCKS(b, from, to, e.pixels)
            part[b] = forward(c, n * e.pixels + from, n * e.pixels + to, e.z);
        ((float *)c->out[3]->data)[n] = (float)lac_sum_block_parts(part);
    }
    return LAC_OK;
}

static void backward(const lac_op_ctx *c, int64_t pixel, int64_t pixels, int64_t z)
{
    const float g_kl = at(c->gout[3], pixel / pixels);
    for (int64_t i = pixel * z; i < (pixel + 1) * z; i++) {
        const int64_t first = i / z * 2 * z + i % z;
        const lac_gaussian_element e = lac_gaussian_of(at(c->in[0], first + z));
        const float g_sample = at(c->gout[0], i);
        if (c->gin[0] != NULL) {
            lac_put(c->gin[0]->data, first, c->gin[0]->dtype, g_sample + at(c->gout[1], i) + g_kl * at(c->in[0], first), c->add[0]);
            lac_put(c->gin[0]->data, first + z, c->gin[0]->dtype,
                    lac_gaussian_slope(&e, at(c->in[1], i), g_sample, at(c->gout[2], i), g_kl), c->add[0]);
        }
        if (c->gin[1] != NULL)
            lac_put(c->gin[1]->data, i, c->gin[1]->dtype, g_sample * e.std, c->add[1]);
    }
}

lac_status LAC_CPU(gaussian_backward)(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    LAC_PARALLEL_FOR(p, c->in[0]->dim[0] * e.pixels)
        backward(c, p, e.pixels, e.z);
    return LAC_OK;
}
