/* Statistics of features against numbers of the reference programs (NumPy 1.24, SciPy 1.10, torch-fidelity, scikit-learn 1.2) on data that a hash makes. */
#include "core/dense/dense.h"
#include "core/memory.h"
#include "core/random_state.h"
#include "core/threads.h"
#include "eval/frechet.h"
#include "eval/inception_score.h"
#include "eval/kid.h"
#include "eval/p_ids.h"
#include "eval/precision_recall.h"
#include "tests/harness/hash_data.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double gap(double found, double expected) { return fabs(found - expected) / fabs(expected); }

typedef struct set { double *x; lac_samples samples; } set;

static set filled(const char *name, int64_t n, int64_t d, double low, double high)
{
    set s;
    LAC_CHECK_STATUS(lac_malloc((void **)&s.x, (size_t)(n * d) * sizeof *s.x));
    lac_hash_fill(s.x, name, n * d, low, high);
    s.samples = (lac_samples){ .n = n, .d = d, .f64 = s.x };
    return s;
}

static lac_samples part(const set *s, int64_t from, int64_t n) { return (lac_samples){ .n = n, .d = s->samples.d, .f64 = s->x + from * s->samples.d }; }

static double distance(const lac_samples *a, const lac_samples *b, int ddof)
{
    lac_gaussian p, q;
    lac_frechet f;
    LAC_CHECK_STATUS(lac_gaussian_of_rows(&p, a, ddof));
    LAC_CHECK_STATUS(lac_gaussian_of_rows(&q, b, ddof));
    LAC_CHECK_STATUS(lac_frechet_distance(&f, &p, &q));
    lac_gaussian_free(&p);
    lac_gaussian_free(&q);
    LAC_CHECK(f.value == f.mean_term + f.trace_term);
    return f.value;
}

LAC_TEST(numbers_of_numpys_random_state)
{
    static const int64_t order[] = { 6, 9, 12, 4, 5, 14, 1, 2, 15, 10, 19, 18, 7, 16, 13, 11, 17, 3, 8, 0 };
    static const int64_t chosen[] = { 12, 49, 42, 52, 13, 37, 33, 53, 19, 43, 25, 0, 17, 56, 23, 36 };
    lac_random_state r;
    int64_t found[64];
    lac_random_state_init(&r, 2020);
    LAC_CHECK(lac_random_state_next(&r) == 4236026720u);
    lac_random_state_init(&r, 2020);
    LAC_CHECK(fabs(lac_random_state_sample(&r) - 0.98627683) < 1e-8);
    lac_random_state_init(&r, 2020);
    lac_random_state_permutation(&r, 20, found);
    LAC_CHECK(memcmp(found, order, sizeof order) == 0);
    lac_random_state_init(&r, 2020);
    lac_random_state_permutation(&r, 64, found);
    LAC_CHECK(memcmp(found, chosen, sizeof chosen) == 0);
}

LAC_TEST(frechet_distances_of_full_and_of_lower_rank)
{
    const set a = filled("A", 64, 8, 0, 1), b = filled("B", 64, 8, 0.1, 1.3), a2 = filled("A2", 16, 64, 0, 1), b2 = filled("B2", 24, 64, 0.1, 1.3);
    LAC_CHECK(gap(distance(&a.samples, &b.samples, 1), 0.462997196785) < 1e-9);
    LAC_CHECK(gap(distance(&a.samples, &b.samples, 0), 0.461714065760) < 1e-9);
    LAC_CHECK(gap(distance(&a2.samples, &b2.samples, 1), 10.8876967192) < 1e-10);
    LAC_CHECK(fabs(distance(&a2.samples, &a2.samples, 1)) < 1e-12);
    LAC_CHECK(fabs(distance(&a.samples, &a.samples, 1)) < 1e-12);
    free(a.x);
    free(b.x);
    free(a2.x);
    free(b2.x);
}

LAC_TEST(moments_of_fewer_samples_than_features_give_their_distance)
{
    const set a = filled("A2", 16, 64, 0, 1), b = filled("B2", 24, 64, 0.1, 1.3);
    double mean[2][64], covariance[2][64 * 64];
    lac_gaussian p, q;
    lac_frechet f;
    LAC_CHECK_STATUS(lac_samples_moments(&a.samples, 1, mean[0], covariance[0]));
    LAC_CHECK_STATUS(lac_samples_moments(&b.samples, 1, mean[1], covariance[1]));
    LAC_CHECK_STATUS(lac_gaussian_of_moments(&p, mean[0], covariance[0], 64));
    LAC_CHECK_STATUS(lac_gaussian_of_moments(&q, mean[1], covariance[1], 64));
    LAC_CHECK(p.rank == 15 && q.rank == 23);
    LAC_CHECK_STATUS(lac_frechet_distance(&f, &p, &q));
    LAC_CHECK(gap(f.value, 10.8876967192) < 1e-7);
    lac_gaussian_free(&p);
    lac_gaussian_free(&q);
    free(a.x);
    free(b.x);
}

/* Turned by I - 2 v v^T / |v|^2, and its samples backwards. */
static set turned(const set *s, const double *v)
{
    const int64_t n = s->samples.n, d = s->samples.d;
    set to = { .samples = s->samples };
    double norm = 0;
    LAC_CHECK_STATUS(lac_malloc((void **)&to.x, (size_t)(n * d) * sizeof *to.x));
    to.samples.f64 = to.x;
    for (int64_t k = 0; k < d; k++)
        norm += v[k] * v[k];
    for (int64_t i = 0; i < n; i++) {
        const double *from = s->x + (n - 1 - i) * d;
        double along = 0;
        for (int64_t k = 0; k < d; k++)
            along += from[k] * v[k];
        for (int64_t k = 0; k < d; k++)
            to.x[i * d + k] = from[k] - 2 * along / norm * v[k];
    }
    return to;
}

/* Each depends on lengths and angles alone, and on no order. */
LAC_TEST(turning_both_sets_changes_no_distance)
{
    const set a = filled("A", 64, 8, 0, 1), b = filled("B", 64, 8, 0.1, 1.3), v = filled("v", 1, 8, -1, 1), p = turned(&a, v.x), q = turned(&b, v.x);
    lac_kid_config c = LAC_KID_CONFIG;
    lac_precision_recall before, after;
    double kid[2], std;
    LAC_CHECK(gap(distance(&p.samples, &q.samples, 1), distance(&a.samples, &b.samples, 1)) < 1e-12);
    LAC_CHECK(gap(distance(&p.samples, &b.samples, 1), distance(&a.samples, &b.samples, 1)) > 0.1);
    c.subsets = 0;
    LAC_CHECK_STATUS(lac_kid(&kid[0], &std, &a.samples, &b.samples, &c));
    LAC_CHECK_STATUS(lac_kid(&kid[1], &std, &p.samples, &q.samples, &c));
    LAC_CHECK(gap(kid[1], kid[0]) < 1e-12);
    LAC_CHECK_STATUS(lac_precision_recall_of(&before, &b.samples, &a.samples, 3));
    LAC_CHECK_STATUS(lac_precision_recall_of(&after, &q.samples, &p.samples, 3));
    LAC_CHECK(before.precision == after.precision && before.recall == after.recall);
    free(a.x);
    free(b.x);
    free(v.x);
    free(p.x);
    free(q.x);
}

/* Samples 0, 0, 2, ... stand for weights 2, 0, 1, ... in every statistic. */
LAC_TEST(weights_count_samples)
{
    const set a = filled("A", 64, 8, 0, 1), b = filled("B", 64, 8, 0.1, 1.3);
    double weight[64], *x, value[2], std[2];
    int64_t *place, n;
    for (int i = 0; i < 64; i++)
        weight[i] = (2 * i + 2) % 3;
    lac_samples weighted = a.samples, taken = { .d = 8 };
    weighted.weight = weight;
    LAC_CHECK_STATUS(lac_samples_places(&weighted, &place, &n));
    LAC_CHECK(n == 65 && place[0] == 0 && place[1] == 0 && place[2] == 1 && place[3] == 3);
    LAC_CHECK_STATUS(lac_malloc((void **)&x, (size_t)(n * 8) * sizeof *x));
    lac_samples_take(&weighted, place, n, x);
    taken.n = n;
    taken.f64 = x;
    LAC_CHECK(gap(distance(&weighted, &b.samples, 1), distance(&taken, &b.samples, 1)) < 1e-12);
    lac_kid_config c = LAC_KID_CONFIG;
    c.subset_size = 20;
    c.subsets = 3;
    LAC_CHECK_STATUS(lac_kid(&value[0], &std[0], &weighted, &b.samples, &c));
    LAC_CHECK_STATUS(lac_kid(&value[1], &std[1], &taken, &b.samples, &c));
    LAC_CHECK(value[0] == value[1] && std[0] == std[1]);
    free(place);
    free(x);
    free(a.x);
    free(b.x);
}

LAC_TEST(kernel_distances)
{
    const set a = filled("A", 64, 8, 0, 1), b = filled("B", 64, 8, 0.1, 1.3);
    const lac_samples low = part(&a, 0, 32), high = part(&a, 32, 32);
    lac_kid_config c = LAC_KID_CONFIG;
    double value, std;
    c.subsets = 0;
    LAC_CHECK_STATUS(lac_kid(&value, &std, &a.samples, &b.samples, &c));
    LAC_CHECK(gap(value, 0.387441673332) < 1e-11);
    LAC_CHECK_STATUS(lac_kid(&value, &std, &low, &high, &c));
    LAC_CHECK(gap(value, 0.0240891770892) < 1e-11);
    c.subsets = 1;
    c.subset_size = 16;
    LAC_CHECK_STATUS(lac_kid(&value, &std, &a.samples, &b.samples, &c));
    LAC_CHECK(gap(value, 0.5331169465) < 1e-9);
    c.subsets = 10;
    LAC_CHECK_STATUS(lac_kid(&value, &std, &a.samples, &b.samples, &c));
    LAC_CHECK(gap(value, 0.386381841970) < 1e-11 && gap(std, 0.178606334470) < 1e-11);
    c.subset_size = 65;
    LAC_CHECK(lac_kid(&value, &std, &a.samples, &b.samples, &c) == LAC_ERR_ARG && strstr(lac_error_message(), "65") && strstr(lac_error_message(), "64"));
    free(a.x);
    free(b.x);
}

LAC_TEST(inception_scores)
{
    const set logits = filled("logits", 100, 10, -4, 4);
    lac_is_config c = { 1, false, 2020, 0 };
    double value, std;
    LAC_CHECK_STATUS(lac_inception_score(&value, &std, &logits.samples, &c));
    LAC_CHECK(gap(value, 2.54356431783) < 1e-11 && std == 0);
    c.splits = 10;
    LAC_CHECK_STATUS(lac_inception_score(&value, &std, &logits.samples, &c));
    LAC_CHECK(gap(value, 2.228120499320) < 1e-11 && gap(std, 0.140344633885) < 1e-11);
    c.shuffle = true;
    LAC_CHECK_STATUS(lac_inception_score(&value, &std, &logits.samples, &c));
    LAC_CHECK(gap(value, 2.286720306840) < 1e-11 && gap(std, 0.137771214754) < 1e-11);
    free(logits.x);
}

LAC_TEST(precision_and_recall)
{
    const set real = filled("A", 64, 8, 0, 1), made = filled("B", 64, 8, 0.1, 1.3);
    lac_precision_recall v;
    LAC_CHECK_STATUS(lac_precision_recall_of(&v, &made.samples, &real.samples, 3));
    LAC_CHECK(v.precision == 0.484375 && v.recall == 0.859375);
    LAC_CHECK_STATUS(lac_precision_recall_of(&v, &made.samples, &real.samples, 5));
    LAC_CHECK(v.precision == 0.625 && v.recall == 0.921875);
    free(real.x);
    free(made.x);
}

LAC_TEST(a_linear_machine_tells_sets_apart)
{
    static const double expected[] = { -0.43241, -0.36718, -0.15608, -0.24753, -0.73016, -0.69211 };
    const set real = filled("R", 200, 6, 0, 1), made = filled("G", 200, 6, 0.05, 1.1);
    lac_p_ids v;
    double w[6], bias;
    LAC_CHECK_STATUS(lac_p_ids_of(&v, w, &bias, &made.samples, &real.samples));
    for (int k = 0; k < 6; k++)
        LAC_CHECK(fabs(w[k] - expected[k]) < 1e-5);
    LAC_CHECK(fabs(bias - 1.40993) < 1e-5 && fabs(v.u_ids - 0.35) < 1e-12 && fabs(v.p_ids - 0.30) < 1e-12);
    free(real.x);
    free(made.x);
}

/* Sizes past every tile and block, and every way the numbers may lie. */
LAC_TEST(products_are_those_of_plain_loops_at_any_number_of_threads)
{
    enum { M = 37, N = 61, K = 300 };
    const set a = filled("a", M, K, -1, 1), b = filled("b", N, K, -1, 1);
    double found[2][M * N];
    for (int way = 0; way < 4; way++) {
        const lac_dense x = way & 1 ? lac_dense_columns(a.x, M, K) : lac_dense_rows(a.x, M, K), y = lac_dense_rows(b.x, N, K);
        const lac_dense_sum sum = way & 2 ? LAC_DENSE_SQUARES : LAC_DENSE_PRODUCT;
        for (int threads = 1; threads <= 3; threads += 2) {
            lac_threads_set(threads);
            LAC_CHECK_STATUS(lac_dense_multiply_by(found[threads / 2], &x, &y, sum, false));
        }
        LAC_CHECK(memcmp(found[0], found[1], sizeof found[0]) == 0);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N; j++) {
                double expected = 0;
                for (int k = 0; k < K; k++) {
                    const double p = way & 1 ? a.x[k * M + i] : a.x[i * K + k], q = b.x[j * K + k];
                    expected += way & 2 ? (p - q) * (p - q) : p * q;
                }
                LAC_CHECK(fabs(found[0][i * N + j] - expected) < 1e-11);
            }
    }
    free(a.x);
    free(b.x);
}

LAC_TEST(singular_values_add_up_at_any_number_of_threads)
{
    enum { M = 150, N = 90 };
    const set a = filled("a", M, N, -1, 1);
    double x[2][M * N], turned[M * N], norm[3];
    for (int threads = 1; threads <= 3; threads += 2) {
        memcpy(x[threads / 2], a.x, sizeof x[0]);
        lac_threads_set(threads);
        LAC_CHECK_STATUS(lac_dense_nuclear_norm(x[threads / 2], M, N, &norm[threads / 2]));
    }
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            turned[j * M + i] = a.x[i * N + j];
    LAC_CHECK_STATUS(lac_dense_nuclear_norm(turned, N, M, &norm[2]));
    LAC_CHECK(norm[0] == norm[1] && norm[0] == norm[2]);
    memcpy(x[0], a.x, sizeof x[0]);
    x[0][17] = NAN;
    LAC_CHECK(lac_dense_nuclear_norm(x[0], M, N, norm) == LAC_ERR_NONFINITE);
    free(a.x);
}
