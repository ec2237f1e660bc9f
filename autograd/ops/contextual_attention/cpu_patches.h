/* autograd/ops/contextual_attention/cpu_patches.h -- cutting feature maps into patches and pasting them back.
 * Included by this op's kernels alone. A sample is one [H, W, C] map. */
#pragma once

#include "autograd/ops/contextual_attention/geometry.h"
#include "autograd/ops/resize/formula.h"
#include "autograd/ops/rows.h"

LAC_BODY void load_pixel(float *restrict to, const void *x, int64_t at, int64_t n, float scale, lac_dtype d)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        to[k] = lac_ld(x, at + k, d) * scale;
}

static inline int64_t fine_row(const lac_ca *g, int64_t i) { return lac_nearest_index(i, g->height, g->h, !g->torch); }
static inline int64_t fine_col(const lac_ca *g, int64_t j) { return lac_nearest_index(j, g->width, g->w, !g->torch); }

/* The ksize x ksize neighbourhood of a cell in the downsampled map, zero outside. */
LAC_BODY void neighbourhood(const lac_ca *g, float *restrict to, const void *x, int64_t cell, lac_dtype d)
{
    const int64_t half = g->ksize / 2, row = cell / g->w, col = cell % g->w;
    for (int64_t i = row - half; i <= row + half; i++)
        for (int64_t j = col - half; j <= col + half; j++, to += g->n) {
            if (i < 0 || i >= g->h || j < 0 || j >= g->w)
                memset(to, 0, (size_t)g->n * sizeof *to);
            else
                load_pixel(to, x, (fine_row(g, i) * g->width + fine_col(g, j)) * g->n, g->n, 1, d);
        }
}

/* How many patches lie over a position along one axis. */
static inline int64_t covering(const lac_ca *g, int64_t at, int64_t cells)
{
    const int64_t last = (at + g->offset) / g->rate;
    return (last < cells) + (last >= 1 && last - 1 < cells);
}

/* What a pasted pixel is multiplied by. */
static inline float overlap_share(const lac_ca *g, bool exact, int64_t row, int64_t col)
{
    return exact ? 1.0f / (float)(covering(g, row, g->h) * covering(g, col, g->w)) : 0.25f;
}

/* The 2r x 2r piece of x at a cell, zero outside; `share` of the pasted pixel when cutting up an upstream gradient. */
LAC_BODY void piece(const lac_ca *g, float *restrict to, const void *x, int64_t cell, bool share, bool exact, lac_dtype d)
{
    const int64_t row = cell / g->w * g->rate - g->offset, col = cell % g->w * g->rate - g->offset;
    for (int64_t i = row; i < row + g->side; i++)
        for (int64_t j = col; j < col + g->side; j++, to += g->n) {
            if (i < 0 || i >= g->height || j < 0 || j >= g->width)
                memset(to, 0, (size_t)g->n * sizeof *to);
            else
                load_pixel(to, x, (i * g->width + j) * g->n, g->n, share ? overlap_share(g, exact, i, j) : 1.0f, d);
        }
}

/* Rows of neighbourhoods or pieces for cells from .. from + count - 1, counted round the grid. */
static void cut_neighbourhoods(const lac_ca *g, float *to, const void *x, int64_t from, int64_t count)
{
    LAC_PARALLEL_FOR(p, count)
        LAC_EACH_DTYPE(g->dtype, neighbourhood, g, to + p * g->key, x, (from + p + g->cells) % g->cells);
}

static void cut_pieces(const lac_ca *g, float *to, const void *x, int64_t from, int64_t count)
{
    LAC_PARALLEL_FOR(p, count)
        LAC_EACH_DTYPE(g->dtype, piece, g, to + p * g->patch, x, from + p, false, false);
}

/* Each key over its norm; norm[q] = sqrt(max(|K|^2, 1e-8)). */
static void normalise_keys(const lac_ca *g, float *keys, float *norm, int64_t count)
{
    LAC_PARALLEL_FOR(q, count) {
        float *restrict k = keys + q * g->key, s = 0;
        #pragma omp simd reduction(+ : s)
        for (int64_t i = 0; i < g->key; i++)
            s += k[i] * k[i];
        const float length = lac_sqrt(s > 1e-8f ? s : 1e-8f), inverse = 1.0f / length;
        norm[q] = length;
        #pragma omp simd
        for (int64_t i = 0; i < g->key; i++)
            k[i] *= inverse;
    }
}
