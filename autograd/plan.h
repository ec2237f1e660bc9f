/* autograd/plan.h -- where the tensors of a region lie in one block of memory.
 *
 * Planning notes each allocation's size, birth and last reader on a clock that ticks once per kernel; packing gives every
 * allocation an offset such that no two live at once overlap (largest first, lowest gap that fits). */
#pragma once

#include "core/tensor.h"

enum { LAC_PLAN_ALIGN = 256 };

typedef struct lac_slot {
    size_t bytes, size, offset; /* what was asked for; with the guard, rounded up to LAC_PLAN_ALIGN; where */
    int64_t birth, death;       /* first and last tick at which its contents matter */
    const char *op;             /* who asked: compared on every later run */
} lac_slot;

typedef struct lac_plan {
    char *signature;
    lac_slot *slot;             /* in order of allocation */
    int64_t n, capacity;
    size_t total;               /* bytes of the block */
    size_t lower_bound;         /* largest sum of sizes alive at one tick: no packing is smaller */
    int64_t flops, launches;
    lac_param **completes;      /* in order of the contributions to accumulators: the parameter whose last it is, else NULL */
    int64_t n_completes, completes_capacity;
    bool packed;
} lac_plan;

/* Its number is p->n - 1. guard: bytes behind it that are nobody's. */
lac_status lac_plan_add(lac_plan *p, size_t bytes, size_t guard, int64_t now, const char *op);
size_t lac_plan_round(size_t bytes);
lac_status lac_plan_contribute(lac_plan *p, lac_param *to);       /* to that parameter's accumulator */
lac_status lac_plan_pack(lac_plan *p);
void lac_plan_clear(lac_plan *p);               /* forgets the slots, keeps signature and memory */
void lac_plan_free(lac_plan *p);
