#include "core/dense/dense.h"

#include "core/cpu/features.h"
#include "core/dense/tile.h"
#include "core/memory.h"
#include "core/threads.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* a [m, n], m >= n, becomes bidiagonal step by step: a reflection of rows leaves d[j] of column j, one of columns leaves e[j] of row j. Both are
 * put off, a - v z' - y w', so that one pass over a subtracts them and gathers what the next reflection of rows wants. */
typedef struct bidiagonal {
    double *a;
    int64_t m, n;
    double *d, *e;                  /* [n] each */
    double *v, *y, *u;              /* [m]: the reflection of rows, a w, the next reflection of rows */
    double *z, *w, *part;           /* [n]; part [LAC_BLOCKS][n] */
} bidiagonal;

static lac_dense_multiply *multiply_here(void)
{
    static lac_dense_multiply *const by_level[] = {
#if defined(__x86_64__)
        lac_dense_multiply_base, lac_dense_multiply_v3, lac_dense_multiply_v4
#else
        lac_dense_multiply_base, lac_dense_multiply_base, lac_dense_multiply_base
#endif
    };
    return by_level[lac_cpu_level_here()];
}

static lac_dense_subtract *subtract_here(void)
{
    static lac_dense_subtract *const by_level[] = {
#if defined(__x86_64__)
        lac_dense_subtract_base, lac_dense_subtract_v3, lac_dense_subtract_v4
#else
        lac_dense_subtract_base, lac_dense_subtract_base, lac_dense_subtract_base
#endif
    };
    return by_level[lac_cpu_level_here()];
}

/* x becomes v with v[0] = 1, (1 - tau v v') x = (beta, 0, ...). tau 0: nothing to do. */
static double reflect(double *x, int64_t n, double *beta)
{
    double most = 0, square = 0;
    for (int64_t i = 1; i < n; i++)
        most = fmax(most, fabs(x[i]));
    *beta = n > 0 ? x[0] : 0;
    if (most == 0) {
        if (n > 0)
            x[0] = 1;
        return 0;
    }
    most = fmax(most, fabs(x[0]));
    for (int64_t i = 0; i < n; i++)
        square += x[i] / most * (x[i] / most);
    *beta = -copysign(most * sqrt(square), x[0]);
    const double tau = (*beta - x[0]) / *beta, under = x[0] - *beta;
    for (int64_t i = 1; i < n; i++)
        x[i] /= under;
    x[0] = 1;
    return tau;
}

/* Rows and columns from j on: a loses v z' and y w'; then z = tau a' u. The reflections that are put off are v, y over rows, z, w over columns. */
static void subtract(bidiagonal *b, int64_t j, double tau)
{
    lac_dense_subtract *run = subtract_here();
    const int64_t columns = b->n - j;
    memset(b->part, 0, (size_t)(LAC_BLOCKS * columns) * sizeof *b->part);
    LAC_PARALLEL_BLOCKS(k, from, to, b->m - j)
        run(b->a + (j + from) * b->n + j, b->n, to - from, columns, b->v + j + from, b->z + j, b->y + j + from, b->w + j, b->u + j + from, b->part + k * columns);
    LAC_PARALLEL_FOR(c, columns) {
        double sum = 0;
        for (int64_t k = 0; k < LAC_BLOCKS; k++)
            sum += b->part[k * columns + c];
        b->z[j + c] = tau * sum;
    }
}

/* Column j as it is once what was put off is subtracted, into u as a reflection. */
static double next_rows(bidiagonal *b, int64_t j)
{
    for (int64_t i = j; i < b->m; i++)
        b->u[i] = b->a[i * b->n + j] - b->v[i] * b->z[j] - b->y[i] * b->w[j];
    return reflect(b->u + j, b->m - j, &b->d[j]);
}

/* The reflection of columns after that of rows of step j, and y = sigma a w. */
static void next_columns(bidiagonal *b, int64_t j)
{
    const int64_t n = b->n - j - 1;
    const double *row = b->a + j * b->n;
    for (int64_t c = j + 1; c < b->n; c++)
        b->w[c] = row[c] - b->z[c];             /* v[j] is 1 */
    const double sigma = reflect(b->w + j + 1, n, &b->e[j]);
    double zw = 0;
    for (int64_t c = j + 1; c < b->n; c++)
        zw += b->z[c] * b->w[c];
    lac_dense_multiply *run = multiply_here();
    LAC_PARALLEL_BLOCKS(k, from, to, b->m - j - 1)
        run(b->y + j + 1 + from, b->a + (j + 1 + from) * b->n + j + 1, b->n, to - from, n, b->w + j + 1);
    for (int64_t i = j + 1; i < b->m; i++)
        b->y[i] = sigma * (b->y[i] - b->v[i] * zw);
}

static void reduce(bidiagonal *b)
{
    for (int64_t j = 0; j < b->n; j++) {
        const double tau = next_rows(b, j);
        subtract(b, j, tau);
        memcpy(b->v + j, b->u + j, (size_t)(b->m - j) * sizeof *b->v);
        if (j + 1 < b->n)
            next_columns(b, j);
    }
}

/* One sweep of implicit QL with Wilkinson's shift over the block l..m of the symmetric tridiagonal matrix with diagonal d, e[i] beside d[i], d[i + 1]. */
static void sweep(double *d, double *e, int64_t l, int64_t m)
{
    double g = (d[l + 1] - d[l]) / (2 * e[l]), r = hypot(g, 1), s = 1, c = 1, p = 0;
    g = d[m] - d[l] + e[l] / (g + copysign(r, g));
    for (int64_t i = m - 1; i >= l; i--) {
        const double f = s * e[i], b = c * e[i];
        r = sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r == 0) {
            d[i + 1] -= p;
            e[m] = 0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0;
}

/* d becomes the eigenvalues; e [n], of which n - 1 are the matrix's. */
static lac_status eigenvalues(double *d, double *e, int64_t n)
{
    double norm = 0;
    for (int64_t i = 0; i < n; i++)
        norm = fmax(norm, fabs(d[i]) + fabs(e[i]));
    for (int64_t l = 0, tries = 0; l < n;) {
        int64_t m = l;
        while (m < n - 1 && fabs(e[m]) > DBL_EPSILON * fmax(fabs(d[m]) + fabs(d[m + 1]), norm / 1024))
            m++;
        if (m == l) {
            l++;
            tries = 0;
            continue;
        }
        if (++tries > 200)
            return LAC_FAIL(LAC_ERR_LIBRARY, "eigenvalue %lld of %lld was not found in 200 sweeps", (long long)l, (long long)n);
        sweep(d, e, l, m);
    }
    return LAC_OK;
}

/* The singular values of a bidiagonal matrix are the eigenvalues above 0 of the symmetric one with d[0], e[0], d[1], ... beside an empty diagonal. */
static lac_status sum_of_bidiagonal(const double *d, const double *e, int64_t n, double scale, double *norm)
{
    double *zero, *beside;
    LAC_TRY(lac_calloc((void **)&zero, (size_t)(4 * n + 1), sizeof *zero));
    beside = zero + 2 * n;
    for (int64_t i = 0; i < n; i++) {
        beside[2 * i] = d[i];
        beside[2 * i + 1] = i + 1 < n ? e[i] : 0;
    }
    const lac_status s = eigenvalues(zero, beside, 2 * n);
    double sum = 0;
    for (int64_t i = 0; i < 2 * n; i++)
        sum += fabs(zero[i]);
    *norm = sum / 2 * scale;
    free(zero);
    return s;
}

/* Brings a to numbers of at most 1; *scale is 0 when it is all zeroes. */
static lac_status scaled(double *a, int64_t n, double *scale)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(a[i]))
            return LAC_FAIL(LAC_ERR_NONFINITE, "a matrix holds %g", a[i]);
        most = fmax(most, fabs(a[i]));
    }
    for (int64_t i = 0; i < n && most > 0; i++)
        a[i] /= most;
    *scale = most;
    return LAC_OK;
}

static lac_status norm_of(double *a, int64_t m, int64_t n, double *norm)
{
    double *memory, scale = 0;
    *norm = 0;
    LAC_TRY(scaled(a, m * n, &scale));
    if (scale == 0)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)&memory, (size_t)(3 * m + (4 + LAC_BLOCKS) * n), sizeof *memory));
    bidiagonal b = { .a = a, .m = m, .n = n, .v = memory, .y = memory + m, .u = memory + 2 * m };
    b.d = memory + 3 * m;
    b.e = b.d + n;
    b.z = b.e + n;
    b.w = b.z + n;
    b.part = b.w + n;
    reduce(&b);
    const lac_status s = sum_of_bidiagonal(b.d, b.e, n, scale, norm);
    free(memory);
    return s;
}

lac_status lac_dense_nuclear_norm(double *a, int64_t rows, int64_t columns, double *norm)
{
    if (rows >= columns)
        return norm_of(a, rows, columns, norm);
    double *turned;
    LAC_TRY(lac_malloc((void **)&turned, (size_t)(rows * columns) * sizeof *turned));
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            turned[j * rows + i] = a[i * columns + j];
    const lac_status s = norm_of(turned, columns, rows, norm);
    free(turned);
    return s;
}
