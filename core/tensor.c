#include "core/tensor.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t lac_dtype_size(lac_dtype d)
{
    static const size_t size[LAC_N_DTYPES] = { 4, 2, 2, 8, 4, 8, 1 };
    return size[d];
}

const char *lac_dtype_name(lac_dtype d)
{
    static const char *const name[LAC_N_DTYPES] = { "f32", "bf16", "f16", "f64", "i32", "i64", "u8" };
    return name[d];
}

static int64_t product(int n, const int64_t *dim)
{
    int64_t p = 1;
    for (int i = 0; i < n; i++)
        p *= dim[i];
    return p;
}

int64_t lac_numel(const lac_tensor *x) { return product(x->ndim, x->dim); }
int64_t lac_shape_numel(const lac_shape *s) { return product(s->ndim, s->dim); }
size_t lac_bytes(const lac_tensor *x) { return (size_t)lac_numel(x) * lac_dtype_size(x->dtype); }

lac_status lac_numel_checked(int ndim, const int64_t *dim, int64_t *numel)
{
    if (ndim < 0 || ndim > LAC_MAX_DIMS)
        return LAC_FAIL(LAC_ERR_SHAPE, "a tensor has 0 to %d dims, got %d", LAC_MAX_DIMS, ndim);
    int64_t p = 1;
    for (int i = 0; i < ndim; i++)
        if (dim[i] < 0 || __builtin_mul_overflow(p, dim[i], &p) || p > INT64_MAX / 8)
            return LAC_FAIL(LAC_ERR_SHAPE, "impossible shape %s", lac_dims_str(ndim, dim));
    *numel = p;
    return LAC_OK;
}

lac_shape lac_shape_of(const lac_tensor *x)
{
    lac_shape s = { .ndim = x->ndim };
    memcpy(s.dim, x->dim, sizeof s.dim);
    return s;
}

bool lac_same_shape(const lac_tensor *a, const lac_tensor *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof a->dim[0]) == 0;
}

const char *lac_dims_str(int ndim, const int64_t *dim)
{
    static _Thread_local char buffer[8][160];
    static _Thread_local int turn;
    char *s = buffer[turn++ & 7];
    size_t at = (size_t)snprintf(s, sizeof buffer[0], "[");
    for (int i = 0; i < ndim && i < LAC_MAX_DIMS; i++)
        at += (size_t)snprintf(s + at, sizeof buffer[0] - at, i ? ",%lld" : "%lld", (long long)dim[i]);
    snprintf(s + at, sizeof buffer[0] - at, "]");
    return s;
}

const char *lac_shape_str(const lac_tensor *x) { return lac_dims_str(x->ndim, x->dim); }

void lac_tensor_shape(lac_tensor *to, lac_dtype d, int ndim, const int64_t *dim)
{
    to->dtype = d;
    to->ndim = ndim;
    memset(to->dim, 0, sizeof to->dim);
    if (ndim > 0)
        memcpy(to->dim, dim, (size_t)ndim * sizeof dim[0]);
}

void lac_tensor_like(lac_tensor *to, const lac_tensor *from) { lac_tensor_shape(to, from->dtype, from->ndim, from->dim); }

lac_status lac_tensor_new(lac_tensor **x, lac_dtype d, int ndim, const int64_t *dim)
{
    int64_t n;
    *x = NULL;
    LAC_TRY(lac_numel_checked(ndim, dim, &n));
    lac_tensor *t = NULL;
    LAC_TRY(lac_calloc((void **)&t, 1, sizeof *t));
    lac_tensor_shape(t, d, ndim, dim);
    const lac_status s = lac_aligned_alloc(&t->data, (size_t)n * lac_dtype_size(d));
    if (s != LAC_OK) {
        free(t);
        return s;
    }
    memset(t->data, 0, (size_t)n * lac_dtype_size(d));
    *x = t;
    return LAC_OK;
}

void lac_tensor_free(lac_tensor *x)
{
    if (x == NULL)
        return;
    free(x->data);
    free(x);
}

int64_t lac_tensor_not_finite(const lac_tensor *x)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < lac_numel(x); i++)
        bad += !isfinite(((const float *)x->data)[i]);
    return bad;
}

float lac_f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, mantissa = h & 0x3ff, exponent = h >> 10 & 31;
    union { uint32_t u; float f; } v;
    if (exponent == 0) {                            /* zero and subnormals: mantissa * 2^-24 */
        v.f = (float)mantissa * 0x1p-24f;
        v.u |= sign;
        return v.f;
    }
    v.u = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
    return v.f;
}

uint16_t lac_f32_to_f16(float f)
{
    union { float f; uint32_t u; } v = { f };
    const uint16_t sign = (uint16_t)(v.u >> 16 & 0x8000);
    v.u &= 0x7fffffff;
    if (v.u > 0x7f800000)
        return sign | 0x7e00;
    if (v.u >= 0x47800000)                          /* 65536 and above, infinity */
        return sign | 0x7c00;
    if (v.u < 0x38800000) {                         /* below 2^-14: the addition rounds at 2^-24 */
        v.f += 0.5f;
        return sign | (uint16_t)(v.u - 0x3f000000);
    }
    v.u += 0xfff + (v.u >> 13 & 1);
    return sign | (uint16_t)((v.u - 0x38000000) >> 13);
}

void lac_to_f32(float *to, const void *from, lac_dtype d, int64_t n)
{
    switch (d) {
    case LAC_F32: memmove(to, from, (size_t)n * sizeof *to); break;
    case LAC_BF16: for (int64_t i = 0; i < n; i++) to[i] = lac_bf16_to_f32(((const uint16_t *)from)[i]); break;
    case LAC_F16: for (int64_t i = 0; i < n; i++) to[i] = lac_f16_to_f32(((const uint16_t *)from)[i]); break;
    case LAC_F64: for (int64_t i = 0; i < n; i++) to[i] = (float)((const double *)from)[i]; break;
    case LAC_I32: for (int64_t i = 0; i < n; i++) to[i] = (float)((const int32_t *)from)[i]; break;
    case LAC_I64: for (int64_t i = 0; i < n; i++) to[i] = (float)((const int64_t *)from)[i]; break;
    case LAC_U8: for (int64_t i = 0; i < n; i++) to[i] = ((const uint8_t *)from)[i]; break;
    case LAC_N_DTYPES: break;
    }
}

void lac_from_f32(void *to, lac_dtype d, const float *from, int64_t n)
{
    switch (d) {
    case LAC_F32: memmove(to, from, (size_t)n * sizeof *from); break;
    case LAC_BF16: for (int64_t i = 0; i < n; i++) ((uint16_t *)to)[i] = lac_f32_to_bf16(from[i]); break;
    case LAC_F16: for (int64_t i = 0; i < n; i++) ((uint16_t *)to)[i] = lac_f32_to_f16(from[i]); break;
    case LAC_F64: for (int64_t i = 0; i < n; i++) ((double *)to)[i] = from[i]; break;
    default: break;
    }
}
