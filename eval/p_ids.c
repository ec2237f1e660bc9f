#include "eval/p_ids.h"

#include "core/dense/dense.h"
#include "core/memory.h"
#include "core/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Samples are rows (x, 1) times y: completed first, then real. */
typedef struct machine {
    int64_t pairs, n, d;            /* n = 2 pairs; d counts the bias */
    double *x, *active;             /* [n, d]; those rows of it that count now */
    double *w, *next, *step, *margin, *hessian;     /* [d] three times, [n], [d, d] */
} machine;

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    #pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/* The loss at w; margin[i] is what sample i lacks. */
static double loss(machine *m, const double *w)
{
    double sum = dot(w, w, m->d) / 2;
    LAC_PARALLEL_FOR(i, m->n)
        m->margin[i] = fmax(0, 1 - dot(m->x + i * m->d, w, m->d));
    for (int64_t i = 0; i < m->n; i++)
        sum += m->margin[i] * m->margin[i];
    return sum;
}

/* step = -(hessian's inverse) gradient at w, where margin is known; *slope their product. */
static lac_status newton(machine *m, double *slope)
{
    const int64_t d = m->d;
    int64_t active = 0;
    double *gradient = m->next;
    memcpy(gradient, m->w, (size_t)d * sizeof *gradient);
    for (int64_t i = 0; i < m->n; i++) {
        const double *row = m->x + i * d;
        if (m->margin[i] == 0)
            continue;
        memcpy(m->active + active++ * d, row, (size_t)d * sizeof *row);
        for (int64_t k = 0; k < d; k++)
            gradient[k] -= 2 * m->margin[i] * row[k];
    }
    const lac_dense turned = { m->active, d, active, 1, d };
    LAC_TRY(lac_dense_multiply_by(m->hessian, &turned, &turned, LAC_DENSE_PRODUCT, false));
    for (int64_t i = 0; i < d * d; i++)
        m->hessian[i] = 2 * m->hessian[i] + (i % (d + 1) == 0);
    for (int64_t k = 0; k < d; k++)
        m->step[k] = -gradient[k];
    LAC_TRY(lac_dense_solve(m->hessian, d, m->step));
    *slope = dot(m->step, gradient, d);
    return LAC_OK;
}

/* Half the way, until the loss falls by a share of what the slope promises; *better is false when it does not any more. */
static void advance(machine *m, double slope, double *value, bool *better)
{
    *better = false;
    for (double by = 1; by > 1e-10 && !*better; by /= 2) {
        for (int64_t k = 0; k < m->d; k++)
            m->next[k] = m->w[k] + by * m->step[k];
        const double found = loss(m, m->next);
        *better = found < *value + 1e-4 * by * slope;
        if (*better) {
            *value = found;
            memcpy(m->w, m->next, (size_t)m->d * sizeof *m->w);
        }
    }
}

static lac_status minimise(machine *m)
{
    double value = loss(m, m->w), slope;
    bool better = true;
    for (int i = 0; better && i < 500; i++) {
        LAC_TRY(newton(m, &slope));
        if (!isfinite(slope))
            return LAC_FAIL(LAC_ERR_NONFINITE, "the features hold what is no number");
        advance(m, slope, &value, &better);
    }
    return better ? LAC_FAIL(LAC_ERR_LIBRARY, "no support vector machine in 500 steps") : LAC_OK;
}

static lac_status make_room(machine *m, int64_t pairs, int64_t features)
{
    *m = (machine){ .pairs = pairs, .n = 2 * pairs, .d = features + 1 };
    const size_t n = (size_t)m->n, d = (size_t)m->d;
    double **each[] = { &m->x, &m->active, &m->hessian, &m->w, &m->next, &m->step, &m->margin };
    const size_t size[] = { n * d, n * d, d * d, d, d, d, n };
    for (size_t i = 0; i < LAC_COUNT(each); i++)
        LAC_TRY(lac_calloc((void **)each[i], size[i], sizeof(double)));
    return LAC_OK;
}

static void free_room(machine *m)
{
    free(m->x);
    free(m->active);
    free(m->hessian);
    free(m->w);
    free(m->next);
    free(m->step);
    free(m->margin);
}

static void fill(machine *m, const lac_samples *rows, int64_t from, double y)
{
    for (int64_t i = 0; i < m->pairs; i++) {
        double *row = m->x + (from + i) * m->d;
        lac_samples_get(rows, i, row);
        row[m->d - 1] = 1;
        for (int64_t k = 0; k < m->d; k++)
            row[k] *= y;
    }
}

static void judge(const machine *m, lac_p_ids *v)
{
    int64_t wrong = 0, more_real = 0;
    for (int64_t i = 0; i < m->pairs; i++) {
        const double completed = -dot(m->x + i * m->d, m->w, m->d), real = dot(m->x + (m->pairs + i) * m->d, m->w, m->d);
        wrong += (completed > 0) + !(real > 0);
        more_real += completed > real;
    }
    *v = (lac_p_ids){ (double)wrong / (double)m->n, (double)more_real / (double)m->pairs };
}

lac_status lac_p_ids_of(lac_p_ids *v, double *weight, double *bias, const lac_samples *completed, const lac_samples *real)
{
    machine m;
    if (completed->n != real->n || completed->d != real->d)
        return LAC_FAIL(LAC_ERR_SHAPE, "[%lld,%lld] completed and [%lld,%lld] real: pairs have one shape", (long long)completed->n, (long long)completed->d,
                        (long long)real->n, (long long)real->d);
    if (completed->n < 1)
        return LAC_FAIL(LAC_ERR_ARG, "no pair to tell apart");
    lac_status s = make_room(&m, completed->n, completed->d);
    if (s == LAC_OK) {
        fill(&m, completed, 0, -1);
        fill(&m, real, m.pairs, 1);
        s = minimise(&m);
    }
    if (s == LAC_OK) {
        judge(&m, v);
        memcpy(weight, m.w, (size_t)(m.d - 1) * sizeof *weight);
        *bias = m.w[m.d - 1];
    }
    free_room(&m);
    return s;
}
