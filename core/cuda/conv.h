/* core/cuda/conv.h -- convolutions on the GPU through cuDNN's graphs, on device pointers that are 16-byte aligned.
 *
 * Activations NHWC, weights [O, kh, kw, C / groups], everything dense. f32 is f32 throughout (no TF32); bf16 sums in f32. Only engines
 * that give the same bits each time are taken; with c->direct no Winograd. The plan is chosen once per shape and device: the first
 * eight that cuDNN proposes are timed while the workspace is asked for, and the choice is kept (core/cuda/plans.h). Bias, residual and
 * activation are part of a forward graph; what cuDNN proposes for it is timed beside the sums alone with one kernel of ours behind them. Shapes for which
 * cuDNN has no engine, and machines without cuDNN, are served by patches in memory and matrix products. */
#pragma once

#include "core/conv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of workspace, 256-byte aligned, of that pass. dg: dtype of gx (LAC_CONV_GRAD_X) or gw (LAC_CONV_GRAD_W), f32 or the
 * convolution's; ignored for LAC_CONV_FORWARD. Large enough with or without adding. Asked before the call, never while a
 * graph is captured. */
lac_status lac_cuda_conv_workspace(const lac_conv *c, lac_conv_pass pass, lac_dtype dg, size_t *size);

/* y = act(x * w + bias + residual); bias f32 [o] and residual, as y, where c has them, else NULL. */
lac_status lac_cuda_conv_forward(const lac_conv *c, const void *x, const void *w, const float *bias, const void *residual, void *y, void *workspace);
/* gx, of dtype dg (f32 or the convolution's), is overwritten, or added to. */
lac_status lac_cuda_conv_grad_x(const lac_conv *c, const void *gy, const void *w, void *gx, lac_dtype dg, bool add, void *workspace);
/* gw [o, kh, kw, c / groups], of dtype dg, and gb f32 [o], either NULL when not wanted, are overwritten or added to. */
lac_status lac_cuda_conv_grad_w(const lac_conv *c, const void *x, const void *gy, void *gw, lac_dtype dg, bool add_w, float *gb, bool add_b,
                                void *workspace);

#ifdef __cplusplus
}
#endif
