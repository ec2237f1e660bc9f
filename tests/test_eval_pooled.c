/* Runs of several seeds as one: their mean, spread and interval, and differences of two such. */
#include "eval/pooled.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 40, GROUPS = 13, RUNS = 4 };

/* Picture i of run r. */
static double value_of(int r, int i) { return (37 * i * i + (11 + 5 * r) * i + 3 * r) % 101 / 101.0; }

/* Each run a score of its own, as a table has them. */
static void make(lac_score *s, int r)
{
    static const char *const metric[] = { "l1" }, *const method[] = { "run" };
    LAC_CHECK_STATUS(lac_score_new(s, metric, 1, method, 1, NULL));
    for (int i = 0; i < N; i++) {
        char id[16], background[16];
        snprintf(id, sizeof id, "p%d", i);
        snprintf(background, sizeof background, "b%d", i * i % GROUPS);
        const lac_value v = { .value = value_of(r, i) };
        LAC_CHECK_STATUS(lac_score_add_values(s, &(lac_eval_item){ .id = id, .background = background, .height = 8, .width = 8 }, 1, &v, NULL));
    }
}

typedef struct bench { lac_resampled run[RUNS]; const lac_resampled *at[RUNS]; } bench;

static bench *begin(void)
{
    bench *b;
    LAC_CHECK_STATUS(lac_calloc((void **)&b, 1, sizeof *b));
    for (int r = 0; r < RUNS; r++) {
        lac_score s;
        make(&s, r);
        LAC_CHECK_STATUS(lac_score_resampled(&s, 0, 0, 5, &b->run[r]));
        lac_score_free(&s);
        b->at[r] = &b->run[r];
    }
    return b;
}

/* What eval/bootstrap.h makes of values per picture. */
static lac_interval of_pictures(double (*value)(int i))
{
    double x[N];
    int64_t group[N], known[GROUPS], n = 0;
    for (int g = 0; g < GROUPS; g++)
        known[g] = -1;
    for (int i = 0; i < N; i++) {
        if (known[i * i % GROUPS] < 0)
            known[i * i % GROUPS] = n++;
        x[i] = value(i);
        group[i] = known[i * i % GROUPS];
    }
    lac_interval v;
    LAC_CHECK_STATUS(lac_bootstrap(&v, x, group, N, n, 5));
    return v;
}

static bool same(const lac_interval *a, const lac_interval *b)
{
    return fabs(a->value - b->value) < 1e-12 && fabs(a->low - b->low) < 1e-12 && fabs(a->high - b->high) < 1e-12 && a->n == b->n && a->n_groups == b->n_groups;
}

static double mean_of_two(int i) { return (value_of(0, i) + value_of(1, i)) / 2; }
static double less_the_others(int i) { return mean_of_two(i) - (value_of(2, i) + value_of(3, i)) / 2; }

/* With a value of every picture, means of runs are runs of means. */
LAC_TEST(a_pool_of_means_is_the_bootstrap_of_the_pictures_means)
{
    bench *b = begin();
    const lac_interval two = of_pictures(mean_of_two), difference = of_pictures(less_the_others);
    const lac_pooled pool = lac_pooled_of(&(lac_pool){ b->at, 2 }, NULL), less = lac_pooled_of(&(lac_pool){ b->at, 2 }, &(lac_pool){ b->at + 2, 2 });
    LAC_CHECK(same(&pool.v, &two) && same(&less.v, &difference));
    const double x = b->run[0].found.v.value, y = b->run[1].found.v.value;
    LAC_CHECK(fabs(pool.spread - fabs(x - y) / sqrt(2)) < 1e-12 && isnan(less.spread));
    free(b);
}

LAC_TEST(a_pool_of_one_run_is_that_run)
{
    bench *b = begin();
    const lac_pooled pool = lac_pooled_of(&(lac_pool){ b->at, 1 }, NULL), nothing = lac_pooled_of(&(lac_pool){ b->at, 1 }, &(lac_pool){ b->at, 1 });
    LAC_CHECK(same(&pool.v, &b->run[0].found.v) && isnan(pool.spread));
    LAC_CHECK(nothing.v.value == 0 && nothing.v.low == 0 && nothing.v.high == 0);
    free(b);
}

LAC_TEST(a_run_without_a_value_leaves_its_pool_without_one)
{
    bench *b = begin();
    b->run[1].found.v.value = NAN;
    b->run[1].found.undefined = "too few";
    for (int i = 0; i < LAC_BOOTSTRAP_RESAMPLES; i++)
        b->run[1].each[i] = NAN;
    const lac_pooled pool = lac_pooled_of(&(lac_pool){ b->at, 3 }, NULL);
    LAC_CHECK(isnan(pool.v.value) && isnan(pool.v.low) && strcmp(pool.undefined, "too few") == 0);
    free(b);
}
