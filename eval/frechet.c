#include "eval/frechet.h"

#include "core/dense/dense.h"
#include "core/memory.h"
#include "core/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024 };          /* rows at a time */

static double count_of(const lac_samples *r)
{
    double n = 0;
    for (int64_t i = 0; i < r->n; i++)
        n += lac_samples_weight(r, i);
    return n;
}

static int64_t present(const lac_samples *r)
{
    int64_t n = 0;
    for (int64_t i = 0; i < r->n; i++)
        n += lac_samples_weight(r, i) != 0;
    return n;
}

static lac_status mean_of(const lac_samples *r, double count, double *mean)
{
    double *row;
    LAC_TRY(lac_malloc((void **)&row, (size_t)r->d * sizeof *row));
    memset(mean, 0, (size_t)r->d * sizeof *mean);
    for (int64_t i = 0; i < r->n; i++) {
        const double w = lac_samples_weight(r, i);
        lac_samples_get(r, i, row);
        for (int64_t k = 0; k < r->d && w != 0; k++)
            mean[k] += w * row[k];
    }
    free(row);
    for (int64_t k = 0; k < r->d; k++)
        if (!isfinite(mean[k] /= count))
            return LAC_FAIL(LAC_ERR_NONFINITE, "feature %lld is no number in every sample", (long long)k);
    return LAC_OK;
}

/* sqrt(weight / by) (row - mean) of those rows from..to that count, one after the other; how many. */
static int64_t centred(const lac_samples *r, int64_t from, int64_t to, const double *mean, double by, double *x)
{
    int64_t n = 0;
    for (int64_t i = from; i < to; i++) {
        const double root = sqrt(lac_samples_weight(r, i) / by);
        double *row = x + n * r->d;
        if (root == 0)
            continue;
        lac_samples_get(r, i, row);
        for (int64_t k = 0; k < r->d; k++)
            row[k] = root * (row[k] - mean[k]);
        n++;
    }
    return n;
}

static lac_status covariance_of(const lac_samples *r, const double *mean, double by, double *covariance)
{
    double *x;
    LAC_TRY(lac_malloc((void **)&x, (size_t)(LAC_MIN(BLOCK, r->n) * r->d) * sizeof *x));
    memset(covariance, 0, (size_t)(r->d * r->d) * sizeof *covariance);
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < r->n; i += BLOCK) {
        const int64_t n = centred(r, i, LAC_MIN(r->n, i + BLOCK), mean, by, x);
        const lac_dense turned = { x, r->d, n, 1, r->d };
        if (n > 0)
            s = lac_dense_multiply_by(covariance, &turned, &turned, LAC_DENSE_PRODUCT, true);
    }
    free(x);
    return s;
}

static lac_status check_count(const lac_samples *r, double *count)
{
    *count = count_of(r);
    return *count >= 2 ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "%g samples: a covariance wants 2 at least", *count);
}

lac_status lac_samples_moments(const lac_samples *r, int ddof, double *mean, double *covariance)
{
    double count;
    LAC_TRY(check_count(r, &count));
    LAC_TRY(mean_of(r, count, mean));
    return covariance_of(r, mean, count - ddof, covariance);
}

static lac_status new_gaussian(lac_gaussian *g, int64_t d)
{
    *g = (lac_gaussian){ .d = d };
    return lac_malloc((void **)&g->mean, (size_t)d * sizeof *g->mean);
}

void lac_gaussian_free(lac_gaussian *g)
{
    free(g->mean);
    free(g->factor);
    *g = (lac_gaussian){ .d = 0 };
}

static double trace_of(const double *covariance, int64_t d)
{
    double sum = 0;
    for (int64_t k = 0; k < d; k++)
        sum += covariance[k * d + k];
    return sum;
}

static lac_status from_samples(lac_gaussian *g, const lac_samples *r, double by)
{
    LAC_TRY(lac_malloc((void **)&g->factor, (size_t)(present(r) * g->d) * sizeof *g->factor));
    g->rank = centred(r, 0, r->n, g->mean, by, g->factor);
    for (int64_t i = 0; i < g->rank * g->d; i++)
        g->trace += g->factor[i] * g->factor[i];
    return LAC_OK;
}

static lac_status from_covariance(lac_gaussian *g, const lac_samples *r, double by)
{
    double *covariance;
    LAC_TRY(lac_malloc((void **)&covariance, (size_t)(g->d * g->d) * sizeof *covariance));
    lac_status s = covariance_of(r, g->mean, by, covariance);
    g->trace = trace_of(covariance, g->d);
    if (s == LAC_OK)
        s = lac_dense_factor(covariance, g->d, &g->factor, &g->rank);
    free(covariance);
    return s;
}

static lac_status of_rows(lac_gaussian *g, const lac_samples *r, int ddof)
{
    double count;
    LAC_TRY(check_count(r, &count));
    LAC_TRY(new_gaussian(g, r->d));
    LAC_TRY(mean_of(r, count, g->mean));
    return present(r) <= r->d ? from_samples(g, r, count - ddof) : from_covariance(g, r, count - ddof);
}

lac_status lac_gaussian_of_rows(lac_gaussian *g, const lac_samples *rows, int ddof)
{
    *g = (lac_gaussian){ .d = 0 };
    const lac_status s = of_rows(g, rows, ddof);
    if (s != LAC_OK)
        lac_gaussian_free(g);
    return s;
}

static lac_status of_moments(lac_gaussian *g, const double *mean, const double *covariance, int64_t d)
{
    double *a;
    LAC_TRY(new_gaussian(g, d));
    memcpy(g->mean, mean, (size_t)d * sizeof *mean);
    LAC_TRY(lac_malloc((void **)&a, (size_t)(d * d) * sizeof *a));
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            a[i * d + j] = (covariance[i * d + j] + covariance[j * d + i]) / 2;
    g->trace = trace_of(a, d);
    const lac_status s = isfinite(g->trace) ? lac_dense_factor(a, d, &g->factor, &g->rank) : LAC_FAIL(LAC_ERR_NONFINITE, "the covariance's trace is %g", g->trace);
    free(a);
    return s;
}

lac_status lac_gaussian_of_moments(lac_gaussian *g, const double *mean, const double *covariance, int64_t d)
{
    *g = (lac_gaussian){ .d = 0 };
    const lac_status s = of_moments(g, mean, covariance, d);
    if (s != LAC_OK)
        lac_gaussian_free(g);
    return s;
}

static lac_status trace_of_root(const lac_gaussian *a, const lac_gaussian *b, double *trace)
{
    const lac_dense x = lac_dense_rows(a->factor, a->rank, a->d), y = lac_dense_rows(b->factor, b->rank, b->d);
    double *product;
    LAC_TRY(lac_malloc((void **)&product, (size_t)(a->rank * b->rank) * sizeof *product));
    lac_status s = lac_dense_multiply_by(product, &x, &y, LAC_DENSE_PRODUCT, false);
    if (s == LAC_OK)
        s = lac_dense_nuclear_norm(product, a->rank, b->rank, trace);
    free(product);
    return s;
}

lac_status lac_frechet_distance(lac_frechet *f, const lac_gaussian *a, const lac_gaussian *b)
{
    double root;
    *f = (lac_frechet){ .mean_term = 0 };
    if (a->d != b->d)
        return LAC_FAIL(LAC_ERR_SHAPE, "features of %lld and of %lld numbers", (long long)a->d, (long long)b->d);
    for (int64_t k = 0; k < a->d; k++)
        f->mean_term += (a->mean[k] - b->mean[k]) * (a->mean[k] - b->mean[k]);
    LAC_TRY(trace_of_root(a, b, &root));
    f->trace_term = a->trace + b->trace - 2 * root;
    f->value = f->mean_term + f->trace_term;
    return LAC_OK;
}
