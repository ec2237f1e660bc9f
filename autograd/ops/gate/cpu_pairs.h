/* autograd/ops/gate/cpu_pairs.h -- the gate where all is bf16 and each half has an even width. */
#pragma once

#include "autograd/op.h"
#include "core/cpu/level.h"

lac_status LAC_CPU(gate_forward_pairs)(const lac_op_ctx *c);
lac_status LAC_CPU(gate_backward_pairs)(const lac_op_ctx *c);       /* gx is overwritten */
