#include "core/cuda/columns.h"

#include "core/cuda/kernel.h"

/* A block takes LANES packs of columns of a slice of rows, ROWS rows at a time. */
constexpr int LANES = 8, ROWS = LAC_THREADS / LANES, MAX_SLICES = 256;

/* Slices of at least 256 rows, whatever the device. */
static int64_t n_slices(int64_t rows) { return rows <= 256 ? 1 : rows / 256 < MAX_SLICES ? rows / 256 : MAX_SLICES; }

/* partial[slice][j]: the sum of column j over a slice of the rows. */
template <int V, typename T>
static __global__ void columns_partial(float *__restrict__ partial, const T *__restrict__ x, int64_t rows, int64_t columns, int64_t slices)
{
    __shared__ float part[ROWS][LANES * V];
    const int64_t tiles = (columns + LANES * V - 1) / (LANES * V);
    const int lane = threadIdx.x % LANES, row = threadIdx.x / LANES;
    for LAC_EACH_BLOCK(b, tiles * slices) {
        const int64_t slice = b / tiles, left = b % tiles * LANES * V, j = left + lane * V, end = rows * (slice + 1) / slices;
        float sum[V] = { 0 }, v[V];
        if (j < columns)
            for (int64_t i = rows * slice / slices + row; i < end; i += ROWS) {
                lac_load(v, x + i * columns + j);
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

static __global__ void columns_finish(float *to, const float *partial, int64_t columns, int64_t slices, bool add)
{
    for LAC_EACH(j, columns) {
        double sum = 0;
        for (int64_t s = 0; s < slices; s++)
            sum += (double)partial[s * columns + j];
        lac_put(to + j, (float)sum, add);
    }
}

extern "C" size_t lac_cuda_column_sums_workspace(int64_t rows, int64_t columns) { return (size_t)(n_slices(rows) * columns) * sizeof(float); }

extern "C" lac_status lac_cuda_column_sums(float *to, bool add, const void *x, lac_dtype d, int64_t rows, int64_t columns, void *workspace)
{
    const int64_t slices = n_slices(rows);
    float *partial = (float *)workspace;
    LAC_TRY(lac_typed(lac_wide(columns, x), [&](auto v, auto t) {
        const int64_t tiles = (columns + LANES * v - 1) / (LANES * v);
        return lac_launch(lac_grid_rows(tiles * slices, LAC_THREADS), columns_partial<v, decltype(t)>, partial, (const decltype(t) *)x, rows, columns, slices);
    }, d));
    return lac_launch(lac_grid_each(columns), columns_finish, to, (const float *)partial, columns, slices, add);
}
