/* core/cuda/timing.h -- which of several ways to do the same is the fastest on this device. */
#pragma once

#include "core/status.h"

/* Way i once, on lac_cuda_stream(). */
typedef lac_status lac_cuda_trial(void *context, int i);

/* Runs each of n ways once to warm up and three times on the clock. *best: the one whose shortest time, in *microseconds, is the least;
 * -1 when none runs. A way that fails is passed over. Waits for the device, so never while a graph is captured. */
lac_status lac_cuda_fastest(lac_cuda_trial *trial, void *context, int n, int *best, double *microseconds);

/* Device memory to time on: filled with numbers near 0.75, since zeros run faster than anything else does. */
lac_status lac_cuda_scratch(void **p, size_t size);
