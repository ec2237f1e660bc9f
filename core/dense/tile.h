/* core/dense/tile.h -- one tile of a product, by instruction set (cpu_tile.c); folder-local.
 *
 * Panels hold `rows` (of a) or `columns` (of b) numbers side by side for each of k: element k of row r is panel[k * rows + r]. Each number of
 * the tile is one chain of fused multiply-adds in the order of k, so that every instruction set gives the same bits. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* to [rows, columns], step between its rows: sums over k of a b, or of (a - b)^2; added to what is there, or overwriting it. */
typedef void lac_dense_run(double *to, int64_t step, const double *a, const double *b, int64_t k, bool add, bool distance);
typedef struct lac_dense_tile { int rows, columns; lac_dense_run *run; } lac_dense_tile;
extern const lac_dense_tile lac_dense_tile_base, lac_dense_tile_v3, lac_dense_tile_v4;
const lac_dense_tile *lac_dense_tile_here(void);        /* of this CPU */

/* What every step of lac_dense_nuclear_norm does with a block of rows of a [rows, n], step apart. */
/* y[i] = the product of row i and w. */
typedef void lac_dense_multiply(double *y, const double *a, int64_t step, int64_t rows, int64_t n, const double *w);
/* Row i loses v[i] z + y[i] w; sum gains u[i] times what is left of it. */
typedef void lac_dense_subtract(double *a, int64_t step, int64_t rows, int64_t n, const double *v, const double *z, const double *y, const double *w,
                                const double *u, double *sum);
lac_dense_multiply lac_dense_multiply_base, lac_dense_multiply_v3, lac_dense_multiply_v4;
lac_dense_subtract lac_dense_subtract_base, lac_dense_subtract_v3, lac_dense_subtract_v4;
