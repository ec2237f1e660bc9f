#include "core/cuda/columns_kernel.h"

constexpr int64_t MAX_SLICES = 256;

extern "C" int64_t lac_cuda_column_slices(int64_t rows) { return rows <= 256 ? 1 : rows / 256 < MAX_SLICES ? rows / 256 : MAX_SLICES; }

static __global__ void columns_finish(float *to, const float *partial, int64_t columns, int64_t slices, bool add)
{
    for LAC_EACH(j, columns) {
        double sum = 0;
        for (int64_t s = 0; s < slices; s++)
            sum += (double)partial[s * columns + j];
        lac_put(to + j, (float)sum, add);
    }
}

extern "C" lac_status lac_cuda_columns_finish(float *to, bool add, const float *partial, int64_t columns, int64_t slices)
{
    return lac_launch(lac_grid_each(columns), columns_finish, to, partial, columns, slices, add);
}

extern "C" size_t lac_cuda_column_sums_workspace(int64_t rows, int64_t columns) { return (size_t)(lac_cuda_column_slices(rows) * columns) * sizeof(float); }

template <typename T> struct as_it_lies {
    const T *x;
    int64_t columns;
    template <int V> __device__ void operator()(float (&v)[V], int64_t i, int64_t j) const { lac_load(v, x + i * columns + j); }
};

extern "C" lac_status lac_cuda_column_sums(float *to, bool add, const void *x, lac_dtype d, int64_t rows, int64_t columns, void *workspace)
{
    return lac_typed(lac_wide(columns, x), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_columns<v>(to, add, as_it_lies<T>{ (const T *)x, columns }, rows, columns, workspace);
    }, d);
}
