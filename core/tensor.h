/* core/tensor.h -- a dense, contiguous array of 0 to 6 dims with a dtype, on one device.
 *
 * Layouts are fixed: activations [N, H, W, C], convolution weights [O, kh, kw, I], linear weights [O, I],
 * sequences [B, T, C], scalars []. NCHW and OIHW exist at the border only (lac_to_border, autograd/params.h).
 * f32 and bf16 compute; f16 and f64 convert; i32, i64 and u8 carry ids and masks and never a gradient. */
#pragma once

#include "core/status.h"

enum { LAC_MAX_DIMS = 6 };

typedef enum { LAC_F32, LAC_BF16, LAC_F16, LAC_F64, LAC_I32, LAC_I64, LAC_U8, LAC_N_DTYPES } lac_dtype;

/* Sets of dtypes, for op definitions. */
enum { LAC_F32_ONLY = 1 << LAC_F32, LAC_BF16_ONLY = 1 << LAC_BF16, LAC_FLOATS = LAC_F32_ONLY | LAC_BF16_ONLY,
       LAC_INTEGERS = 1 << LAC_I32 | 1 << LAC_I64 | 1 << LAC_U8, LAC_OPTIONAL = 1 << 16, LAC_SAVED = 1 << 17 };

typedef struct lac_backend lac_backend;
typedef struct lac_param lac_param;

typedef struct lac_shape { int ndim; int64_t dim[LAC_MAX_DIMS]; } lac_shape;

typedef struct lac_tensor {
    lac_dtype dtype;
    int ndim;
    int64_t dim[LAC_MAX_DIMS];
    void *data;                 /* NULL while a tape plans, and when a dim is 0 */
    const lac_backend *backend; /* where data lies */
    lac_param *param;           /* whose value this is, or NULL */
    uint64_t uid, version;      /* uid > 0: content named by (uid, version), packed copies may be cached under it */
    uint64_t tape_mark;         /* the tape's own: which recording knows it, and as what */
    int32_t tape_id;
} lac_tensor;

#ifdef __cplusplus
extern "C" {
#endif

size_t lac_dtype_size(lac_dtype d);
const char *lac_dtype_name(lac_dtype d);                /* "f32", "bf16", ... */

int64_t lac_numel(const lac_tensor *x);                 /* 1 for a scalar */
int64_t lac_shape_numel(const lac_shape *s);
size_t lac_bytes(const lac_tensor *x);
lac_shape lac_shape_of(const lac_tensor *x);
bool lac_same_shape(const lac_tensor *a, const lac_tensor *b);
/* numel with overflow and negative dims checked: for sizes that come from files and configs. */
lac_status lac_numel_checked(int ndim, const int64_t *dim, int64_t *numel);

/* "[1,4,4,3]"; lives in one of eight buffers of this thread, so a message can name several shapes. */
const char *lac_shape_str(const lac_tensor *x);
const char *lac_dims_str(int ndim, const int64_t *dim);

void lac_tensor_like(lac_tensor *to, const lac_tensor *from);       /* dtype and shape, no data */
void lac_tensor_shape(lac_tensor *to, lac_dtype d, int ndim, const int64_t *dim);

/* A tensor of its own in ordinary host memory, 64-byte aligned, zero-filled. The caller's until lac_tensor_free. */
lac_status lac_tensor_new(lac_tensor **x, lac_dtype d, int ndim, const int64_t *dim);
void lac_tensor_free(lac_tensor *x);

/* How many values of a host tensor, f32, are NaN or infinite. */
int64_t lac_tensor_not_finite(const lac_tensor *x);

/* Scalar conversions; bf16 and f16 round to nearest even. */
static inline float lac_bf16_to_f32(uint16_t b)
{
    union { uint32_t u; float f; } v = { (uint32_t)b << 16 };
    return v.f;
}

static inline uint16_t lac_f32_to_bf16(float f)
{
    union { float f; uint32_t u; } v = { f };
    const uint32_t rounded = v.u + 0x7fff + (v.u >> 16 & 1);
    return (uint16_t)(f != f ? 0x7fc0 : rounded >> 16);
}

float lac_f16_to_f32(uint16_t h);
uint16_t lac_f32_to_f16(float f);

/* n elements from any float or integer dtype into f32 (integers exactly up to 2^24), and f32 into any float dtype. */
void lac_to_f32(float *to, const void *from, lac_dtype d, int64_t n);
void lac_from_f32(void *to, lac_dtype d, const float *from, int64_t n);

#ifdef __cplusplus
}
#endif
