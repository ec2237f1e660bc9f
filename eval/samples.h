/* eval/samples.h -- features of n samples, d numbers each, as the statistics of eval/frechet.h, kid.h, inception_score.h and precision_recall.h read
 * them: f32 rows that lie anywhere (a feature cache, a metric's lac_set_rows), or one f64 matrix. All sums over them are in f64, row after row, so
 * they depend on the rows' order alone. */
#pragma once

#include "core/status.h"

typedef struct lac_samples {
    int64_t n, d;
    const float *const *f32;        /* [n] of [d]; NULL: */
    const double *f64;              /* [n, d] */
    const double *weight;           /* [n] how often each counts; NULL: once */
} lac_samples;

static inline double lac_samples_weight(const lac_samples *r, int64_t i) { return r->weight == NULL ? 1 : r->weight[i]; }

/* Row i, widened. */
static inline void lac_samples_get(const lac_samples *r, int64_t i, double *to)
{
    for (int64_t k = 0; k < r->d; k++)
        to[k] = r->f32 != NULL ? (double)r->f32[i][k] : r->f64[i * r->d + k];
}

/* Fresh places of the rows, each as often as its weight says (a whole number): 0 0 2 for weights 2, 0, 1. free(*at). */
lac_status lac_samples_places(const lac_samples *r, int64_t **at, int64_t *n);
/* Rows at[0..n) as a matrix to [n, d]. */
void lac_samples_take(const lac_samples *r, const int64_t *at, int64_t n, double *to);
