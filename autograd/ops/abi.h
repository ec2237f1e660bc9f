/* autograd/ops/abi.h -- what a program and a backend must agree about, as one number. Included where a table is made, nowhere else. */
#pragma once

#include "autograd/op.h"
#include "autograd/ops/ops.h"
#include "core/queue.h"
#include "core/update.h"

#include <lac_version.h>

static inline uint64_t lac_abi_text(uint64_t h, const char *s)
{
    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

/* Sizes of what crosses the border, the names of the ops in their order, and the revision that both were built from. */
static inline uint64_t lac_backend_abi(void)
{
    const uint64_t sizes[] = { sizeof(lac_backend), sizeof(lac_queue), sizeof(lac_tensor), sizeof(lac_op_ctx), sizeof(lac_op_def),
                               sizeof(lac_kernel), sizeof(lac_update), sizeof(lac_update_range), sizeof(lac_update_scalars), sizeof(lac_update_state),
                               LAC_MAX_DIMS, LAC_N_DTYPES, LAC_MAX_IN, LAC_MAX_OUT, LAC_N_OPS };
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < LAC_COUNT(sizes); i++)
        h = (h ^ sizes[i]) * 1099511628211u;
#define LAC_OP(name, doc) h = lac_abi_text(h, #name);
#include "autograd/ops/ops.def"
#undef LAC_OP
    return lac_abi_text(h, LAC_REVISION);
}
