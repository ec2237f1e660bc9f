/* core/cuda/queue.h -- core/queue.h by streams, events and graphs of CUDA. Work is in the order of lac_cuda_stream(); uploads have a stream
 * of their own. Capture is of the calling thread alone: what other threads ask of CUDA meanwhile is neither captured nor refused. */
#pragma once

#include "core/queue.h"

extern const lac_queue lac_cuda_queue;
