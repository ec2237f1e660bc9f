#include "eval/inception_score.h"

#include "core/memory.h"
#include "core/random_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct work {
    const lac_samples *logits;
    int64_t *place, *order, n;
    double *x, *log_mean, *score;       /* [d] twice; [splits] */
} work;

/* x, logits, become logarithms of probabilities. */
static void log_softmax(double *x, int64_t d)
{
    double most = x[0], sum = 0;
    for (int64_t k = 1; k < d; k++)
        most = fmax(most, x[k]);
    for (int64_t k = 0; k < d; k++)
        sum += exp(x[k] - most);
    for (int64_t k = 0; k < d; k++)
        x[k] -= most + log(sum);
}

static void load(work *w, int64_t i)
{
    lac_samples_get(w->logits, w->place[w->order[i]], w->x);
    log_softmax(w->x, w->logits->d);
}

static double split(work *w, int64_t from, int64_t to)
{
    const int64_t d = w->logits->d;
    double sum = 0;
    memset(w->log_mean, 0, (size_t)d * sizeof *w->log_mean);
    for (int64_t i = from; i < to; i++) {
        load(w, i);
        for (int64_t k = 0; k < d; k++)
            w->log_mean[k] += exp(w->x[k]);
    }
    for (int64_t k = 0; k < d; k++)
        w->log_mean[k] = log(w->log_mean[k] / (double)(to - from));
    for (int64_t i = from; i < to; i++) {
        load(w, i);
        for (int64_t k = 0; k < d; k++) {
            const double p = exp(w->x[k]);
            sum += p > 0 ? p * (w->x[k] - w->log_mean[k]) : 0;      /* p log p is 0 there */
        }
    }
    return exp(sum / (double)(to - from));
}

static void summarise(const double *score, int64_t n, int ddof, double *value, double *std)
{
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; i++)
        sum += score[i];
    *value = sum / (double)n;
    for (int64_t i = 0; i < n; i++)
        square += (score[i] - *value) * (score[i] - *value);
    *std = n > ddof ? sqrt(square / (double)(n - ddof)) : NAN;
}

static lac_status run(work *w, double *value, double *std, const lac_is_config *config)
{
    lac_random_state random;
    const size_t d = (size_t)w->logits->d * sizeof(double);
    LAC_TRY(lac_samples_places(w->logits, &w->place, &w->n));
    if (w->n < config->splits)
        return LAC_FAIL(LAC_ERR_ARG, "%lld samples are fewer than %lld splits", (long long)w->n, (long long)config->splits);
    LAC_TRY(lac_malloc((void **)&w->order, (size_t)w->n * sizeof *w->order));
    LAC_TRY(lac_malloc((void **)&w->x, d));
    LAC_TRY(lac_malloc((void **)&w->log_mean, d));
    LAC_TRY(lac_malloc((void **)&w->score, (size_t)config->splits * sizeof(double)));
    lac_random_state_init(&random, config->seed);
    for (int64_t i = 0; i < w->n; i++)
        w->order[i] = i;
    if (config->shuffle)
        lac_random_state_permutation(&random, w->n, w->order);
    for (int64_t i = 0; i < config->splits; i++)
        w->score[i] = split(w, i * w->n / config->splits, (i + 1) * w->n / config->splits);
    summarise(w->score, config->splits, config->ddof, value, std);
    return LAC_OK;
}

lac_status lac_inception_score(double *value, double *std, const lac_samples *logits, const lac_is_config *config)
{
    work w = { .logits = logits };
    const lac_status s = run(&w, value, std, config);
    free(w.place);
    free(w.order);
    free(w.x);
    free(w.log_mean);
    free(w.score);
    return s;
}
