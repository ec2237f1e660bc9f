#include "autograd/ops/rank_sum/rank_sum.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c) { return lac_tensor_like(c->out[0], c->in[0]), LAC_OK; }

const lac_op_def lac_op_rank_sum = { .in = { { "x", LAC_F32_ONLY } }, .out = { { "y" } }, .infer = infer, .no_gradient = true };

lac_tensor *lac_rank_sum(lac_tape *t, lac_tensor *x) { return lac_apply(t, LAC_OP_rank_sum, NULL, x); }
