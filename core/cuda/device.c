#include "core/cuda/device.h"

#include "core/cuda/columns.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    lac_status started;
    char reason[512];
    bool tried, capturing;
    int number;
    cudaStream_t stream;
    struct cudaDeviceProp facts;
} here;
static atomic_size_t held;

cudaStream_t lac_cuda_stream(void) { return here.stream; }
int lac_cuda_processors(void) { return here.facts.multiProcessorCount; }
const char *lac_cuda_device_name(void) { return here.facts.name; }
bool lac_cuda_capturing(void) { return here.capturing; }
void lac_cuda_set_capturing(bool on) { here.capturing = on; }

lac_status lac_cuda_status(cudaError_t e, const char *format, ...)
{
    char what[512];
    va_list args;
    if (e == cudaSuccess)
        return LAC_OK;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return LAC_FAIL(e == cudaErrorMemoryAllocation ? LAC_ERR_MEM : LAC_ERR_LIBRARY, "CUDA: %s fails: %s (%s)", what, cudaGetErrorString(e),
                    cudaGetErrorName(e));
}

static lac_status count_devices(int *n)
{
    int driver = 0, runtime = 0;
    const cudaError_t e = cudaGetDeviceCount(n);
    if (e == cudaSuccess && *n > 0)
        return LAC_OK;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
        return LAC_FAIL(LAC_ERR_STATE, "no NVIDIA driver on this machine");
    if (e == cudaErrorInsufficientDriver && cudaRuntimeGetVersion(&runtime) == cudaSuccess)
        return LAC_FAIL(LAC_ERR_STATE, "the driver is for CUDA %d.%d, this build wants %d.%d", driver / 1000, driver % 1000 / 10, runtime / 1000,
                        runtime % 1000 / 10);
    return LAC_FAIL(LAC_ERR_STATE, "%s", e == cudaSuccess || e == cudaErrorNoDevice ? "no GPU is visible" : cudaGetErrorString(e));
}

/* The number that launchers give a process on its node; 0 without one. */
static int64_t local_rank(void)
{
    static const char *const names[] = { "LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID" };
    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        const char *text = getenv(names[i]);
        if (text != NULL && text[0] != '\0')
            return strtoll(text, NULL, 10);
    }
    return 0;
}

/* One visible device serves whatever rank sees it: schedulers hide the others. */
static lac_status choose(int n_devices)
{
    const int64_t rank = local_rank();
    if (n_devices > 1 && (rank < 0 || rank >= n_devices))
        return LAC_FAIL(LAC_ERR_STATE, "no GPU for rank %" PRId64 " of this machine: %d are visible", rank, n_devices);
    here.number = n_devices > 1 ? (int)rank : 0;
    LAC_CUDA_TRY(cudaSetDevice(here.number), "taking device %d", here.number);
    LAC_CUDA_TRY(cudaGetDeviceProperties(&here.facts, here.number), "asking for the properties of device %d", here.number);
    cudaDeviceSetLimit(cudaLimitMaxL2FetchGranularity, 128);        /* a hint: devices without it go on as they are */
    cudaGetLastError();
    LAC_CUDA_TRY(cudaStreamCreateWithFlags(&here.stream, cudaStreamNonBlocking), "making a stream");
    return LAC_OK;
}

/* A kernel of ours on one number: a device that this build has no code for is found here, not in the middle of a step. */
static lac_status try_kernel(void)
{
    float *x = NULL, sum = 0;
    LAC_TRY(lac_cuda_alloc((void **)&x, 1024));
    lac_status s = lac_cuda_column_sums(x, false, x + 128, LAC_F32, 1, 1, x + 64);
    if (s == LAC_OK)
        s = lac_cuda_copy(&sum, x, sizeof sum);
    lac_cuda_free(x, 1024);
    return lac_context(s, "%s, compute capability %d.%d", here.facts.name, here.facts.major, here.facts.minor);
}

static lac_status start(void)
{
    int n = 0;
    LAC_TRY(count_devices(&n));
    LAC_TRY(choose(n));
    return try_kernel();
}

lac_status lac_cuda_start(void)
{
    if (!here.tried) {
        here.tried = true;
        here.started = lac_context(start(), "device 'cuda'");
        snprintf(here.reason, sizeof here.reason, "%s", here.started == LAC_OK ? "" : lac_error_message());
    }
    return here.started == LAC_OK ? LAC_OK : LAC_FAIL(here.started, "%s", here.reason);
}

static lac_status out_of_memory(size_t wanted)
{
    const double mib = 1.0 / (1 << 20);
    size_t left = 0, total = 0;
    cudaGetLastError();
    cudaMemGetInfo(&left, &total);
    return LAC_FAIL(LAC_ERR_MEM, "device 'cuda': out of memory: %.1f MiB wanted; this process holds %.1f MiB, and %.1f of %.1f MiB of %s are free",
                    (double)wanted * mib, (double)atomic_load(&held) * mib, (double)left * mib, (double)total * mib, here.facts.name);
}

lac_status lac_cuda_alloc(void **p, size_t size)
{
    *p = NULL;
    if (here.capturing)
        return LAC_FAIL(LAC_ERR_STATE, "captured work asks for %zu bytes of memory", size);
    LAC_CUDA_TRY(cudaSetDevice(here.number), "taking device %d", here.number);
    const cudaError_t e = cudaMalloc(p, LAC_MAX(size, 1));
    if (e == cudaErrorMemoryAllocation)
        return out_of_memory(size);
    LAC_CUDA_TRY(e, "allocating %zu bytes", size);
    atomic_fetch_add(&held, size);
    const lac_status s = lac_cuda_fill_zero(*p, size);
    if (s != LAC_OK) {
        lac_cuda_free(*p, size);
        *p = NULL;
    }
    return s;
}

/* cudaFree waits for the device, so nothing that runs still reads it. */
void lac_cuda_free(void *p, size_t size)
{
    if (p == NULL)
        return;
    cudaFree(p);
    atomic_fetch_sub(&held, size);
}

static bool is_pageable(const void *p)
{
    struct cudaPointerAttributes a;
    if (cudaPointerGetAttributes(&a, p) == cudaSuccess)
        return a.type == cudaMemoryTypeUnregistered;
    cudaGetLastError();
    return true;
}

lac_status lac_cuda_copy(void *to, const void *from, size_t size)
{
    if (size == 0)
        return LAC_OK;
    const bool wait = is_pageable(to) || is_pageable(from);
    if (wait && here.capturing)
        return LAC_FAIL(LAC_ERR_STATE, "a copy of %zu bytes from or to the host inside captured work", size);
    LAC_CUDA_TRY(cudaMemcpyAsync(to, from, size, cudaMemcpyDefault, here.stream), "copying %zu bytes", size);
    return wait ? lac_cuda_wait() : LAC_OK;
}

lac_status lac_cuda_fill_zero(void *to, size_t size)
{
    if (size > 0)
        LAC_CUDA_TRY(cudaMemsetAsync(to, 0, size, here.stream), "clearing %zu bytes", size);
    return LAC_OK;
}

lac_status lac_cuda_wait(void)
{
    LAC_CUDA_TRY(cudaStreamSynchronize(here.stream), "waiting for the device");
    return LAC_OK;
}
