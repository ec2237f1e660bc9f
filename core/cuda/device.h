/* core/cuda/device.h -- the GPU this process runs on: one device, one stream, its memory, its errors.
 *
 * The device is the first visible one, or the one numbered LOCAL_RANK where a launcher sets that. All kernels and library calls of
 * the backend go to lac_cuda_stream() in the order in which they are called; the host waits only where a contract says so. */
#pragma once

#include "core/tensor.h"

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Finds driver and device and makes the stream; once, further calls return the first result. Fails with LAC_ERR_STATE where there is
 * no driver or no device that this build has code for: "device 'cuda': ...". */
lac_status lac_cuda_start(void);

cudaStream_t lac_cuda_stream(void);         /* after lac_cuda_start */
int lac_cuda_processors(void);              /* streaming multiprocessors of the device */
const char *lac_cuda_device_name(void);     /* "NVIDIA H100 80GB HBM3" */

/* LAC_OK, or the error in words: "CUDA: FORMAT... fails: out of memory". Use it through LAC_CUDA_TRY. */
lac_status lac_cuda_status(cudaError_t e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* LAC_CUDA_TRY(cudaMemsetAsync(p, 0, n, lac_cuda_stream()), "clearing %zu bytes", n): returns from the caller on failure. */
#define LAC_CUDA_TRY(call, ...)                                                     \
    do {                                                                            \
        const cudaError_t lac_cuda_error = (call);                                  \
        if (lac_cuda_error != cudaSuccess)                                          \
            return lac_cuda_status(lac_cuda_error, __VA_ARGS__);                    \
    } while (0)

/* Device memory, 256-byte aligned and zeroed. Out of memory says how much was wanted, how much this process holds and how much of the
 * device is free. Arenas only: a step asks for none, and while work is captured it is an error. */
lac_status lac_cuda_alloc(void **p, size_t size);
void lac_cuda_free(void *p, size_t size);

/* Between host and device in any direction, ordered with kernels. Waits when one side is host memory that is not pinned; while work is
 * captured (core/queue.h) both sides are the device's. */
lac_status lac_cuda_copy(void *to, const void *from, size_t size);
lac_status lac_cuda_fill_zero(void *to, size_t size);
lac_status lac_cuda_wait(void);             /* until all that was asked for is done */

bool lac_cuda_capturing(void);              /* between begin and end of core/cuda/queue.c */
void lac_cuda_set_capturing(bool on);

#ifdef __cplusplus
}
#endif
