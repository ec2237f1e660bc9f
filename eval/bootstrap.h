/* eval/bootstrap.h -- percentile intervals for a mean over pictures, or another statistic of them, resampling groups of pictures (their backgrounds).
 *
 * Pictures on one background are not independent, so a resample draws as many groups as there are, with replacement, and
 * takes every picture of each. Draws come from Philox: they depend on (seed, resample) alone, so intervals of several metrics
 * and methods over one set rest on the same resamples, and a difference is the paired bootstrap of per-picture differences. */
#pragma once

#include "core/status.h"

enum { LAC_BOOTSTRAP_RESAMPLES = 1000 };

/* Undefined values (NaN) take no part; n and n_groups count those that do. value, low, high are NaN without any. */
typedef struct lac_interval { double value, low, high; int64_t n, n_groups; } lac_interval;

/* value [n]; group [n], numbers in [0, n_groups). The 95 % interval: quantiles 0.025 and 0.975 of the resampled means
 * (resamples that hold no defined value are left out). */
lac_status lac_bootstrap(lac_interval *interval, const double *value, const int64_t *group, int64_t n, int64_t n_groups, uint64_t seed);

/* The same, with the mean of each resample, NaN where one holds no value. */
lac_status lac_bootstrap_means(lac_interval *interval, double mean[LAC_BOOTSTRAP_RESAMPLES], const double *value, const int64_t *group, int64_t n,
                               int64_t n_groups, uint64_t seed);
/* low and high of such, those without a value left out; NaN where all are. */
void lac_bootstrap_bounds(lac_interval *interval, const double resampled[LAC_BOOTSTRAP_RESAMPLES]);

/* The same without resamples: low and high are NaN. */
lac_status lac_bootstrap_none(lac_interval *interval, const double *value, const int64_t *group, int64_t n, int64_t n_groups);

/* What is no mean: a statistic of groups, of which group g counts times[g] times; NaN where it is undefined. Resamples draw the very groups
 * that those of lac_bootstrap do. lac_bootstrap_value: with each group once. lac_bootstrap_interval sets low and high alone, resamples
 * without a value left out; lac_bootstrap_values gives that of each, NaN where it has none. */
typedef lac_status lac_statistic(void *context, const double *times, double *value);
lac_status lac_bootstrap_value(double *value, lac_statistic *f, void *context, int64_t n_groups);
lac_status lac_bootstrap_values(double value[LAC_BOOTSTRAP_RESAMPLES], lac_statistic *f, void *context, int64_t n_groups, uint64_t seed);
lac_status lac_bootstrap_interval(lac_interval *interval, lac_statistic *f, void *context, int64_t n_groups, uint64_t seed);

/* The q-quantile, 0 <= q <= 1, of n > 0 ascending values, linear between neighbours (NumPy's default). */
double lac_quantile(const double *ascending, int64_t n, double q);
