/* core/cuda/columns_kernel.h -- sums over the rows of a matrix that need not lie in memory: gradients of biases, scales and shifts.
 *
 *     struct product {                                    // element (i, j) of the matrix; V of them from column j on
 *         const float *a, *b;
 *         int64_t columns;
 *         template <int V> __device__ void operator()(float (&v)[V], int64_t i, int64_t j) const
 *         {
 *             float u[V];
 *             lac_load(v, a + i * columns + j);
 *             lac_load(u, b + i * columns + j);
 *             for (int k = 0; k < V; k++)
 *                 v[k] *= u[k];
 *         }
 *     };
 *     lac_typed(lac_wide(columns, a, b), [&](auto v) { return lac_columns<v>(to, add, product{ a, b, columns }, rows, columns, workspace); });
 *
 * Slices of the rows are summed in f32 and their sums added in order and in double: the same bits whatever the device. */
#pragma once

#include "core/cuda/columns.h"
#include "core/cuda/kernel.h"

/* A block takes LAC_COLUMN_LANES packs of columns of a slice of rows, LAC_COLUMN_ROWS rows at a time. */
constexpr int LAC_COLUMN_LANES = 8, LAC_COLUMN_ROWS = LAC_THREADS / LAC_COLUMN_LANES;

/* partial[slice][j]: the sum of column j over a slice of the rows. */
template <int V, typename F>
static __global__ void columns_partial(float *__restrict__ partial, F value, int64_t rows, int64_t columns, int64_t slices)
{
    constexpr int LANES = LAC_COLUMN_LANES, ROWS = LAC_COLUMN_ROWS;
    __shared__ float part[ROWS][LANES * V];
    const int64_t tiles = (columns + LANES * V - 1) / (LANES * V);
    const int lane = threadIdx.x % LANES, row = threadIdx.x / LANES;
    for LAC_EACH_BLOCK(b, tiles * slices) {
        const int64_t slice = b / tiles, left = b % tiles * LANES * V, j = left + lane * V, end = rows * (slice + 1) / slices;
        float sum[V] = { 0 }, v[V];
        if (j < columns)
            for (int64_t i = rows * slice / slices + row; i < end; i += ROWS) {
                value(v, i, j);
                for (int k = 0; k < V; k++)
                    sum[k] += v[k];
            }
        __syncthreads();
        for (int k = 0; k < V; k++)
            part[row][lane * V + k] = sum[k];
        __syncthreads();
        for (int k = threadIdx.x; k < LANES * V && left + k < columns; k += LAC_THREADS) {
            float all = 0;
            for (int i = 0; i < ROWS; i++)
                all += part[i][k];
            partial[slice * columns + left + k] = all;
        }
    }
}

/* to[j] = (add ? to[j] : 0) + sum over i of value(i, j); V as lac_typed gives it. Workspace: lac_cuda_column_sums_workspace. */
template <int V, typename F>
static lac_status lac_columns(float *to, bool add, const F &value, int64_t rows, int64_t columns, void *workspace)
{
    const int64_t slices = lac_cuda_column_slices(rows), tiles = (columns + LAC_COLUMN_LANES * V - 1) / (LAC_COLUMN_LANES * V);
    LAC_TRY(lac_launch(lac_grid_rows(tiles * slices, LAC_THREADS), columns_partial<V, F>, (float *)workspace, value, rows, columns, slices));
    return lac_cuda_columns_finish(to, add, (const float *)workspace, columns, slices);
}
