/* tests/harness/cuda_host.h -- as much of CUDA's language as our kernels use, in host C++, for machines without a GPU.
 *
 * Compiled in front of each .cu file. A launch runs the grid block after block; the threads of a block are fibres that give way at
 * barriers and shuffles. A barrier that a part of the block waits at for ever, and a shuffle that a lane stays away from, end the
 * program with a line that says so. A block's threads run upwards or downwards (lac_cuda_host_downwards): a kernel that lacks a
 * barrier gives two results. A launch is done at once, or later, or noted down for a replay (cuda_host_queue.cc). */
#pragma once

#include "core/status.h"

#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __shared__ static               /* one block runs at a time */
#define __launch_bounds__(...)

struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) uint4 { uint32_t x, y, z, w; };

struct lac_cuda_index { unsigned x; };
extern lac_cuda_index gridDim, blockDim, blockIdx, threadIdx;

void __syncthreads();
void __syncwarp();
/* Writes `size` bytes where lane (own ^ flip) of the warp reads them, and reads what that lane wrote. */
void lac_cuda_host_shuffle(void *value, size_t size, int flip);

template <typename T> static inline T __shfl_xor_sync(unsigned, T v, int flip)
{
    lac_cuda_host_shuffle(&v, sizeof v, flip);
    return v;
}

/* core/cuda/device.h, as far as kernels call it. */
extern "C" lac_status lac_cuda_alloc(void **p, size_t size);
extern "C" lac_status lac_cuda_copy(void *to, const void *from, size_t size);
extern "C" lac_status lac_cuda_fill_zero(void *to, size_t size);
extern "C" bool lac_cuda_capturing(void);

void lac_cuda_host_do(std::function<void()> work);          /* in the order of the calls, when its turn has come */
void lac_cuda_host_run(unsigned blocks, unsigned threads, void (*thread)(void *), void *context);
extern "C" void lac_cuda_host_downwards(bool on);

/* A lambda of this file alone: a template of the library's over a kernel's types, std::tuple say, is one for all files whose types have the same name. */
template <typename... P, typename... A> static void lac_cuda_host_launch(unsigned blocks, unsigned threads, void (*kernel)(P...), A... args)
{
    lac_cuda_host_do([=] {
        const auto thread = [=] { kernel(args...); };
        lac_cuda_host_run(blocks, threads, [](void *context) { (*(decltype(thread) *)context)(); }, (void *)&thread);
    });
}
