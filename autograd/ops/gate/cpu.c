#include "autograd/ops/gate/cpu_pairs.h"
#include "autograd/ops/gate/formula.h"
#include "autograd/ops/rows.h"

/* Widths like 24 and 12 leave half of a vector empty, so pixels are gathered into tiles: features, gates and upstream gradients of some
 * pixels lie one after another in f32, the formula runs over the whole tile, and the results go back. */
enum { TILE = 768 };

typedef struct tile { int64_t pixel, pixels, channel, channels; } tile;    /* pixels of x in a row; channels of each half */

/* Tiles of pixels [from, to): a wide pixel is cut along its channels. */
#define EACH_TILE(t, from, to, half)                                                                                        \
    for (tile t = { .pixel = (from) }; t.pixel < (to); t.pixel += LAC_MAX(TILE / (half), 1))                                \
        for (t.channel = 0, t.pixels = LAC_MIN(LAC_MAX(TILE / (half), 1), (to) - t.pixel);                                  \
             t.channels = LAC_MIN((half) - t.channel, TILE), t.channel < (half); t.channel += TILE)

/* simdlen(8): whole vectors for widths of 24 and 8 (bf16 would otherwise be taken 32 at a time, and the rest one by one).
 * What stands in x (or gx) at distance `at` of a pixel, into a tile and back. */
LAC_BODY void gather(float *restrict to, const void *x, const tile *t, int64_t at, int64_t stride, lac_dtype d)
{
    for (int64_t p = 0; p < t->pixels; p++) {
        const void *restrict from = lac_at(x, (t->pixel + p) * stride + at + t->channel, d);
        #pragma omp simd simdlen(8)
        for (int64_t i = 0; i < t->channels; i++)
            to[p * t->channels + i] = lac_ld(from, i, d);
    }
}

LAC_BODY void scatter(void *x, const float *restrict from, const tile *t, int64_t at, int64_t stride, bool add, lac_dtype d)
{
    for (int64_t p = 0; p < t->pixels; p++) {
        void *restrict to = lac_at(x, (t->pixel + p) * stride + at + t->channel, d);
        #pragma omp simd simdlen(8)
        for (int64_t i = 0; i < t->channels; i++)
            lac_put(to, i, d, from[p * t->channels + i], add);
    }
}

/* The first of a pixel's copies in the upsampled map. */
LAC_BODY int64_t corner(int64_t p, int64_t w) { return 4 * (p / w) * w + 2 * (p % w); }

/* Each pixel four times. */
LAC_BODY void scatter_up(void *y, const float *restrict from, const tile *t, int64_t w, int64_t half, lac_dtype d)
{
    for (int64_t p = 0; p < t->pixels; p++)
        for (int k = 0; k < 4; k++) {
            void *restrict to = lac_at(y, (corner(t->pixel + p, w) + k / 2 * 2 * w + k % 2) * half + t->channel, d);
            #pragma omp simd simdlen(8)
            for (int64_t i = 0; i < t->channels; i++)
                lac_st(to, i, d, from[p * t->channels + i]);
        }
}

/* Each pixel the sum of its four. */
LAC_BODY void gather_up(float *restrict to, const void *gy, const tile *t, int64_t w, int64_t half, lac_dtype d)
{
    for (int64_t p = 0; p < t->pixels; p++) {
        const void *restrict above = lac_at(gy, corner(t->pixel + p, w) * half + t->channel, d), *restrict below = lac_at(above, 2 * w * half, d);
        #pragma omp simd simdlen(8)
        for (int64_t i = 0; i < t->channels; i++)
            to[p * t->channels + i] = (lac_ld(above, i, d) + lac_ld(above, half + i, d)) + (lac_ld(below, i, d) + lac_ld(below, half + i, d));
    }
}

LAC_BODY void values(float *restrict y, const float *restrict f, const float *restrict g, int64_t n, lac_act act)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = lac_gate_value(act, f[i], g[i]);
}

LAC_BODY void gradients(float *restrict gf, float *restrict gg, const float *restrict f, const float *restrict g, const float *restrict gy,
                        int64_t n, lac_act act)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float a, b;
        lac_gate_grad(act, f[i], g[i], gy[i], &a, &b);
        gf[i] = a;
        gg[i] = b;
    }
}

LAC_BODY void forward(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype d)
{
    const lac_gate_attr *a = c->attr;
    const int64_t half = c->out[0]->dim[3];
    float f[TILE], g[TILE], y[TILE];
    EACH_TILE(t, from, to, half) {
        gather(f, c->in[0]->data, &t, 0, 2 * half, d);
        gather(g, c->in[0]->data, &t, half, 2 * half, d);
        if (a->act == LAC_ACT_ELU)
            values(y, f, g, t.pixels * t.channels, LAC_ACT_ELU);
        else
            values(y, f, g, t.pixels * t.channels, LAC_ACT_RELU);
        if (a->upsample == 1)
            scatter(c->out[0]->data, y, &t, 0, half, false, d);
        else
            scatter_up(c->out[0]->data, y, &t, c->in[0]->dim[2], half, d);
    }
}

LAC_BODY void backward(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype d, lac_dtype dgy, lac_dtype dgx)
{
    const lac_gate_attr *a = c->attr;
    const int64_t half = c->out[0]->dim[3];
    float f[TILE], g[TILE], gy[TILE], gf[TILE], gg[TILE];
    EACH_TILE(t, from, to, half) {
        gather(f, c->in[0]->data, &t, 0, 2 * half, d);
        gather(g, c->in[0]->data, &t, half, 2 * half, d);
        if (a->upsample == 1)
            gather(gy, c->gout[0]->data, &t, 0, half, dgy);
        else
            gather_up(gy, c->gout[0]->data, &t, c->in[0]->dim[2], half, dgy);
        if (a->act == LAC_ACT_ELU)
            gradients(gf, gg, f, g, gy, t.pixels * t.channels, LAC_ACT_ELU);
        else
            gradients(gf, gg, f, g, gy, t.pixels * t.channels, LAC_ACT_RELU);
        scatter(c->gin[0]->data, gf, &t, 0, 2 * half, c->add[0], dgx);
        scatter(c->gin[0]->data, gg, &t, half, 2 * half, c->add[0], dgx);
    }
}

static int64_t pixels(const lac_op_ctx *c) { return c->in[0]->dim[3] ? c->in[0]->dim[0] * c->in[0]->dim[1] * c->in[0]->dim[2] : 0; }

lac_status LAC_CPU(gate_forward)(const lac_op_ctx *c)
{
    if (c->in[0]->dtype == LAC_BF16 && c->out[0]->dim[3] % 2 == 0)
        return LAC_CPU(gate_forward_pairs)(c);
    LAC_PARALLEL_BLOCKS(b, from, to, pixels(c))
        LAC_EACH_DTYPE(c->in[0]->dtype, forward, c, from, to);
    return LAC_OK;
}

lac_status LAC_CPU(gate_backward)(const lac_op_ctx *c)
{
    if (c->gin[0] == NULL)
        return LAC_OK;
    const bool narrow = c->in[0]->dtype == LAC_BF16 && c->gout[0]->dtype == LAC_BF16 && c->gin[0]->dtype == LAC_BF16;
    if (narrow && !c->add[0] && c->out[0]->dim[3] % 2 == 0)
        LAC_CPU(gate_backward_pairs)(c);
    else
        LAC_PARALLEL_BLOCKS(b, from, to, pixels(c))
            LAC_EACH_DTYPE_3(c->in[0]->dtype, c->gout[0]->dtype, c->gin[0]->dtype, backward, c, from, to);
    return LAC_OK;
}
