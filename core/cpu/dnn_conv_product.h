/* core/cpu/dnn_conv_product.h -- the weight gradient of a convolution with a small map and many channels, as a matrix product.
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
