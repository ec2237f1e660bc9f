/* train/timing.h -- where a step's time goes: a profile sink that adds up kernels by op and direction.
 *
 *     lac_timing_start(&t, tape); ... steps ...; lac_timing_stop(tape); */
#pragma once

#include "autograd/ops/ops.h"
#include "autograd/tape.h"

typedef struct lac_op_time { double seconds; int64_t calls, bytes, flops; } lac_op_time;

typedef struct lac_timing { lac_op_time of[LAC_N_OPS][2]; } lac_timing;         /* [op][backward] */

/* Starts from zero. *t must live until lac_timing_stop. */
void lac_timing_start(lac_timing *t, lac_tape *tape);
void lac_timing_stop(lac_tape *tape);
/* The k-th slowest of op and direction, k from 0; false when there is none. */
bool lac_timing_at(const lac_timing *t, int k, lac_op *op, bool *backward);
double lac_timing_seconds(const lac_timing *t);         /* all kernels together */
