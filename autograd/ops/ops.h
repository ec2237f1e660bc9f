/* autograd/ops/ops.h -- the ops by number: LAC_OP_gate, ..., LAC_N_OPS. For what calls an op or makes a table of all; kernels and networks need
 * none of it. */
#pragma once

enum {
#define LAC_OP(name, doc) LAC_OP_##name,
#include "autograd/ops/ops.def"
#undef LAC_OP
    LAC_N_OPS
};
