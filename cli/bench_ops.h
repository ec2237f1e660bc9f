/* cli/bench_ops.h -- kernels of single ops, beside what the device can do. */
#pragma once

#include "autograd/peaks.h"

#include "autograd/op.h"

/* "NVIDIA H100: copies 3000.0 GB/s, bf16 products 790000 GFLOP/s", the heading of the table, and a row of it. `total` 0: no share. */
lac_status lac_bench_machine(const lac_backend *b, lac_dtype d, lac_peaks *p);
void lac_bench_heading(void);
typedef struct lac_bench_row { const char *name, *way, *shape; double seconds, total; int64_t bytes, flops; } lac_bench_row;
void lac_bench_row_print(const lac_bench_row *r, const lac_peaks *p);

/* The optimizer's pass over 42 million weights: AdamW with EMA and the bf16 copy. */
#define LAC_BENCH_UPDATE "update"
lac_status lac_bench_update(const lac_backend *b, const lac_peaks *p, int64_t samples);

/* Every op at shapes of DeepFill v2 and of SD 1.x's UNet, forward and backward, and the optimizer's pass; or the one that is named. */
lac_status lac_bench_ops(const lac_backend *b, lac_dtype d, const char *only, int64_t samples);
