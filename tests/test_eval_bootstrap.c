/* The grouped bootstrap against one written in Python with its own Philox, and its plain properties. */
#include "eval/bootstrap.h"
#include "tests/harness/test.h"

#include <jansson.h>
#include <math.h>

enum { N = 60, N_GROUPS = 17 };

static void make(double *value, double *other, int64_t *group)
{
    for (int i = 0; i < N; i++) {
        value[i] = i % 11 == 3 ? NAN : (37 * i * i + 11 * i) % 101 / 101.0;
        other[i] = (53 * i + 5) % 97 / 97.0;
        group[i] = i * i % N_GROUPS;
    }
}

/* 1e-12: only the order of the sums differs. */
static void agrees(const lac_interval *ours, const json_t *golden)
{
    const double theirs[3] = { json_number_value(json_array_get(golden, 0)), json_number_value(json_array_get(golden, 1)),
                               json_number_value(json_array_get(golden, 2)) };
    LAC_CHECK(fabs(ours->value - theirs[0]) < 1e-12);
    LAC_CHECK(fabs(ours->low - theirs[1]) < 1e-12 && fabs(ours->high - theirs[2]) < 1e-12);
}

LAC_TEST(bootstrap_agrees_with_python)
{
    double value[N], other[N], difference[N];
    int64_t group[N];
    lac_interval found;
    json_t *golden = json_load_file(lac_test_golden("bootstrap.json"), 0, NULL);
    LAC_CHECK(golden != NULL);
    make(value, other, group);
    LAC_CHECK_STATUS(lac_bootstrap(&found, value, group, N, N_GROUPS, 1));
    agrees(&found, json_object_get(golden, "value"));
    LAC_CHECK(found.n == N - 6);
    LAC_CHECK_STATUS(lac_bootstrap(&found, other, group, N, N_GROUPS, 123456789012345));
    agrees(&found, json_object_get(golden, "other"));
    for (int i = 0; i < N; i++)
        difference[i] = value[i] - other[i];
    LAC_CHECK_STATUS(lac_bootstrap(&found, difference, group, N, N_GROUPS, 1));
    agrees(&found, json_object_get(golden, "difference"));
    json_decref(golden);
}

/* 400 independent values: the interval is that of the normal distribution, mean +- 1.96 s / sqrt(n), to the noise of
 * 1000 resamples (about 7 % of a half-width for the 2.5 % quantile; 20 % allowed). Ten copies of each in its group change nothing. */
LAC_TEST(bootstrap_resamples_groups_not_pictures)
{
    static double value[4000];
    static int64_t group[4000];
    double sum = 0, square = 0;
    for (int i = 0; i < 4000; i++) {
        group[i] = i % 400;
        value[i] = (i % 400 * 193 % 400) / 400.0;
        sum += i < 400 ? value[i] : 0;
        square += i < 400 ? value[i] * value[i] : 0;
    }
    const double mean = sum / 400, half = 1.96 * sqrt((square / 400 - mean * mean) / 400);
    lac_interval one, ten;
    LAC_CHECK_STATUS(lac_bootstrap(&one, value, group, 400, 400, 3));
    LAC_CHECK_STATUS(lac_bootstrap(&ten, value, group, 4000, 400, 3));
    LAC_CHECK(fabs(one.value - mean) < 1e-12 && fabs(one.low - (mean - half)) < 0.2 * half && fabs(one.high - (mean + half)) < 0.2 * half);
    LAC_CHECK(fabs(ten.low - one.low) < 1e-12 && fabs(ten.high - one.high) < 1e-12 && ten.n == 4000 && ten.n_groups == 400);
}

LAC_TEST(bootstrap_of_nothing_and_of_one_group)
{
    const double nothing[2] = { NAN, NAN }, some[3] = { 1, 2, 6 };
    const int64_t group[3] = { 0, 0, 0 };
    lac_interval found;
    LAC_CHECK_STATUS(lac_bootstrap(&found, nothing, group, 2, 1, 0));
    LAC_CHECK(isnan(found.value) && isnan(found.low) && isnan(found.high) && found.n == 0);
    LAC_CHECK_STATUS(lac_bootstrap(&found, some, group, 3, 1, 0));
    LAC_CHECK(found.value == 3 && found.low == 3 && found.high == 3 && found.n_groups == 1);
}

LAC_TEST(quantiles_are_linear_between_neighbours)      /* numpy.quantile([1, 2, 4, 8], q) */
{
    const double v[4] = { 1, 2, 4, 8 };
    LAC_CHECK(lac_quantile(v, 4, 0) == 1 && lac_quantile(v, 4, 1) == 8 && lac_quantile(v, 4, 0.5) == 3);
    LAC_CHECK(fabs(lac_quantile(v, 4, 0.975) - 7.7) < 1e-12 && lac_quantile(v, 1, 0.3) == 1);
}
