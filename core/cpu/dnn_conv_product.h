/* core/cpu/dnn_conv_product.h -- a convolution with a small map and many channels as a matrix product: its weight gradient, and in bf16 all of it.
 *
 * gw [o, kh kw c] = gy^T [o, pixels] times what each pixel of y reads of x [pixels, kh kw c]. It lies as the weight does, so that nothing
 * is left to sum or to turn; the library's own weight gradient, of one sample and eight rows, has work for one thread. Inside core/cpu/dnn_*.c. */
#pragma once

#include "core/cpu/dnn.h"

/* A fixed rule: at most 1024 pixels of y in bf16, 256 in f32, of a large weight without groups. */
bool lac_conv_is_product(const lac_conv *c);
lac_status lac_conv_product_workspace(const lac_conv *c, size_t *size);
/* As lac_dnn_conv_grad_w. */
lac_status lac_conv_product_grad_w(const lac_conv *c, const void *x, const void *gy, float *gw, bool add_w, float *gb, bool add_b, void *workspace);

/* y [pixels, o] = what each pixel reads [pixels, kh kw c] times the weight, and gx likewise of gy, on AMX's tiles, where the CPU has them: at most 256 pixels of a
 * large weight in bf16, no activation, for gx stride 1. So few pixels are read fast, and the library takes twice as long for the weight. */
bool lac_conv_on_tiles(const lac_conv *c, lac_conv_pass pass);
lac_status lac_conv_tiles_workspace(const lac_conv *c, lac_conv_pass pass, lac_dtype dx, bool packed, size_t *size);
lac_status lac_conv_tiles_forward(const lac_conv *c, const void *x, const lac_dnn_weight *w, const float *bias, const void *residual, void *y, void *workspace);
lac_status lac_conv_tiles_grad_x(const lac_conv *c, const void *gy, const lac_dnn_weight *w, void *gx, lac_dtype dx, bool add, void *workspace);
