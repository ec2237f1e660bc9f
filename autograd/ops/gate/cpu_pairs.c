/* All in words of two channels. Narrow pixels are gathered first, features and gates apart, so that whole vectors are filled; from a vector
 * on they are taken where they lie. The formulas are bound by arithmetic, hence the coarse ones. */
#include "autograd/ops/gate/cpu_pairs.h"

#include "autograd/ops/gate/formula.h"
#include "autograd/ops/rows.h"

enum { WORDS = 384 };                   /* of a tile */

/* Words [at, at + n) of both halves of some pixels in a row; many pixels only where n is the whole width. */
typedef struct run { int64_t pixel, pixels, at, n; } run;

typedef struct maps {
    const lac_pair *x, *gy;
    lac_pair *y, *gx;
    int64_t words, w;                   /* of a half; pixels in a row of x */
    bool up;
} maps;

static maps maps_of(const lac_op_ctx *c, bool backward)
{
    const lac_tensor *gx = backward ? c->gin[0] : NULL, *gy = backward ? c->gout[0] : NULL;
    return (maps){ .x = c->in[0]->data, .gy = gy ? gy->data : NULL, .y = backward ? NULL : c->out[0]->data, .gx = gx ? gx->data : NULL,
                   .words = c->out[0]->dim[3] / 2, .w = c->in[0]->dim[2], .up = ((const lac_gate_attr *)c->attr)->upsample == 2 };
}

/* A loop: memcpy of unknown length takes longer to start than a pixel to copy. */
typedef uint32_t eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint32_t four __attribute__((vector_size(16), aligned(4), may_alias));
LAC_BODY void copy(lac_pair *restrict to, const lac_pair *restrict from, int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        *(eight *)(to + i) = *(const eight *)(from + i);
    for (; i + 4 <= n; i += 4)
        *(four *)(to + i) = *(const four *)(from + i);
    for (; i < n; i++)
        to[i] = from[i];
}

/* Features or gates of the run: in place, or gathered into the tile. */
LAC_BODY const lac_pair *gathered(const maps *m, lac_pair *tile, const run *r, int64_t half, bool narrow)
{
    const lac_pair *from = m->x + (2 * r->pixel + half) * m->words + r->at;
    if (!narrow)
        return from;
    for (int64_t p = 0; p < r->pixels; p++) {
        __builtin_prefetch(from + 2 * (p + WORDS / r->n) * r->n);       /* the next run's */
        copy(tile + p * r->n, from + 2 * p * r->n, r->n);
    }
    return tile;
}

/* The first of a pixel's four copies in the upsampled map, and the step to copy k. */
LAC_BODY int64_t corner(const maps *m, int64_t p) { return 4 * (p / m->w) * m->w + 2 * (p % m->w); }
LAC_BODY int64_t step(const maps *m, int k) { return k / 2 * 2 * m->w + k % 2; }

LAC_BODY void values(lac_pair *restrict y, const lac_pair *restrict f, const lac_pair *restrict g, int64_t n, lac_act act)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = lac_pair_of(lac_gate_value_coarse(act, lac_pair_first(f[i]), lac_pair_first(g[i])),
                           lac_gate_value_coarse(act, lac_pair_second(f[i]), lac_pair_second(g[i])));
}

LAC_BODY void forward_run(const maps *m, const run *r, bool narrow, lac_act act)
{
    lac_pair tile[3][WORDS];
    const lac_pair *f = gathered(m, tile[0], r, 0, narrow), *g = gathered(m, tile[1], r, 1, narrow);
    lac_pair *y = m->up ? tile[2] : m->y + r->pixel * m->words + r->at;
    values(y, f, g, r->pixels * r->n, act);
    if (m->up)
        for (int64_t p = 0; p < r->pixels; p++)
            for (int k = 0; k < 4; k++)
                copy(m->y + (corner(m, r->pixel + p) + step(m, k)) * m->words + r->at, y + p * r->n, r->n);
}

/* The upstream gradient of a pixel: the sum of its four. */
LAC_BODY void sum_up(const maps *m, float *restrict first, float *restrict second, const run *r)
{
    for (int64_t p = 0; p < r->pixels; p++) {
        const lac_pair *restrict above = m->gy + corner(m, r->pixel + p) * m->words + r->at, *restrict below = above + 2 * m->w * m->words;
        const int64_t next = m->words;
        #pragma omp simd
        for (int64_t i = 0; i < r->n; i++) {
            first[p * r->n + i] = (lac_pair_first(above[i]) + lac_pair_first(above[next + i])) + (lac_pair_first(below[i]) + lac_pair_first(below[next + i]));
            second[p * r->n + i] = (lac_pair_second(above[i]) + lac_pair_second(above[next + i])) + (lac_pair_second(below[i]) + lac_pair_second(below[next + i]));
        }
    }
}

typedef struct upstream { const lac_pair *gy; const float *first, *second; } upstream;      /* words, or sums */

LAC_BODY void gradients(lac_pair *restrict gf, lac_pair *restrict gg, const lac_pair *restrict f, const lac_pair *restrict g, const upstream *u, int64_t n,
                        bool up, lac_act act)
{
    const lac_pair *restrict gy = u->gy;
    const float *restrict first = u->first, *restrict second = u->second;
    #pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float a, b, c, d;
        lac_gate_grad_coarse(act, lac_pair_first(f[i]), lac_pair_first(g[i]), up ? first[i] : lac_pair_first(gy[i]), &a, &b);
        lac_gate_grad_coarse(act, lac_pair_second(f[i]), lac_pair_second(g[i]), up ? second[i] : lac_pair_second(gy[i]), &c, &d);
        gf[i] = lac_pair_of(a, c);
        gg[i] = lac_pair_of(b, d);
    }
}

LAC_BODY void backward_run(const maps *m, const run *r, bool narrow, lac_act act)
{
    lac_pair tile[4][WORDS];
    float first[WORDS], second[WORDS];
    const int64_t n = r->pixels * r->n;
    const lac_pair *f = gathered(m, tile[0], r, 0, narrow), *g = gathered(m, tile[1], r, 1, narrow);
    const upstream u = { m->gy + r->pixel * m->words + r->at, first, second };
    lac_pair *gx = m->gx + 2 * r->pixel * m->words + r->at, *gf = narrow ? tile[2] : gx, *gg = narrow ? tile[3] : gx + m->words;
    if (m->up) {
        sum_up(m, first, second, r);
        gradients(gf, gg, f, g, &u, n, true, act);
    } else {
        gradients(gf, gg, f, g, &u, n, false, act);
    }
    for (int64_t p = 0; narrow && p < r->pixels; p++) {
        __builtin_prefetch(u.gy + n + p * r->n);
        copy(gx + 2 * p * r->n, gf + p * r->n, r->n);
        copy(gx + (2 * p + 1) * r->n, gg + p * r->n, r->n);
    }
}

/* Pixels [from, to) in runs. words is a constant where they are narrow. */
LAC_BODY void runs(const maps *m, int64_t from, int64_t to, int64_t words, bool narrow, bool backward, lac_act act)
{
    const int64_t most = narrow ? WORDS / words : 1;
    for (int64_t p = from; p < to; p += most)
        for (int64_t at = 0; at < words; at += narrow ? words : WORDS) {
            const run r = { p, LAC_MIN(most, to - p), at, narrow ? words : LAC_MIN(WORDS, words - at) };
            if (backward)
                backward_run(m, &r, narrow, act);
            else
                forward_run(m, &r, narrow, act);
        }
}

LAC_BODY void of_width(const maps *m, int64_t from, int64_t to, bool backward, lac_act act)
{
    switch (m->words) {
    case 6: runs(m, from, to, 6, true, backward, act); break;
    case 12: runs(m, from, to, 12, true, backward, act); break;
    case 24: runs(m, from, to, 24, true, backward, act); break;
    case 48: runs(m, from, to, 48, false, backward, act); break;
    default: runs(m, from, to, m->words, false, backward, act);
    }
}

LAC_BODY lac_status both(const lac_op_ctx *c, bool backward)
{
    const lac_act act = ((const lac_gate_attr *)c->attr)->act;
    const maps m = maps_of(c, backward);
    LAC_PARALLEL_BLOCKS(b, from, to, m.words ? c->in[0]->dim[0] * c->in[0]->dim[1] * m.w : 0) {
        if (act == LAC_ACT_ELU)
            of_width(&m, from, to, backward, LAC_ACT_ELU);
        else
            of_width(&m, from, to, backward, LAC_ACT_RELU);
    }
    return LAC_OK;
}

lac_status LAC_CPU(gate_forward_pairs)(const lac_op_ctx *c) { return both(c, false); }
lac_status LAC_CPU(gate_backward_pairs)(const lac_op_ctx *c) { return both(c, true); }
