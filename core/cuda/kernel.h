/* core/cuda/kernel.h -- what every kernel of ours stands on: loops, 16-byte accesses, sums in a fixed order, launches.
 *
 *     template <int V, typename T> __global__ void forward(T *y, const T *x, int64_t n)
 *     {
 *         for LAC_EACH(i, n / V) {
 *             float v[V];
 *             lac_load(v, x + i * V);
 *             ...
 *             lac_put(y + i * V, v, false);
 *         }
 *     }
 *
 * f32 and bf16 from one source: arithmetic is f32, T is float or lac_bf16. V is LAC_WIDE where all addresses and row lengths allow
 * 16-byte accesses, else 1; lac_typed turns dtypes and width into template arguments. Indices are 64 bits. No float atomics: sums
 * go through lac_block_sum, and over blocks through memory, in an order that no timing changes.
 *
 * The same source is compiled as host C++ for the tests (tests/harness/cuda_host.h), where no GPU is. */
#pragma once

#include "core/fmath.h"
#include "core/tensor.h"

#ifdef __CUDACC__
#include "core/cuda/device.h"

#include <cuda_bf16.h>
#endif

#include <type_traits>

/* for LAC_EACH(i, n) { ... }: each i of [0, n) once, over all threads of the grid; LAC_EACH_BLOCK: over its blocks. */
#define LAC_EACH(i, n) \
    (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (int64_t)gridDim.x * blockDim.x)
#define LAC_EACH_BLOCK(i, n) (int64_t i = blockIdx.x; i < (n); i += gridDim.x)

/* LAC_WIDE elements are one access of bf16 or two of f32. */
constexpr int LAC_WIDE = 8, LAC_THREADS = 256, LAC_WARP = 32, LAC_MAX_BLOCKS = 1 << 16, LAC_MAX_PARTS = 512;

struct lac_bf16 { uint16_t bits; };

__device__ static inline float lac_f32(float v) { return v; }
__device__ static inline float lac_f32(lac_bf16 v) { return lac_from_bits((uint32_t)v.bits << 16); }

/* Two values rounded to bf16, the first in the low half. */
__device__ static inline uint32_t lac_round2(float low, float high)
{
#ifdef __CUDA_ARCH__
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    uint32_t word;
    memcpy(&word, &pair, sizeof word);
    return word;
#else
    return lac_f32_to_bf16(low) | (uint32_t)lac_f32_to_bf16(high) << 16;
#endif
}

__device__ static inline void lac_store(float *to, float v) { *to = v; }
__device__ static inline void lac_store(lac_bf16 *to, float v) { to->bits = (uint16_t)lac_round2(v, 0); }

/* What v becomes when it is stored as T. */
template <typename T> __device__ static inline float lac_as(float v)
{
    T kept;
    lac_store(&kept, v);
    return lac_f32(kept);
}

/* V elements from `from` on. */
template <int V, typename T> __device__ static inline void lac_load(float (&to)[V], const T *from)
{
    if constexpr (V == 1) {
        to[0] = lac_f32(*from);
    } else if constexpr (std::is_same_v<T, float>) {
        for (int i = 0; i < V; i += 4) {
            const float4 v = *(const float4 *)(from + i);
            to[i] = v.x, to[i + 1] = v.y, to[i + 2] = v.z, to[i + 3] = v.w;
        }
    } else {
        const uint4 v = *(const uint4 *)from;
        const uint32_t word[4] = { v.x, v.y, v.z, v.w };
        for (int i = 0; i < V; i++)
            to[i] = lac_from_bits(i % 2 ? word[i / 2] & 0xffff0000u : word[i / 2] << 16);
    }
}

template <int V, typename T> __device__ static inline void lac_store(T *to, const float (&v)[V])
{
    if constexpr (V == 1) {
        lac_store(to, v[0]);
    } else if constexpr (std::is_same_v<T, float>) {
        for (int i = 0; i < V; i += 4)
            *(float4 *)(to + i) = float4{ v[i], v[i + 1], v[i + 2], v[i + 3] };
    } else {
        *(uint4 *)to = uint4{ lac_round2(v[0], v[1]), lac_round2(v[2], v[3]), lac_round2(v[4], v[5]), lac_round2(v[6], v[7]) };
    }
}

/* Overwrites, or adds for a further contribution to a gradient. */
template <int V, typename T> __device__ static inline void lac_put(T *to, const float (&v)[V], bool add)
{
    float sum[V];
    if (add)
        lac_load(sum, to);
    for (int i = 0; i < V; i++)
        sum[i] = add ? sum[i] + v[i] : v[i];
    lac_store(to, sum);
}

template <typename T> __device__ static inline void lac_put(T *to, float v, bool add) { lac_store(to, add ? lac_f32(*to) + v : v); }

struct lac_sum { template <typename T> __device__ T operator()(T a, T b) const { return a + b; } };
struct lac_max { template <typename T> __device__ T operator()(T a, T b) const { return a > b ? a : b; } };

/* v of all threads of a warp, or of a block of whole warps, put together in a fixed order; every thread gets the result. */
template <typename F, typename T> __device__ static inline T lac_warp_all(T v)
{
    for (int lane = LAC_WARP / 2; lane > 0; lane /= 2)
        v = F()(v, __shfl_xor_sync(0xffffffffu, v, lane));
    return v;
}

template <typename F, typename T> __device__ static inline T lac_block_all(T v)
{
    __shared__ T part[1024 / LAC_WARP];
    v = lac_warp_all<F>(v);
    __syncthreads();                    /* the parts of the call before are read */
    if (threadIdx.x % LAC_WARP == 0)
        part[threadIdx.x / LAC_WARP] = v;
    __syncthreads();
    v = part[0];
    for (unsigned w = 1; w < blockDim.x / LAC_WARP; w++)
        v = F()(v, part[w]);
    return v;
}

template <typename T> __device__ static inline T lac_block_sum(T v) { return lac_block_all<lac_sum>(v); }
template <typename T> __device__ static inline T lac_block_max(T v) { return lac_block_all<lac_max>(v); }

/* The sum of n numbers in memory, for one block. */
__device__ static inline double lac_sum_parts(const double *part, unsigned n)
{
    double sum = 0;
    for (unsigned i = threadIdx.x; i < n; i += blockDim.x)
        sum += part[i];
    return lac_block_sum(sum);
}

/* Launches. No blocks are no launch: an empty tensor costs nothing. */
struct lac_grid { unsigned blocks, threads; };

/* A thread per element, up to what a grid holds: kernels loop. */
static inline lac_grid lac_grid_each(int64_t n)
{
    const int64_t blocks = (n + LAC_THREADS - 1) / LAC_THREADS;
    return lac_grid{ (unsigned)(blocks < LAC_MAX_BLOCKS ? blocks : LAC_MAX_BLOCKS), LAC_THREADS };
}

/* A block per row of n elements, with no more warps than they need. */
static inline lac_grid lac_grid_rows(int64_t rows, int64_t n)
{
    const int64_t threads = (n + LAC_WARP - 1) / LAC_WARP * LAC_WARP;
    return lac_grid{ (unsigned)(rows < LAC_MAX_BLOCKS ? rows : LAC_MAX_BLOCKS),
                     (unsigned)(threads < LAC_WARP ? LAC_WARP : threads < LAC_THREADS ? threads : LAC_THREADS) };
}

template <typename... P, typename... A> static inline lac_status lac_launch(lac_grid g, void (*kernel)(P...), A... args)
{
    if (g.blocks == 0)
        return LAC_OK;
#ifdef __CUDACC__
    kernel<<<g.blocks, g.threads, 0, lac_cuda_stream()>>>(args...);
    return lac_cuda_status(cudaGetLastError(), "starting a kernel of %u blocks of %u threads", g.blocks, g.threads);
#else
    lac_cuda_host_launch(g.blocks, g.threads, kernel, args...);
    return LAC_OK;
#endif
}

/* A sum over everything, n elements, goes over so many blocks, whatever the device; their sums are added up by one block. */
static inline unsigned lac_parts(int64_t n)
{
    const int64_t blocks = n / (LAC_THREADS * LAC_WIDE) + 1;
    return (unsigned)(blocks < LAC_MAX_PARTS ? blocks : LAC_MAX_PARTS);
}

/* Cuts a workspace into areas on 256 bytes, as the libraries want them; of no workspace (sizing) it only counts. */
struct lac_areas {
    char *base;
    size_t used;

    explicit lac_areas(void *workspace) : base((char *)(((uintptr_t)workspace + 255) & ~(uintptr_t)255)), used(0) {}

    template <typename T = void> T *take(size_t bytes)
    {
        char *p = base == NULL ? NULL : base + used;
        used += (bytes + 255) & ~(size_t)255;
        return (T *)p;
    }

    size_t size() const { return used == 0 ? 0 : used + 192; }         /* a workspace starts on 64 */
};

/* Whether rows of n elements from these addresses can be read 16 bytes at a time. NULL fits. */
template <typename... P> static inline bool lac_wide(int64_t n, P... address)
{
    return n % LAC_WIDE == 0 && (((uintptr_t)address | ... | 0) & 15) == 0;
}

template <typename T> static inline T *lac_data(const lac_tensor *x) { return x == NULL ? NULL : (T *)x->data; }

/* f(width, x...): LAC_WIDE or 1 as a constant, and a value of the element type of each dtype, for decltype.
 *
 *     return lac_typed(wide, [&](auto v, auto x, auto y) { ... forward<v, decltype(x), decltype(y)> ... }, dx, dy); */
template <typename F> static inline lac_status lac_typed(F f) { return f(); }

template <typename F, typename... D> static inline lac_status lac_typed(F f, lac_dtype d, D... rest)
{
    if (d == LAC_F32)
        return lac_typed([&](auto... x) { return f(float(), x...); }, rest...);
    return lac_typed([&](auto... x) { return f(lac_bf16(), x...); }, rest...);
}

template <typename F, typename... D> static inline lac_status lac_typed(bool wide, F f, D... d)
{
    if (wide)
        return lac_typed([&](auto... x) { return f(std::integral_constant<int, LAC_WIDE>(), x...); }, d...);
    return lac_typed([&](auto... x) { return f(std::integral_constant<int, 1>(), x...); }, d...);
}
