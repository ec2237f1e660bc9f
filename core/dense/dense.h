/* core/dense/dense.h -- dense matrices in f64: products, a factor, sums of singular values, linear systems. For statistics of features.
 *
 * The same bits at any number of threads: every sum is one chain in a fixed order, or one of fixed blocks put together in their order; a threaded LAPACK does not
 * promise that. A Frechet distance of d = 2048 from two covariances (`lacuna probe frechet`, reading 134 MB included) takes 3.9 s on one thread and 2.3 s on two of an
 * idle Xeon with AMX, the same bits; NumPy 2's OpenBLAS takes 1.8 s on both for two Cholesky factors, their product and its singular values, without the reading.
 * The two values agree to 1e-13.
 *
 * Sources: G. H. Golub, C. F. Van Loan, Matrix Computations, 4th ed.: 4.2.8 (Cholesky with pivots), 5.4.8 (bidiagonalisation), 8.6.1 (the
 * singular values as eigenvalues of [0 B; B' 0]), 8.3.5 (implicit symmetric QR). */
#pragma once

#include "core/status.h"

/* rows x k numbers: (i, j) lies at x[i * row + j * column]. Borrowed. */
typedef struct lac_dense { const double *x; int64_t rows, k, row, column; } lac_dense;

static inline lac_dense lac_dense_rows(const double *x, int64_t rows, int64_t k) { return (lac_dense){ x, rows, k, k, 1 }; }
static inline lac_dense lac_dense_columns(const double *x, int64_t rows, int64_t k) { return (lac_dense){ x, rows, k, 1, rows }; }

typedef enum {
    LAC_DENSE_PRODUCT,          /* sum over k of a[i][k] b[j][k] */
    LAC_DENSE_SQUARES,          /* sum over k of (a[i][k] - b[j][k])^2, as such: no digits are lost */
} lac_dense_sum;

/* to [a.rows, b.rows], row after row; add: to what is there. Equal a and b are half the work, and `to` is symmetric to the bit then (with add:
 * if it was). LAC_ERR_SHAPE when the ks differ. */
lac_status lac_dense_multiply_by(double *to, const lac_dense *a, const lac_dense *b, lac_dense_sum sum, bool add);

/* A symmetric positive semidefinite a [n, n] as the sum of f[k]' f[k], f [rank, n] in *factor (fresh, free()). Ends where no pivot is above
 * n eps times the largest diagonal element. a is overwritten. */
lac_status lac_dense_factor(double *a, int64_t n, double **factor, int64_t *rank);

/* The sum of the singular values of a [rows, columns], which is overwritten. LAC_ERR_NONFINITE when it holds what is no number. */
lac_status lac_dense_nuclear_norm(double *a, int64_t rows, int64_t columns, double *norm);

/* x with a x = b for a symmetric positive definite a [n, n], overwritten, as x [n] is, which holds b. LAC_ERR_NONFINITE if a is not. */
lac_status lac_dense_solve(double *a, int64_t n, double *x);
