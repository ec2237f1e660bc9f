/* cli/train_cost.h -- what a training would be and cost, on stdout: `trainer CONFIG.lua --dry-run`. No kernel runs. */
#pragma once

#include "train/run.h"

/* The resolved config, and each stage's parameters, FLOP and memory of a step, and what is made before the first. */
lac_status lac_train_cost(const lac_stages *stages, lac_comm *comm);
/* One stage's alone; *step: FLOP of a step of it on this rank. */
lac_status lac_train_cost_stage(const lac_stages *stages, int64_t k, lac_comm *comm, int64_t *step);
