/* cli/bench_ops.h -- kernels of single ops, beside what the device can do. */
#pragma once

#include "autograd/peaks.h"

#include "autograd/op.h"

/* "NVIDIA H100: copies 3000.0 GB/s, bf16 products 790000 GFLOP/s", the heading of the table, and a row of it. `total` 0: no share. */
lac_status lac_bench_machine(const lac_backend *b, lac_dtype d, lac_peaks *p);
void lac_bench_heading(void);
typedef struct lac_bench_row { lac_op op; bool backward; const char *shape; double seconds, total; int64_t bytes, flops; } lac_bench_row;
void lac_bench_row_print(const lac_bench_row *r, const lac_peaks *p);

/* Every op at DeepFill v2's shapes, or the one that is named, forward and backward. */
lac_status lac_bench_ops(const lac_backend *b, lac_dtype d, const char *only, int64_t samples);
