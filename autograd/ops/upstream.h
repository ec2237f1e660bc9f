/* autograd/ops/upstream.h -- what backward of an op that calls a library begins with, on every device: dL/dy in the dtype of x, and
 * gradients of nothing. */
#pragma once

#include "autograd/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of workspace, a multiple of 64, for dL/dy of output 0 in the dtype of input 0: 0 where the caller's is that already, where there is
 * none, and forward. */
size_t lac_upstream_bytes(const lac_op_ctx *c);
/* *gy is dL/dy in that dtype: the caller's own memory, or as many bytes at `memory`. */
lac_status lac_upstream(const lac_op_ctx *c, void *memory, lac_tensor *gy);

/* Whether nothing flows back: x is empty, or no gradient came. The gradients asked for are then zero. */
bool lac_no_upstream(const lac_op_ctx *c);
lac_status lac_zero_gradients(const lac_op_ctx *c);

#ifdef __cplusplus
}
#endif
