/* autograd/ops/contextual_attention/cuda_scores.h -- kernels on scores: which keys are valid, fusing, softmax, and their way back.
 * Included by cuda.cu alone. A buffer holds its part of each sample of a group, one after another. */
#pragma once

#include "autograd/ops/contextual_attention/formula.h"
#include "core/cuda/kernel.h"

/* Scores of keys as they lie become scores of keys of length 1; `keys` columns of `rows` rows, a stride of g.cells. */
static __global__ void attention_divide(float *score, const float *__restrict__ norm, lac_ca g, int64_t samples, int64_t rows, int64_t keys)
{
    for LAC_EACH(at, samples * rows * keys) {
        const int64_t row = at / keys, q = at % keys;
        score[(row / rows * g.window + row % rows) * g.cells + q] /= norm[row / rows * keys + q];
    }
}

/* 1 where no hole lies in the rate x rate block (max), or at the nearest pixel. */
__device__ static inline bool known(const lac_ca &g, const float *mask, int64_t i, int64_t j, bool max)
{
    if (!max)
        return mask[lac_ca_fine_row(&g, i) * g.width + lac_ca_fine_col(&g, j)] == 0;
    for (int64_t y = i * g.rate; y < (i + 1) * g.rate; y++)
        for (int64_t x = j * g.rate; x < (j + 1) * g.rate; x++)
            if (mask[y * g.width + x] != 0)
                return false;
    return true;
}

/* mask: of the group, `stride` from one sample's to the next. */
static __global__ void attention_find_valid(float *valid, const float *mask, int64_t stride, lac_ca g, int64_t samples, bool max)
{
    const int64_t half = g.ksize / 2;
    for LAC_EACH(at, samples * g.cells) {
        const int64_t row = at % g.cells / g.w, col = at % g.w;
        bool all = true;
        for (int64_t i = row - half; i <= row + half; i++)
            for (int64_t j = col - half; j <= col + half; j++)
                if (i >= 0 && i < g.h && j >= 0 && j < g.w)
                    all = all && known(g, mask + at / g.cells * stride, i, j, max);
        valid[at] = all;
    }
}

/* Row `row` of a sample's ring of scores. */
__device__ static inline const float *score_at(const lac_ca &g, const float *score, int64_t row)
{
    return score + (g.whole ? (row + g.cells) % g.cells : (row - g.first) % g.window) * g.cells;
}

/* Both passes of fusing at once: the sum over column steps e of the sum over row steps d. */
__device__ static inline float fused(const lac_ca &g, const float *score, int64_t p, int64_t q)
{
    float sum = 0;
    for (int64_t e = -1; e <= 1; e++) {
        int64_t row;
        const int64_t to = e == 0 ? q : lac_ca_column_step(&g, q, e);
        if (to < 0 || !lac_ca_column_row(&g, p, e, &row))
            continue;
        const int64_t cell = (row + g.cells) % g.cells;
        for (int64_t d = -1; d <= 1; d++)
            if (cell + d >= 0 && cell + d < g.cells && to + d >= 0 && to + d < g.cells)
                sum += score_at(g, score, row + d)[to + d];
    }
    return sum;
}

/* A = softmax(scale v S) v, a block per query. Masked keys weigh in with score 0, or (exclude) not at all. `rounded`: A in bf16, or NULL. */
static __global__ void attention_attend(float *attention, lac_bf16 *rounded, const float *__restrict__ score, const float *__restrict__ valid, lac_ca g,
                                        int64_t samples, int64_t from, int64_t count, float scale, bool exclude)
{
    for LAC_EACH_BLOCK(at, samples * count) {
        const int64_t b = at / count, p = from + at % count, row = (b * g.strip + at % count) * g.cells;
        const float *s = score + b * g.window * g.cells, *v = valid + b * g.cells;
        float *a = attention + row, most = -INFINITY, sum = 0;
        for (int64_t q = threadIdx.x; q < g.cells; q += blockDim.x) {
            a[q] = scale * (g.fuse ? fused(g, s, p, q) : score_at(g, s, p)[q]) * v[q];
            most = exclude && v[q] == 0 ? most : a[q] > most ? a[q] : most;
        }
        most = lac_block_max(most);
        for (int64_t q = threadIdx.x; q < g.cells; q += blockDim.x) {
            const float e = exclude && v[q] == 0 ? 0.0f : lac_exp_negative(a[q] - most);
            sum += e;
            a[q] = e * v[q];
        }
        sum = lac_block_sum(sum);
        const float inverse = sum > 0 ? 1.0f / sum : 0.0f;
        for (int64_t q = threadIdx.x; q < g.cells; q += blockDim.x) {
            a[q] *= inverse;
            if (rounded != NULL)
                lac_store(rounded + row + q, a[q]);
        }
    }
}

/* dA becomes dS in place, a block per row; in bf16 A is rounded on the way. */
static __global__ void attention_through_softmax(float *d, lac_bf16 *rounded, const float *__restrict__ attention, int64_t rows, int64_t cells, float scale)
{
    for LAC_EACH_BLOCK(p, rows) {
        float sum = 0;
        for (int64_t q = p * cells + threadIdx.x; q < (p + 1) * cells; q += blockDim.x)
            sum = lac_fma(attention[q], d[q], sum);
        sum = lac_block_sum(sum);
        for (int64_t q = p * cells + threadIdx.x; q < (p + 1) * cells; q += blockDim.x) {
            d[q] = scale * attention[q] * (d[q] - sum);
            if (rounded != NULL)
                lac_store(rounded + q, attention[q]);
        }
    }
}

/* The three-term diagonal sum along the rows-first or the columns-first order; each is its own adjoint. */
static __global__ void attention_diagonal(float *__restrict__ to, const float *__restrict__ from, lac_ca g, int64_t samples, bool columns)
{
    const int64_t n = g.cells;
    for LAC_EACH(at, samples * n * n) {
        const int64_t p = at / n % n, q = at % n, map = at - p * n - q;
        float sum = from[at];
        for (int64_t e = -1; e <= 1; e += 2) {
            const int64_t i = columns ? lac_ca_column_step(&g, p, e) : p + e, j = columns ? lac_ca_column_step(&g, q, e) : q + e;
            if (i >= 0 && i < n && j >= 0 && j < n)
                sum += from[map + i * n + j];
        }
        to[at] = sum;
    }
}

/* E = dS / |K| in bf16. */
static __global__ void attention_round_scores(lac_bf16 *__restrict__ to, const float *__restrict__ ds, const float *__restrict__ norm, int64_t n, int64_t cells)
{
    for LAC_EACH(at, n)
        lac_store(to + at, ds[at] / norm[at / cells / cells * cells + at % cells]);
}

/* dK^ becomes dK in place, a block per key; in bf16 E^T Q does, which lacks the part along K alone. */
template <typename T>
static __global__ void attention_through_norms(float *hoods, const T *__restrict__ keys, const float *__restrict__ norm, int64_t n, int64_t key)
{
    for LAC_EACH_BLOCK(q, n) {
        float *d = hoods + q * key, along = 0;
        const T *k = keys + q * key;
        for (int64_t i = threadIdx.x; i < key; i += blockDim.x)
            along = lac_fma(lac_f32(k[i]), d[i], along);
        along = lac_block_sum(along);
        const float inverse = 1.0f / norm[q], kept = norm[q] <= 1e-4f ? 0.0f : along, part = kept * inverse * inverse;
        for (int64_t i = threadIdx.x; i < key; i += blockDim.x)
            d[i] = std::is_same_v<T, float> ? (d[i] - lac_f32(k[i]) * kept) * inverse : d[i] - lac_f32(k[i]) * part;
    }
}
