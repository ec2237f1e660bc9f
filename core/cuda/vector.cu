/* Element-wise work that no op does: sums of gradients, dtype conversion, looking for values that are not finite. */
#include "core/cuda/vector.h"

#include "core/cuda/kernel.h"

#ifdef __CUDACC__
#include <cuda_fp16.h>
#endif

struct lac_f16 { uint16_t bits; };

__device__ static inline float lac_f32(double v) { return (float)v; }
__device__ static inline void lac_store(double *to, float v) { *to = v; }

__device__ static inline float lac_f32(lac_f16 v)
{
#ifdef __CUDA_ARCH__
    return __half2float(__ushort_as_half(v.bits));
#else
    return lac_f16_to_f32(v.bits);
#endif
}

__device__ static inline void lac_store(lac_f16 *to, float v)
{
#ifdef __CUDA_ARCH__
    to->bits = __half_as_ushort(__float2half_rn(v));
#else
    to->bits = lac_f32_to_f16(v);
#endif
}

template <int V, typename A, typename B> static __global__ void vector_sweep(A *to, const B *from, int64_t n, bool add)
{
    for LAC_EACH(i, n / V) {
        float v[V];
        if constexpr (V == 1)
            v[0] = lac_f32(from[i]);
        else
            lac_load(v, from + i * V);
        if constexpr (V == 1)
            lac_store(to + i, add ? lac_f32(to[i]) + v[0] : v[0]);
        else
            lac_put(to + i * V, v, add);
    }
}

/* f of a value of the element type. */
template <typename F> static lac_status with_type(lac_dtype d, F f)
{
    switch (d) {
    case LAC_F32: return f(float());
    case LAC_BF16: return f(lac_bf16());
    case LAC_F16: return f(lac_f16());
    case LAC_F64: return f(double());
    default: return LAC_FAIL(LAC_ERR_DTYPE, "no conversion of %s", lac_dtype_name(d));
    }
}

template <typename A, typename B> static lac_status sweep(lac_tensor *to, const lac_tensor *from, bool add)
{
    const int64_t n = lac_numel(to);
    A *a = lac_data<A>(to);
    const B *b = lac_data<B>(from);
    if constexpr (sizeof(A) <= 4 && sizeof(B) <= 4 && !std::is_same_v<A, lac_f16> && !std::is_same_v<B, lac_f16>)
        if (lac_wide(n, a, b))
            return lac_launch(lac_grid_each(n / LAC_WIDE), vector_sweep<LAC_WIDE, A, B>, a, b, n, add);
    return lac_launch(lac_grid_each(n), vector_sweep<1, A, B>, a, b, n, add);
}

static lac_status run(lac_tensor *to, const lac_tensor *from, bool add)
{
    if (lac_numel(to) != lac_numel(from))
        return LAC_FAIL(LAC_ERR_SHAPE, "%s and %s", lac_shape_str(to), lac_shape_str(from));
    return with_type(to->dtype, [&](auto a) {
        return with_type(from->dtype, [&](auto b) { return sweep<decltype(a), decltype(b)>(to, from, add); });
    });
}

extern "C" lac_status lac_cuda_add(lac_tensor *to, const lac_tensor *x) { return run(to, x, true); }
extern "C" lac_status lac_cuda_convert(lac_tensor *to, const lac_tensor *from) { return run(to, from, false); }

static __global__ void vector_copy_unless(float *to, const float *from, int64_t n, const uint32_t *unless)
{
    if (*unless != 0)
        return;
    for LAC_EACH(i, n)
        to[i] = from[i];
}

extern "C" lac_status lac_cuda_copy_unless(float *to, const float *from, int64_t n, const uint32_t *unless)
{
    return lac_launch(lac_grid_each(n), vector_copy_unless, to, from, n, unless);
}

template <int V, typename T> static __global__ void vector_find_bad(uint32_t *bad, const T *x, int64_t n)
{
    for LAC_EACH(i, n / V) {
        float v[V];
        bool any = false;
        lac_load(v, x + i * V);
        for (int j = 0; j < V; j++)
            any |= (lac_to_bits(v[j]) & 0x7f800000) == 0x7f800000;
        if (any)
            *bad = 1;                   /* many may write it, all the same */
    }
}

extern "C" lac_status lac_cuda_all_finite(const void *x, lac_dtype d, int64_t n, bool *finite)
{
    static void *bad;                   /* one word of the device, for as long as the process */
    uint32_t found = 0;
    if (lac_cuda_capturing())
        return LAC_FAIL(LAC_ERR_STATE, "a look for bad values inside captured work");
    if (bad == NULL)
        LAC_TRY(lac_cuda_alloc(&bad, sizeof found));
    LAC_TRY(lac_cuda_fill_zero(bad, sizeof found));
    LAC_TRY(lac_typed(lac_wide(n, x), [&](auto v, auto t) {
        return lac_launch(lac_grid_each(n / v), vector_find_bad<v, decltype(t)>, (uint32_t *)bad, (const decltype(t) *)x, n);
    }, d));
    LAC_TRY(lac_cuda_copy(&found, bad, sizeof found));
    *finite = found == 0;
    return LAC_OK;
}
