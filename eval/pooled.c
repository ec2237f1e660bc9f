#include "eval/pooled.h"

#include <math.h>

/* The mean over runs of their value, or with i >= 0 of what resample i makes of it. */
static double mean_of(const lac_pool *p, int i)
{
    double sum = 0;
    for (int64_t r = 0; r < p->n; r++)
        sum += i < 0 ? p->run[r]->found.v.value : p->run[r]->each[i];
    return sum / (double)p->n;
}

static double spread_of(const lac_pool *p, double mean)
{
    double sum = 0;
    for (int64_t r = 0; r < p->n; r++)
        sum += (p->run[r]->found.v.value - mean) * (p->run[r]->found.v.value - mean);
    return p->n > 1 ? sqrt(sum / (double)(p->n - 1)) : NAN;
}

static void count(lac_pooled *y, const lac_pool *p)
{
    for (int64_t r = 0; r < p->n; r++) {
        const lac_set_value *f = &p->run[r]->found;
        y->v.n = LAC_MIN(y->v.n, f->v.n);
        y->v.n_groups = LAC_MIN(y->v.n_groups, f->v.n_groups);
        if (isnan(f->v.value) && y->undefined == NULL)
            y->undefined = f->undefined != NULL ? f->undefined : "no picture has a value";
    }
}

lac_pooled lac_pooled_of(const lac_pool *a, const lac_pool *b)
{
    lac_pooled y = { .v = { .n = INT64_MAX, .n_groups = INT64_MAX }, .spread = NAN };
    double each[LAC_BOOTSTRAP_RESAMPLES];
    count(&y, a);
    if (b != NULL)
        count(&y, b);
    y.v.value = mean_of(a, -1) - (b != NULL ? mean_of(b, -1) : 0);
    for (int i = 0; i < LAC_BOOTSTRAP_RESAMPLES; i++)
        each[i] = mean_of(a, i) - (b != NULL ? mean_of(b, i) : 0);
    lac_bootstrap_bounds(&y.v, each);
    if (b == NULL)
        y.spread = spread_of(a, y.v.value);
    return y;
}
