#include "eval/kid.h"

#include "core/dense/dense.h"
#include "core/memory.h"
#include "core/random_state.h"
#include "core/threads.h"

#include <math.h>
#include <stdlib.h>

enum { TILE = 1024 };       /* rows of a piece of a Gram matrix */

typedef struct kid {
    const lac_kid_config *config;
    const lac_samples *set[2];
    int64_t *place[2], count[2];    /* the sets' rows, each as often as it counts */
    int64_t *order, *chosen[2], size[2];
    double gamma;
    double *x, *y, *gram, *sum;     /* [TILE, d] twice, [TILE, TILE], [TILE] */
} kid;

static double power(double x, int64_t n)
{
    double y = x;
    for (int64_t i = 1; i < n; i++)
        y *= x;
    return y;
}

static double kernel(const kid *k, double gram)
{
    const lac_kid_config *c = k->config;
    return c->rbf ? exp(-gram / (2 * c->sigma * c->sigma)) : power(k->gamma * gram + c->coef0, c->degree);
}

/* Over rows i.. of one set and j.. of another; `skip`: they are the same rows, and the diagonal does not count. */
static lac_status sum_tile(kid *k, int64_t rows, int64_t columns, bool skip, double *total)
{
    const int64_t d = k->set[0]->d;
    const lac_dense a = lac_dense_rows(k->x, rows, d), b = lac_dense_rows(skip ? k->x : k->y, columns, d);
    LAC_TRY(lac_dense_multiply_by(k->gram, &a, &b, k->config->rbf ? LAC_DENSE_SQUARES : LAC_DENSE_PRODUCT, false));
    LAC_PARALLEL_FOR(i, rows) {
        k->sum[i] = 0;
        for (int64_t j = 0; j < columns; j++)
            k->sum[i] += skip && i == j ? 0 : kernel(k, k->gram[i * columns + j]);
    }
    for (int64_t i = 0; i < rows; i++)
        *total += k->sum[i];
    return LAC_OK;
}

/* Of the chosen rows of set p with those of set q. */
static lac_status sum_kernels(kid *k, int p, int q, double *total)
{
    *total = 0;
    for (int64_t i = 0; i < k->size[p]; i += TILE) {
        const int64_t rows = LAC_MIN(TILE, k->size[p] - i);
        lac_samples_take(k->set[p], k->chosen[p] + i, rows, k->x);
        for (int64_t j = 0; j < k->size[q]; j += TILE) {
            const int64_t columns = LAC_MIN(TILE, k->size[q] - j);
            if (p != q || i != j)
                lac_samples_take(k->set[q], k->chosen[q] + j, columns, k->y);
            LAC_TRY(sum_tile(k, rows, columns, p == q && i == j, total));
        }
    }
    return LAC_OK;
}

static lac_status estimate(kid *k, double *value)
{
    const double n = (double)k->size[0], m = (double)k->size[1];
    double xx, yy, xy;
    LAC_TRY(sum_kernels(k, 0, 0, &xx));
    LAC_TRY(sum_kernels(k, 1, 1, &yy));
    LAC_TRY(sum_kernels(k, 0, 1, &xy));
    *value = xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m);
    return LAC_OK;
}

static void choose(kid *k, lac_random_state *random, int set)
{
    lac_random_state_permutation(random, k->count[set], k->order);
    for (int64_t i = 0; i < k->size[set]; i++)
        k->chosen[set][i] = k->place[set][k->order[i]];
}

static lac_status over_subsets(kid *k, double *value, double *std)
{
    const int64_t n = k->config->subsets;
    lac_random_state random;
    double sum = 0, square = 0, *each;
    LAC_TRY(lac_malloc((void **)&each, (size_t)n * sizeof *each));
    lac_random_state_init(&random, k->config->seed);
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        choose(k, &random, 0);
        choose(k, &random, 1);
        s = estimate(k, &each[i]);
        sum += each[i];
    }
    *value = sum / (double)n;
    for (int64_t i = 0; i < n && s == LAC_OK; i++)
        square += (each[i] - *value) * (each[i] - *value);
    *std = sqrt(square / (double)n);
    free(each);
    return s;
}

static lac_status all_samples(kid *k, double *value, double *std)
{
    *std = 0;
    for (int set = 0; set < 2; set++)
        for (int64_t i = 0; i < k->count[set]; i++)
            k->chosen[set][i] = k->place[set][i];
    return estimate(k, value);
}

static lac_status check(kid *k)
{
    const lac_kid_config *c = k->config;
    for (int set = 0; set < 2; set++) {
        k->size[set] = c->subsets > 0 ? c->subset_size : k->count[set];
        if (k->size[set] > k->count[set])
            return LAC_FAIL(LAC_ERR_ARG, "subset_size %lld is more than the %lld samples of set '%c'", (long long)k->size[set], (long long)k->count[set], "ab"[set]);
        if (k->size[set] < 2)
            return LAC_FAIL(LAC_ERR_ARG, "%lld samples of set '%c': a kernel distance wants 2 at least", (long long)k->size[set], "ab"[set]);
    }
    return LAC_OK;
}

static lac_status make_room(kid *k)
{
    const size_t most = (size_t)LAC_MAX(k->size[0], k->size[1]), tile = LAC_MIN(TILE, most), d = (size_t)k->set[0]->d;
    for (int set = 0; set < 2; set++)
        LAC_TRY(lac_malloc((void **)&k->chosen[set], (size_t)k->size[set] * sizeof(int64_t)));
    LAC_TRY(lac_malloc((void **)&k->order, (size_t)LAC_MAX(k->count[0], k->count[1]) * sizeof(int64_t)));
    LAC_TRY(lac_malloc((void **)&k->x, tile * d * sizeof(double)));
    LAC_TRY(lac_malloc((void **)&k->y, tile * d * sizeof(double)));
    LAC_TRY(lac_malloc((void **)&k->gram, tile * tile * sizeof(double)));
    return lac_malloc((void **)&k->sum, tile * sizeof(double));
}

static lac_status run(kid *k, double *value, double *std)
{
    for (int set = 0; set < 2; set++)
        LAC_TRY(lac_samples_places(k->set[set], &k->place[set], &k->count[set]));
    LAC_TRY(check(k));
    LAC_TRY(make_room(k));
    return k->config->subsets > 0 ? over_subsets(k, value, std) : all_samples(k, value, std);
}

lac_status lac_kid(double *value, double *std, const lac_samples *a, const lac_samples *b, const lac_kid_config *config)
{
    if (a->d != b->d)
        return LAC_FAIL(LAC_ERR_SHAPE, "features of %lld and of %lld numbers", (long long)a->d, (long long)b->d);
    kid k = { .config = config, .set = { a, b }, .gamma = isnan(config->gamma) ? 1.0 / (double)a->d : config->gamma };
    const lac_status s = run(&k, value, std);
    for (int set = 0; set < 2; set++) {
        free(k.place[set]);
        free(k.chosen[set]);
    }
    free(k.order);
    free(k.x);
    free(k.y);
    free(k.gram);
    free(k.sum);
    return s;
}
