#include "eval/bootstrap.h"

#include "core/memory.h"
#include "core/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct group_sum { double sum; int64_t n; } group_sum;

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double lac_quantile(const double *sorted, int64_t n, double q)
{
    const double at = q * (double)(n - 1);
    const int64_t below = LAC_MIN((int64_t)at, n - 1), above = LAC_MIN(below + 1, n - 1);
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

static void sum_groups(lac_interval *interval, group_sum *sums, const double *value, const int64_t *group, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(value[i]))
            continue;
        interval->n_groups += sums[group[i]].n == 0;
        interval->n++;
        sums[group[i]].sum += value[i];
        sums[group[i]].n++;
        sum += value[i];
    }
    interval->value = interval->n > 0 ? sum / (double)interval->n : NAN;
}

static lac_stream draws_of(uint64_t seed, uint32_t which) { return lac_stream_at(seed, lac_purpose("bootstrap"), which, 0); }

/* The mean of one resample, NaN when it holds no value. */
static double resample(const group_sum *sums, int64_t n_groups, uint64_t seed, uint32_t which)
{
    lac_stream s = draws_of(seed, which);
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < n_groups; i++) {
        const group_sum *g = &sums[lac_stream_below(&s, (uint32_t)n_groups)];
        sum += g->sum;
        n += g->n;
    }
    return n > 0 ? sum / (double)n : NAN;
}

void lac_bootstrap_bounds(lac_interval *interval, const double resampled[LAC_BOOTSTRAP_RESAMPLES])
{
    double value[LAC_BOOTSTRAP_RESAMPLES];
    int64_t n = 0;
    for (int i = 0; i < LAC_BOOTSTRAP_RESAMPLES; i++) {
        value[n] = resampled[i];
        n += !isnan(value[n]);
    }
    qsort(value, (size_t)n, sizeof *value, ascending);
    interval->low = n > 0 ? lac_quantile(value, n, 0.025) : NAN;
    interval->high = n > 0 ? lac_quantile(value, n, 0.975) : NAN;
}

static void resample_means(double mean[LAC_BOOTSTRAP_RESAMPLES], const group_sum *sums, int64_t n_groups, uint64_t seed)
{
    for (uint32_t i = 0; i < LAC_BOOTSTRAP_RESAMPLES; i++)
        mean[i] = resample(sums, n_groups, seed, i);
}

/* seed NULL: no resamples. mean: theirs. */
static lac_status mean_of(lac_interval *interval, const double *value, const int64_t *group, int64_t n, int64_t n_groups, const uint64_t *seed,
                          double mean[LAC_BOOTSTRAP_RESAMPLES])
{
    group_sum *sums;
    *interval = (lac_interval){ NAN, NAN, NAN, 0, 0 };
    LAC_TRY(lac_calloc((void **)&sums, (size_t)n_groups, sizeof *sums));
    sum_groups(interval, sums, value, group, n);
    if (seed != NULL)
        resample_means(mean, sums, n_groups, *seed);
    if (seed != NULL)
        lac_bootstrap_bounds(interval, mean);
    free(sums);
    return LAC_OK;
}

lac_status lac_bootstrap(lac_interval *interval, const double *value, const int64_t *group, int64_t n, int64_t n_groups, uint64_t seed)
{
    double mean[LAC_BOOTSTRAP_RESAMPLES];
    return mean_of(interval, value, group, n, n_groups, &seed, mean);
}

lac_status lac_bootstrap_means(lac_interval *interval, double mean[LAC_BOOTSTRAP_RESAMPLES], const double *value, const int64_t *group, int64_t n,
                               int64_t n_groups, uint64_t seed)
{
    return mean_of(interval, value, group, n, n_groups, &seed, mean);
}

lac_status lac_bootstrap_none(lac_interval *interval, const double *value, const int64_t *group, int64_t n, int64_t n_groups)
{
    return mean_of(interval, value, group, n, n_groups, NULL, NULL);
}

/* ---- any statistic ---- */

lac_status lac_bootstrap_value(double *value, lac_statistic *f, void *context, int64_t n_groups)
{
    double *times;
    LAC_TRY(lac_calloc((void **)&times, (size_t)n_groups, sizeof *times));
    for (int64_t g = 0; g < n_groups; g++)
        times[g] = 1;
    const lac_status s = f(context, times, value);
    free(times);
    return s;
}

static lac_status resample_all(double value[LAC_BOOTSTRAP_RESAMPLES], double *times, lac_statistic *f, void *context, int64_t n_groups, uint64_t seed)
{
    for (uint32_t i = 0; i < LAC_BOOTSTRAP_RESAMPLES; i++) {
        lac_stream s = draws_of(seed, i);
        memset(times, 0, (size_t)n_groups * sizeof *times);
        for (int64_t g = 0; g < n_groups; g++)
            times[lac_stream_below(&s, (uint32_t)n_groups)]++;
        LAC_TRY(f(context, times, &value[i]));
    }
    return LAC_OK;
}

lac_status lac_bootstrap_values(double value[LAC_BOOTSTRAP_RESAMPLES], lac_statistic *f, void *context, int64_t n_groups, uint64_t seed)
{
    double *times;
    LAC_TRY(lac_calloc((void **)&times, (size_t)n_groups, sizeof *times));
    const lac_status s = resample_all(value, times, f, context, n_groups, seed);
    free(times);
    return s;
}

lac_status lac_bootstrap_interval(lac_interval *interval, lac_statistic *f, void *context, int64_t n_groups, uint64_t seed)
{
    double value[LAC_BOOTSTRAP_RESAMPLES];
    LAC_TRY(lac_bootstrap_values(value, f, context, n_groups, seed));
    lac_bootstrap_bounds(interval, value);
    return LAC_OK;
}
