/* eval/set_value.h -- the one place where pictures' values become a set's value: the mean over the pictures where a metric is defined, or
 * what a metric of the set (lac_metric_def.of_set) makes of all of them; with the interval of eval/bootstrap.h. Summaries, differences
 * and validation ask here. */
#pragma once

#include "eval/bootstrap.h"
#include "eval/score.h"

typedef struct lac_set_value {
    lac_interval v;                 /* low and high NaN without an interval; n, n_groups: pictures and groups that count */
    const char *undefined;          /* why there is no value, in words; NULL: a mean without a picture, or there is one */
    const char *no_interval;        /* why a value has no interval; NULL */
} lac_set_value;

/* A value with what every resample makes of it, NaN where one has none, or where no interval is made at all. Those of two scores over the same pictures rest on the same draws. */
typedef struct lac_resampled { lac_set_value found; double each[LAC_BOOTSTRAP_RESAMPLES]; } lac_resampled;
lac_status lac_score_resampled(const lac_score *s, int64_t a, int64_t k, uint64_t seed, lac_resampled *r);

/* Of method a by metric k; with b >= 0 the value of a less that of b: of means over the pictures where both are defined. resampled: with the
 * interval, else none is looked for. */
lac_status lac_score_set_value(const lac_score *s, int64_t a, int64_t b, int64_t k, bool resampled, uint64_t seed, lac_set_value *found);
