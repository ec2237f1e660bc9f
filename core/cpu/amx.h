/* core/cpu/amx.h -- products of bf16 matrices on AMX's tiles: what oneDNN's do, in a third to a half of the time; for core/cpu and for kernels whose products
 * are small.
 *
 * C [m, n] = A [m, k] B [k, n], sums in f32. A lies in rows; B is packed: panels of 32 columns, in each of them k in steps of 32, the last of either filled
 * up with zeros. A block is 32 rows of A times a panel: four tiles of sums. An element is summed up in order of k, wherever blocks and chunks of k begin. */
#pragma once

#include "core/product.h"

enum { LAC_AMX_SIDE = 32,           /* rows of a block, columns of a panel, a step of k */
       LAC_AMX_SUMS = LAC_AMX_SIDE * LAC_AMX_SIDE };

bool lac_amx_here(void);            /* this CPU has AMX, and the system lets the process use it */

static inline int64_t lac_amx_sides(int64_t n) { return (n + LAC_AMX_SIDE - 1) / LAC_AMX_SIDE; }
static inline size_t lac_amx_panel(int64_t k) { return (size_t)(lac_amx_sides(k) * LAC_AMX_SIDE * LAC_AMX_SIDE) * sizeof(uint16_t); }     /* bytes */

/* One panel of B, of n <= 32 columns: B[r, c] = b[r * row + c * col], one of the strides 1. */
void lac_amx_pack(uint16_t *to, const uint16_t *b, int64_t row, int64_t col, int64_t k, int64_t n);

/* to [m, k filled up] = A where that lies turned: A[i, r] = a[r * col + i]. */
void lac_amx_turn(uint16_t *to, const uint16_t *a, int64_t col, int64_t m, int64_t k);

/* Where a block's sums go: + bias [n], + onto, rounded to d. */
typedef struct lac_amx_end {
    const float *bias;              /* or NULL */
    const void *onto;               /* as c, or NULL */
    void *c;
    int64_t row;                    /* elements from row to row of c and onto */
    lac_dtype d;
} lac_amx_end;

/* The products of a thread stand between these two: they take the tiles, and give them back. */
void lac_amx_begin(void);
void lac_amx_done(void);

/* m rows of A, `row` elements apart, times `panels` panels that lie `step` bytes apart, the last one of `last` columns. Long sums go by chunks of k, so that
 * what a chunk reads of A and B stays in cache from block to block: `chunk` steps each, the sums meanwhile in `sums`, LAC_AMX_SUMS floats a block. */
typedef struct lac_amx_run {
    const uint16_t *a;
    int64_t row, m, k;
    const char *b;
    size_t step;
    int64_t panels, last;
    lac_amx_end end;
    int64_t chunk;                  /* 0: k as a whole, and no sums */
    float *sums;
} lac_amx_run;
void lac_amx_product(const lac_amx_run *r);
