/* autograd/ops/contextual_attention/cuda_patches.h -- kernels that cut maps into patches and paste patches back, and measure keys.
 * Included by cuda.cu alone. A buffer holds its part of each sample of a group, one after another. */
#pragma once

#include "autograd/ops/contextual_attention/formula.h"
#include "core/cuda/kernel.h"

/* Neighbourhoods of `count` cells from `from` on, counted round the grid. */
template <int V, typename T>
static __global__ void attention_neighbourhoods(T *__restrict__ to, const T *__restrict__ x, lac_ca g, int64_t samples, int64_t from, int64_t count)
{
    const int64_t packs = g.key / V, half = g.ksize / 2;
    for LAC_EACH(at, samples * count * packs) {
        const int64_t p = at / packs, k = at % packs * V, cell = (from + p % count + g.cells) % g.cells, place = k / g.n;
        const int64_t i = cell / g.w + place / g.ksize - half, j = cell % g.w + place % g.ksize - half;
        float v[V] = { 0 };
        if (i >= 0 && i < g.h && j >= 0 && j < g.w)
            lac_load(v, x + ((p / count * g.height + lac_ca_fine_row(&g, i)) * g.width + lac_ca_fine_col(&g, j)) * g.n + k % g.n);
        lac_store(to + at * V, v);
    }
}

/* The 2r x 2r pieces of x, or (share) of an upstream gradient, each pixel times its overlap share; zero outside. */
template <int V, typename T, typename X>
static __global__ void attention_pieces(T *__restrict__ to, const X *__restrict__ x, lac_ca g, int64_t samples, int64_t from, int64_t count, bool share, bool exact)
{
    const int64_t packs = g.patch / V;
    for LAC_EACH(at, samples * count * packs) {
        const int64_t p = at / packs, k = at % packs * V, cell = from + p % count, place = k / g.n;
        const int64_t i = cell / g.w * g.rate - g.offset + place / g.side, j = cell % g.w * g.rate - g.offset + place % g.side;
        float v[V] = { 0 };
        if (i >= 0 && i < g.height && j >= 0 && j < g.width) {
            lac_load(v, x + ((p / count * g.height + i) * g.width + j) * g.n + k % g.n);
            const float part = share ? lac_ca_overlap_share(&g, exact, i, j) : 1.0f;
            for (int l = 0; l < V; l++)
                v[l] *= part;
        }
        lac_store(to + at * V, v);
    }
}

/* norm = sqrt(max(|K|^2, 1e-8)), a block per key. In f32 the key is divided by it; in bf16 it stays exact, and the scores are divided. */
template <typename T> static __global__ void attention_measure_keys(T *keys, float *norm, int64_t n, int64_t key)
{
    for LAC_EACH_BLOCK(q, n) {
        T *k = keys + q * key;
        float s = 0;
        for (int64_t i = threadIdx.x; i < key; i += blockDim.x)
            s = lac_fma(lac_f32(k[i]), lac_f32(k[i]), s);
        s = lac_block_sum(s);
        const float length = lac_sqrt(s > 1e-8f ? s : 1e-8f), inverse = 1.0f / length;
        if (threadIdx.x == 0)
            norm[q] = length;
        if constexpr (std::is_same_v<T, float>)
            for (int64_t i = threadIdx.x; i < key; i += blockDim.x)
                k[i] *= inverse;
    }
}

/* Rows [first, end) of the output from the one, two or four pieces over each pixel; grid row i of a sample lies at
 * pasted[(i - base) w], samples are `stride` pieces apart. */
struct pasted { const float *at; int64_t base, stride; };

template <int V> __device__ static inline void over_pixel(float (&sum)[V], const lac_ca &g, const pasted &from, int64_t sample, int64_t y, int64_t x, int64_t k)
{
    const int64_t i1 = (y + g.offset) / g.rate, j1 = (x + g.offset) / g.rate;
    float v[V];
    for (int64_t i = LAC_MAX(i1 - 1, 0); i <= LAC_MIN(i1, g.h - 1); i++)
        for (int64_t j = LAC_MAX(j1 - 1, 0); j <= LAC_MIN(j1, g.w - 1); j++) {
            const int64_t piece = sample * from.stride + (i - from.base) * g.w + j;
            lac_load(v, from.at + piece * g.patch + ((y + g.offset - i * g.rate) * g.side + x + g.offset - j * g.rate) * g.n + k);
            for (int l = 0; l < V; l++)
                sum[l] += v[l];
        }
}

template <int V, typename T>
static __global__ void attention_paste(T *__restrict__ y, pasted from, lac_ca g, int64_t samples, int64_t first, int64_t end, bool exact)
{
    const int64_t packs = g.n / V, line = g.width * packs;
    for LAC_EACH(at, samples * (end - first) * line) {
        const int64_t sample = at / line / (end - first), row = first + at / line % (end - first), col = at % line / packs, k = at % packs * V;
        float sum[V] = { 0 };
        over_pixel(sum, g, from, sample, row, col, k);
        for (int l = 0; l < V; l++)
            sum[l] *= lac_ca_overlap_share(&g, exact, row, col);
        lac_store(y + ((sample * g.height + row) * g.width + col) * g.n + k, sum);
    }
}

/* The gradient of the pieces, added where they were cut. */
template <int V> static __global__ void attention_add_pieces(float *__restrict__ map, pasted from, lac_ca g, int64_t samples)
{
    const int64_t packs = g.n / V;
    for LAC_EACH(at, samples * g.height * g.width * packs) {
        const int64_t pixel = at / packs, k = at % packs * V;
        float sum[V] = { 0 };
        over_pixel(sum, g, from, pixel / g.width / g.height, pixel / g.width % g.height, pixel % g.width, k);
        lac_put(map + pixel * g.n + k, sum, true);
    }
}

/* The same for neighbourhoods. Cells have pixels of their own (the nearest rule skips, never repeats). */
template <int V> static __global__ void attention_add_neighbourhoods(float *__restrict__ map, const float *__restrict__ hoods, lac_ca g, int64_t samples)
{
    const int64_t packs = g.n / V, half = g.ksize / 2;
    for LAC_EACH(at, samples * g.cells * packs) {
        const int64_t k = at % packs * V, cell = at / packs % g.cells, sample = at / packs / g.cells, row = cell / g.w, col = cell % g.w;
        float sum[V] = { 0 }, v[V];
        for (int64_t i = LAC_MAX(row - half, 0); i <= LAC_MIN(row + half, g.h - 1); i++)
            for (int64_t j = LAC_MAX(col - half, 0); j <= LAC_MIN(col + half, g.w - 1); j++) {
                const int64_t place = (row - i + half) * g.ksize + col - j + half;
                lac_load(v, hoods + (sample * g.cells + i * g.w + j) * g.key + place * g.n + k);
                for (int l = 0; l < V; l++)
                    sum[l] += v[l];
            }
        lac_put(map + ((sample * g.height + lac_ca_fine_row(&g, row)) * g.width + lac_ca_fine_col(&g, col)) * g.n + k, sum, true);
    }
}

template <int V, typename T> static __global__ void attention_store(T *__restrict__ to, const float *__restrict__ from, int64_t n, bool add)
{
    for LAC_EACH(i, n / V) {
        float v[V];
        lac_load(v, from + i * V);
        lac_put(to + i * V, v, add);
    }
}
