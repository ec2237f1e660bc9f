/* Element-wise work that no op does: sums of gradients, dtype conversion, looking for values that are not finite. */
#include "core/cpu/cpu_vector.h"

#include "core/threads.h"

#include <string.h>

#define BODY __attribute__((always_inline)) static inline

BODY float load(const void *p, int64_t i, lac_dtype d)
{
    switch (d) {
    case LAC_F32: return ((const float *)p)[i];
    case LAC_BF16: return lac_bf16_to_f32(((const uint16_t *)p)[i]);
    case LAC_F16: return lac_f16_to_f32(((const uint16_t *)p)[i]);
    case LAC_F64: return (float)((const double *)p)[i];
    default: return 0;
    }
}

BODY void store(void *p, int64_t i, lac_dtype d, float v)
{
    switch (d) {
    case LAC_F32: ((float *)p)[i] = v; break;
    case LAC_BF16: ((uint16_t *)p)[i] = lac_f32_to_bf16(v); break;
    case LAC_F16: ((uint16_t *)p)[i] = lac_f32_to_f16(v); break;
    case LAC_F64: ((double *)p)[i] = v; break;
    default: break;
    }
}

BODY void sweep(void *to, const void *from, int64_t n, bool add, lac_dtype a, lac_dtype b)
{
    LAC_PARALLEL_BLOCKS(block, first, last, n) {
        #pragma omp simd
        for (int64_t i = first; i < last; i++)
            store(to, i, a, add ? load(to, i, a) + load(from, i, b) : load(from, i, b));
    }
}

BODY lac_status sweep_from(lac_tensor *to, const lac_tensor *from, bool add, lac_dtype a)
{
    const int64_t n = lac_numel(to);
    switch (from->dtype) {
    case LAC_F32: sweep(to->data, from->data, n, add, a, LAC_F32); return LAC_OK;
    case LAC_BF16: sweep(to->data, from->data, n, add, a, LAC_BF16); return LAC_OK;
    case LAC_F16: sweep(to->data, from->data, n, add, a, LAC_F16); return LAC_OK;
    case LAC_F64: sweep(to->data, from->data, n, add, a, LAC_F64); return LAC_OK;
    default: return LAC_FAIL(LAC_ERR_DTYPE, "no conversion from %s", lac_dtype_name(from->dtype));
    }
}

static lac_status run(lac_tensor *to, const lac_tensor *from, bool add)
{
    if (lac_numel(to) != lac_numel(from))
        return LAC_FAIL(LAC_ERR_SHAPE, "%s and %s", lac_shape_str(to), lac_shape_str(from));
    switch (to->dtype) {
    case LAC_F32: return sweep_from(to, from, add, LAC_F32);
    case LAC_BF16: return sweep_from(to, from, add, LAC_BF16);
    case LAC_F16: return sweep_from(to, from, add, LAC_F16);
    case LAC_F64: return sweep_from(to, from, add, LAC_F64);
    default: return LAC_FAIL(LAC_ERR_DTYPE, "no conversion to %s", lac_dtype_name(to->dtype));
    }
}

lac_status LAC_CPU(vector_add)(lac_tensor *to, const lac_tensor *x) { return run(to, x, true); }
lac_status LAC_CPU(vector_convert)(lac_tensor *to, const lac_tensor *from) { return run(to, from, false); }

lac_status LAC_CPU(vector_all_finite)(const void *x, lac_dtype d, int64_t n, bool *finite)
{
    const uint32_t exponent = 0x7f800000;
    uint32_t bad[LAC_BLOCKS] = { 0 };
    LAC_PARALLEL_BLOCKS(block, first, last, n) {
        uint32_t any = 0;
        #pragma omp simd reduction(| : any)
        for (int64_t i = first; i < last; i++) {
            const uint32_t u = d == LAC_F32 ? ((const uint32_t *)x)[i] : (uint32_t)((const uint16_t *)x)[i] << 16;
            any |= (u & exponent) == exponent;
        }
        bad[block] = any;
    }
    *finite = true;
    for (int b = 0; b < LAC_BLOCKS; b++)
        *finite &= bad[b] == 0;
    return LAC_OK;
}
