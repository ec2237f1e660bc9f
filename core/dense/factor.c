#include "core/dense/dense.h"

#include "core/memory.h"
#include "core/threads.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 };        /* rows of the factor between two updates of the whole matrix */

typedef struct factor {
    double *a, *f, *left;       /* what is left of a after whole blocks; [n, n] rows of the factor; the diagonal of what is left now */
    int64_t n, rank;
} factor;

static int64_t largest(const double *x, int64_t n)
{
    int64_t at = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[at])
            at = i;
    return at;
}

/* The next row: column p of what is left, over the root of its pivot. from: the first row that is not in a yet. */
static void next_row(factor *w, int64_t p, int64_t from)
{
    const int64_t n = w->n;
    double *row = w->f + w->rank * n;
    const double root = sqrt(w->left[p]);
    memcpy(row, w->a + p * n, (size_t)n * sizeof *row);
    for (int64_t j = from; j < w->rank; j++) {
        const double *of = w->f + j * n, by = of[p];
        #pragma omp simd
        for (int64_t i = 0; i < n; i++)
            row[i] -= by * of[i];
    }
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        row[i] /= root;
    for (int64_t i = 0; i < n; i++)
        w->left[i] -= row[i] * row[i];
    w->left[p] = 0;
    w->rank++;
}

static lac_status subtract_block(factor *w, int64_t from)
{
    double *sign;
    const int64_t count = (w->rank - from) * w->n;
    LAC_TRY(lac_malloc((void **)&sign, (size_t)count * sizeof *sign));
    for (int64_t i = 0; i < count; i++)
        sign[i] = -w->f[from * w->n + i];
    const lac_dense a = { sign, w->n, w->rank - from, 1, w->n }, b = { w->f + from * w->n, w->n, w->rank - from, 1, w->n };
    const lac_status s = lac_dense_multiply_by(w->a, &a, &b, LAC_DENSE_PRODUCT, true);
    free(sign);
    return s;
}

static lac_status fill(factor *w)
{
    for (int64_t i = 0; i < w->n; i++)
        w->left[i] = w->a[i * w->n + i];
    const double least = (double)w->n * DBL_EPSILON * (w->n > 0 ? w->left[largest(w->left, w->n)] : 0);
    for (int64_t from = 0; w->rank < w->n; from = w->rank) {
        for (int64_t k = 0; k < BLOCK && w->rank < w->n; k++) {
            const int64_t p = largest(w->left, w->n);
            if (!(w->left[p] > least))
                return LAC_OK;
            next_row(w, p, from);
        }
        LAC_TRY(subtract_block(w, from));
    }
    return LAC_OK;
}

lac_status lac_dense_factor(double *a, int64_t n, double **f, int64_t *rank)
{
    factor w = { .a = a, .n = n };
    lac_status s = lac_malloc((void **)&w.f, (size_t)(n * n) * sizeof *w.f);
    if (s == LAC_OK)
        s = lac_malloc((void **)&w.left, (size_t)n * sizeof *w.left);
    if (s == LAC_OK)
        s = fill(&w);
    free(w.left);
    if (s != LAC_OK)
        free(w.f);
    *f = s == LAC_OK ? w.f : NULL;
    *rank = w.rank;
    return s;
}

/* a = L L', row by row; each row's products with those above it are its own. */
static lac_status lower(double *a, int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        double *row = a + j * n, square = row[j];
        for (int64_t k = 0; k < j; k++)
            square -= row[k] * row[k];
        if (!(square > 0))
            return LAC_FAIL(LAC_ERR_NONFINITE, "a matrix is not positive definite: pivot %lld is %g", (long long)j, square);
        row[j] = sqrt(square);
        LAC_PARALLEL_FOR(i, n - j - 1) {
            double *under = a + (j + 1 + i) * n, sum = 0;
            #pragma omp simd reduction(+ : sum)
            for (int64_t k = 0; k < j; k++)
                sum += under[k] * row[k];
            under[j] = (under[j] - sum) / row[j];
        }
    }
    return LAC_OK;
}

lac_status lac_dense_solve(double *a, int64_t n, double *x)
{
    LAC_TRY(lower(a, n));
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < i; k++)
            x[i] -= a[i * n + k] * x[k];
        x[i] /= a[i * n + i];
    }
    for (int64_t i = n - 1; i >= 0; i--) {
        x[i] /= a[i * n + i];
        for (int64_t k = 0; k < i; k++)
            x[k] -= a[i * n + k] * x[i];
    }
    return LAC_OK;
}
