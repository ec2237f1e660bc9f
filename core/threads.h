/* core/threads.h -- fixed blocks over threads.
 *
 * Work is cut into LAC_BLOCKS blocks whatever the number of threads, so a sum over blocks in block order gives the
 * same bits on 1 thread and on 64. One OpenMP runtime serves our kernels and oneDNN. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LAC_BLOCKS = 64 };

int lac_threads(void);                      /* threads in use; physical cores unless set */
void lac_threads_set(int n);                /* at least 1 */

/* First element of block b when n elements are cut into `blocks` nearly equal parts. */
static inline int64_t lac_block_start(int64_t n, int64_t blocks, int64_t b) { return n / blocks * b + (n % blocks) * b / blocks; }

/* for (p = 0; p < n; p++) over threads, in fixed blocks. The body may write only what belongs to p. */
#define LAC_PRAGMA(x) _Pragma(#x)
#define LAC_PARALLEL_FOR(p, n)                                                                              \
    LAC_PRAGMA(omp parallel for schedule(static))                                                           \
    for (int64_t lac_block = 0; lac_block < LAC_BLOCKS; lac_block++)                                        \
        for (int64_t p = lac_block_start(n, LAC_BLOCKS, lac_block),                                         \
                     lac_end = lac_block_start(n, LAC_BLOCKS, lac_block + 1); p < lac_end; p++)

/* One iteration per block: b is its number, [from, to) its range. For block-wise partial sums. */
#define LAC_PARALLEL_BLOCKS(b, from, to, n)                                                                 \
    LAC_PRAGMA(omp parallel for schedule(static))                                                           \
    for (int64_t b = 0; b < LAC_BLOCKS; b++)                                                                \
        for (int64_t from = lac_block_start(n, LAC_BLOCKS, b), to = lac_block_start(n, LAC_BLOCKS, b + 1),  \
                     lac_once = 1; lac_once; lac_once = 0)

/* What LAC_PARALLEL_BLOCKS left in parts, put together in block order: n numbers side by side, part[b * n + k] of block b (added to what `to`
 * holds, or overwriting it), and one number in double. */
static inline void lac_sum_blocks(float *to, bool add, const float *part, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        float sum = add ? to[k] : 0;
        for (int64_t b = 0; b < LAC_BLOCKS; b++)
            sum += part[b * n + k];
        to[k] = sum;
    }
}

static inline double lac_sum_block_parts(const double part[LAC_BLOCKS])
{
    double sum = 0;
    for (int64_t b = 0; b < LAC_BLOCKS; b++)
        sum += part[b];
    return sum;
}
