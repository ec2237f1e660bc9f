/* core/cuda/patches.h -- convolutions as patches in memory and matrix products (core/cuda/product.h), sample by sample and group by
 * group: what serves shapes that cuDNN has no plan for, and machines without cuDNN. And small kernels around convolutions.
 *
 *     y[p, o] = sum over k of patch[p, k] w[o, k]       patch[p, (i, j, c)] = x at the pixel that (p, i, j) reads, 0 outside
 *
 * Any dtype that core/cuda/conv.h takes; sums are f32; same bits each time. */
#pragma once

#include "core/conv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of workspace of that pass, 256-byte aligned. */
lac_status lac_cuda_patches_workspace(const lac_conv *c, lac_conv_pass pass, size_t *size);

lac_status lac_cuda_patches_forward(const lac_conv *c, const void *x, const void *w, void *y, void *workspace);
/* gx, of dtype dg, is overwritten, or added to. */
lac_status lac_cuda_patches_grad_x(const lac_conv *c, const void *gy, const void *w, void *gx, lac_dtype dg, bool add, void *workspace);
lac_status lac_cuda_patches_grad_w(const lac_conv *c, const void *x, const void *gy, void *gw, lac_dtype dg, bool add, void *workspace);

/* Kernels. patches: one sample, one group, x [h, w, c] to [oh * ow, kh * kw * c / groups]. unpatch: its transpose, from f32 patches. */
lac_status lac_cuda_patches(const lac_conv *c, int64_t group, const void *x, void *patches);
lac_status lac_cuda_unpatch(const lac_conv *c, int64_t group, const float *patches, void *gx, lac_dtype dg, bool add);

/* to[r, j] = j < n ? from[r, j] : 0 for j < width; row lengths apart. */
lac_status lac_cuda_copy_columns(void *to, int64_t to_row, int64_t width, const void *from, int64_t from_row, int64_t n, int64_t rows, lac_dtype d);

/* y[r, j] = act(y[r, j] + bias[j] + residual[r, j]) in one pass over y; bias and residual (dtype d) may be NULL. */
lac_status lac_cuda_conv_finish(void *y, lac_dtype d, const float *bias, const void *residual, lac_act_fn act, int64_t rows, int64_t columns);

#ifdef __cplusplus
}
#endif
