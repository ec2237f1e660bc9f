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

/* The packed copy of weight w, `bytes` long, in a layout with a number of its own; pack() makes it. Valid until the next version or
 * lac_dnn_forget. Weights without a uid are packed into `into`. */
typedef lac_status lac_packer(const void *context, const void *from, void *to);
lac_status lac_dnn_packed(const void **packed, const lac_dnn_weight *w, uint64_t layout, size_t bytes, lac_packer *pack, const void *context, void *into);

/* The same through a reorder of the library, in parts as lac_prim_reorder takes them; layout is lac_md_layout of a part's result. */
lac_status lac_dnn_reordered(const void **packed, const lac_dnn_weight *w, uint64_t layout, const lac_prim *reorder, int64_t parts, size_t step, void *into);

/* A number for a layout of the library's: equal layouts, equal numbers. Called while a plan is made. */
lac_status lac_md_layout(uint64_t *layout, lac_md md);
