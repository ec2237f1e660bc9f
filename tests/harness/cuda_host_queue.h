/* tests/harness/cuda_host_queue.h -- core/queue.h for "cuda host": calls are noted down with their arguments, to be done at once, late, or in
 * replays. Late is as late as the contract allows: at a wait, or at a copy from or to memory that is neither the device's nor pinned. So host
 * code that touches what the device still reads, or reads what it has not yet written, is found out. */
#pragma once

#include "core/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const lac_queue lac_cuda_host_queue;

/* From now on, calls are done late (true) or at once. */
void lac_cuda_host_late(bool on);

/* f(a copy of the size bytes at args), when its turn has come. */
void lac_cuda_host_call(void (*f)(void *args), const void *args, size_t size);

/* The device's memory: what lies elsewhere is the host's. */
void lac_cuda_host_own(void *p, size_t size);
void lac_cuda_host_disown(void *p);

/* How many pieces of work were captured and replayed so far; what of ranges was opened, "a{b{}}" for b inside a, at most `size` characters. */
int64_t lac_cuda_host_captures(void);
int64_t lac_cuda_host_replays(void);
const char *lac_cuda_host_ranges(void);

#ifdef __cplusplus
}
#endif
