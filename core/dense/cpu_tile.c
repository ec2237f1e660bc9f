#include "core/dense/tile.h"

#include "core/cpu/level.h"

#if defined(__AVX512F__)
enum { ROWS = 12, LANES = 8, VECTORS = 2 };
#elif defined(__AVX2__)
enum { ROWS = 4, LANES = 4, VECTORS = 3 };
#else
enum { ROWS = 2, LANES = 2, VECTORS = 2 };
#endif
enum { COLUMNS = LANES * VECTORS };

__attribute__((always_inline)) static inline void tile(double *to, int64_t step, const double *a, const double *b, int64_t n, bool add, bool distance)
{
    double sum[ROWS][COLUMNS];
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++)
            sum[r][c] = add ? to[r * step + c] : 0;
    for (int64_t k = 0; k < n; k++, a += ROWS, b += COLUMNS) {
        #pragma GCC unroll 12
        for (int r = 0; r < ROWS; r++) {
            #pragma omp simd
            for (int c = 0; c < COLUMNS; c++) {
                const double x = distance ? a[r] - b[c] : a[r], y = distance ? x : b[c];
                sum[r][c] = __builtin_fma(x, y, sum[r][c]);
            }
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++)
            to[r * step + c] = sum[r][c];
}

static void run(double *to, int64_t step, const double *a, const double *b, int64_t n, bool add, bool distance)
{
    if (distance)
        tile(to, step, a, b, n, add, true);
    else
        tile(to, step, a, b, n, add, false);
}

const lac_dense_tile LAC_CPU(lac_dense_tile) = { ROWS, COLUMNS, run };

void LAC_CPU(lac_dense_multiply)(double *y, const double *a, int64_t step, int64_t rows, int64_t n, const double *w)
{
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;
        #pragma omp simd reduction(+ : sum)
        for (int64_t c = 0; c < n; c++)
            sum += a[i * step + c] * w[c];
        y[i] = sum;
    }
}

void LAC_CPU(lac_dense_subtract)(double *a, int64_t step, int64_t rows, int64_t n, const double *v, const double *z, const double *y, const double *w,
                                 const double *u, double *sum)
{
    for (int64_t i = 0; i < rows; i++) {
        double *row = a + i * step;
        #pragma omp simd
        for (int64_t c = 0; c < n; c++) {
            row[c] = row[c] - v[i] * z[c] - y[i] * w[c];
            sum[c] += u[i] * row[c];
        }
    }
}
