/* core/cpu/dnn_cache.h -- what is kept between calls: plans by shape, packed weights by tensor. Inside core/cpu/dnn_*.c. */
#pragma once

#include "core/cpu/dnn_library.h"

/* A plan: primitives of one shape. The key is all that decides them. */
enum { LAC_PLAN_KEY = 24 };
typedef struct lac_plan {
    int64_t key[LAC_PLAN_KEY];
    int64_t users, last_use;
    void (*drop)(struct lac_plan *p);       /* frees the plan and all it owns */
} lac_plan;

/* The plan of that key: the cached one, or what make() returns for it. In use until lac_plan_put; at most LAC_PLANS are kept,
 * the one unused for longest goes first. */
enum { LAC_PLANS = 1024 };
typedef lac_status lac_plan_make(lac_plan **p, const int64_t *key);
lac_status lac_plan_get(lac_plan **p, const int64_t *key, lac_plan_make *make);
void lac_plan_put(lac_plan *p);

/* The packed copy of weight w in the layout that `pack` produces; valid until the next version or lac_dnn_forget. Weights
 * without a uid are packed into `into`. */
lac_status lac_dnn_packed(const void **packed, const lac_dnn_weight *w, const lac_prim *pack, void *into);
