/* train/trace.h -- a profile as a Chrome trace (chrome://tracing, ui.perfetto.dev): kernels nested in the modules of their path.
 *
 * Each kernel has its module path, direction, bytes, FLOP, GB/s and GFLOP/s. The file is written when the trace ends. */
#pragma once

#include "core/status.h"

typedef struct lac_trace lac_trace;

lac_status lac_trace_open(lac_trace **t, const char *path);
/* A lac_profile_sink (autograd/tape.h) whose context is the trace; times in seconds. The first failure is kept for the end. */
void lac_trace_sink(void *trace, const char *path, const char *op, bool backward, double start, double seconds, int64_t bytes, int64_t flops);
lac_status lac_trace_close(lac_trace *t);                       /* NULL is fine */
