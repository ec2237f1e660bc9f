/* eval/pooled.h -- runs that differ by their seed alone, as one: what a row of a table has.
 *
 * A pool's value is the mean of its runs' values, each a set's value (eval/set_value.h). Its interval is over pictures: a resample draws backgrounds once for all
 * runs, of this pool and of any other, and takes the mean of what each run has on them; so a difference of two pools is paired. How much a value owes to the seed
 * is `spread`, the standard deviation of the runs' values (n - 1), and in no interval. */
#pragma once

#include "eval/set_value.h"

typedef struct lac_pool { const lac_resampled *const *run; int64_t n; } lac_pool;

typedef struct lac_pooled {
    lac_interval v;                 /* n, n_groups: the fewest that any run had */
    double spread;                  /* NaN of fewer than two runs, and of a difference */
    const char *undefined;          /* why there is no value: the first run's that has none; NULL */
} lac_pooled;

/* Of a, or with b != NULL of a less b. A run without a value leaves the pool without one. */
lac_pooled lac_pooled_of(const lac_pool *a, const lac_pool *b);
