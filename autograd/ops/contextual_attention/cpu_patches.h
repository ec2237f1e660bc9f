/* autograd/ops/contextual_attention/cpu_patches.h -- cutting feature maps into patches and pasting them back.
 * Included by this op's kernels alone. A sample is one [H, W, C] map. */
#pragma once

#include "autograd/ops/contextual_attention/formula.h"
#include "autograd/ops/rows.h"
#include "core/cpu/dnn.h"

/* Copies of the ksize x ksize neighbourhood of a cell in the downsampled map, zero outside. */
static void neighbourhood(const lac_ca *g, char *restrict to, const char *restrict x, int64_t cell)
{
    const int64_t half = g->ksize / 2, row = cell / g->w, col = cell % g->w;
    const size_t pixel = (size_t)g->n * lac_dtype_size(g->dtype);
    for (int64_t i = row - half; i <= row + half; i++)
        for (int64_t j = col - half; j <= col + half; j++, to += pixel) {
            if (i < 0 || i >= g->h || j < 0 || j >= g->w)
                memset(to, 0, pixel);
            else
                memcpy(to, x + (size_t)(lac_ca_fine_row(g, i) * g->width + lac_ca_fine_col(g, j)) * pixel, pixel);
        }
}

/* A copy of the 2r x 2r piece of x at a cell, zero outside. */
static void piece(const lac_ca *g, char *restrict to, const char *restrict x, int64_t cell)
{
    const int64_t row = cell / g->w * g->rate - g->offset, col = cell % g->w * g->rate - g->offset;
    const int64_t begin = LAC_MAX(col, 0), end = LAC_MIN(col + g->side, g->width);
    const size_t pixel = (size_t)g->n * lac_dtype_size(g->dtype), line = (size_t)g->side * pixel;
    const size_t left = (size_t)(begin - col) * pixel, inside = (size_t)(end - begin) * pixel;
    for (int64_t i = row; i < row + g->side; i++, to += line) {
        if (i < 0 || i >= g->height) {
            memset(to, 0, line);
            continue;
        }
        memset(to, 0, left);
        memcpy(to + left, x + (size_t)(i * g->width + begin) * pixel, inside);
        memset(to + left + inside, 0, line - left - inside);
    }
}

/* Rows of neighbourhoods or pieces for cells from .. from + count - 1, counted round the grid. */
static void cut_neighbourhoods(const lac_ca *g, void *to, const void *x, int64_t from, int64_t count)
{
    LAC_PARALLEL_FOR(p, count)
        neighbourhood(g, lac_at(to, p * g->key, g->dtype), x, (from + p + g->cells) % g->cells);
}

static void cut_pieces(const lac_ca *g, void *to, const void *x, int64_t from, int64_t count)
{
    LAC_PARALLEL_FOR(p, count)
        piece(g, lac_at(to, p * g->patch, g->dtype), x, from + p);
}

/* norm = sqrt(max(|K|^2, 1e-8)). In f32 the key is divided by it; in bf16 it stays exact, and the scores are divided. */
LAC_BODY void measure_key(const lac_ca *g, void *restrict key, float *norm, lac_dtype d)
{
    float s = 0;
    #pragma omp simd reduction(+ : s)
    for (int64_t i = 0; i < g->key; i++)
        s += lac_ld(key, i, d) * lac_ld(key, i, d);
    const float length = lac_sqrt(s > 1e-8f ? s : 1e-8f), inverse = 1.0f / length;
    *norm = length;
    if (d == LAC_BF16)
        return;
    #pragma omp simd
    for (int64_t i = 0; i < g->key; i++)
        lac_st(key, i, d, lac_ld(key, i, d) * inverse);
}

static void measure_keys(const lac_ca *g, void *keys, float *norm, int64_t count)
{
    LAC_PARALLEL_FOR(q, count)
        LAC_EACH_DTYPE(g->dtype, measure_key, g, lac_at(keys, q * g->key, g->dtype), norm + q);
}

/* A row of a product's left side, rounded to bf16. */
static void round_row(uint16_t *restrict to, const float *restrict from, int64_t n)
{
    #pragma omp simd
    for (int64_t q = 0; q < n; q++)
        to[q] = lac_f32_to_bf16(from[q]);
}
