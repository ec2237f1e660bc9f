/* autograd/ops/kernels_cuda.h -- the table of CUDA kernels, one row an op: for the backend, and for the tests that run their source on
 * the host. A kernel that an op does not have stays NULL: the tape then says "no kernel", or needs no workspace. */
#pragma once

#include "autograd/op.h"
#include "autograd/ops/ops.h"

#define LAC_OP(name, doc)                                                       \
    lac_status name##_forward_cuda(const lac_op_ctx *) __attribute__((weak));   \
    lac_status name##_backward_cuda(const lac_op_ctx *) __attribute__((weak));  \
    lac_status name##_workspace_cuda(const lac_op_ctx *, size_t *) __attribute__((weak));
#include "autograd/ops/ops.def"
#undef LAC_OP

static const lac_kernel lac_kernels_cuda[LAC_N_OPS] = {
#define LAC_OP(name, doc) { name##_forward_cuda, name##_backward_cuda, name##_workspace_cuda },
#include "autograd/ops/ops.def"
#undef LAC_OP
};
