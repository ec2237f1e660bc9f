#include "core/cuda/timing.h"

#include "core/cuda/device.h"

enum { ROUNDS = 3 };

static lac_status time_one(lac_cuda_trial *trial, void *context, int i, cudaEvent_t from, cudaEvent_t to, double *least)
{
    const cudaStream_t stream = lac_cuda_stream();
    LAC_TRY(trial(context, i));
    LAC_CUDA_TRY(cudaStreamSynchronize(stream), "waiting for a trial");
    for (int r = 0; r < ROUNDS; r++) {
        float ms = 0;
        LAC_CUDA_TRY(cudaEventRecord(from, stream), "starting the clock");
        LAC_TRY(trial(context, i));
        LAC_CUDA_TRY(cudaEventRecord(to, stream), "stopping the clock");
        LAC_CUDA_TRY(cudaEventSynchronize(to), "waiting for a trial");
        LAC_CUDA_TRY(cudaEventElapsedTime(&ms, from, to), "reading the clock");
        *least = r == 0 ? 1e3 * (double)ms : LAC_MIN(*least, 1e3 * (double)ms);
    }
    return LAC_OK;
}

static void time_all(lac_cuda_trial *trial, void *context, int n, cudaEvent_t from, cudaEvent_t to, int *best, double *microseconds)
{
    for (int i = 0; i < n; i++) {
        double us = 0;
        if (time_one(trial, context, i, from, to, &us) == LAC_OK && (*best < 0 || us < *microseconds)) {
            *best = i;
            *microseconds = us;
        }
    }
    lac_error_clear();
    cudaGetLastError();
}

lac_status lac_cuda_fastest(lac_cuda_trial *trial, void *context, int n, int *best, double *microseconds)
{
    cudaEvent_t from, to;
    *best = -1;
    *microseconds = 0;
    LAC_CUDA_TRY(cudaEventCreate(&from), "making a clock");
    const cudaError_t e = cudaEventCreate(&to);
    if (e == cudaSuccess) {
        time_all(trial, context, n, from, to, best, microseconds);
        cudaEventDestroy(to);
    }
    cudaEventDestroy(from);
    return lac_cuda_status(e, "making a clock");
}

lac_status lac_cuda_scratch(void **p, size_t size)
{
    LAC_TRY(lac_cuda_alloc(p, size));
    const lac_status s = lac_cuda_status(cudaMemsetAsync(*p, 0x3f, size, lac_cuda_stream()), "filling %zu bytes", size);
    if (s != LAC_OK)
        lac_cuda_free(*p, size);
    return s;
}
