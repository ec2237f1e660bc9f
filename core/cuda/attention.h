/* core/cuda/attention.h -- fused attention, forward, in bf16, where cuDNN has an engine for it that gives the same bits each time.
 *
 * cuDNN compiles it (some seconds a shape); the code is kept beside the plan file (core/cuda/plans.h). Its first proposal is taken: nothing is timed. */
#pragma once

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lac_cuda_attention { int64_t n, heads, tq, tk, d; } lac_cuda_attention;

/* *offered: false where the caller goes his own way: no cuDNN, or no engine for these sizes. Bytes of workspace, 256-byte aligned. Asked before the
 * call, never while a graph is captured. */
lac_status lac_cuda_attention_workspace(const lac_cuda_attention *a, bool *offered, size_t *size);

/* y, and lse = ln sum exp(scale <q, k>) [n, heads, tq], of tokens [n, tokens, heads * d] of 16-byte aligned bf16. Only where it was offered. */
lac_status lac_cuda_attention_forward(const lac_cuda_attention *a, const void *q, const void *k, const void *v, void *y, float *lse, float scale, void *workspace);

#ifdef __cplusplus
}
#endif
