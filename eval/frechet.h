/* eval/frechet.h -- Frechet distance between two sets of features taken as normal distributions (FID: arXiv:1706.08500, eq. 6):
 *
 *     |mu1 - mu2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)
 *
 * The last trace is the sum of the singular values of F1 F2', where S = F' F: no root of a matrix that has none, no eigenvalues of products, and
 * digits that a covariance of fewer samples than features would lose (identical sets give 0 to rounding). F are the centred samples over
 * sqrt(n - ddof) where there are no more of them than features, else a factor of the covariance (core/dense/dense.h). */
#pragma once

#include "eval/samples.h"

/* A set as a normal distribution. */
typedef struct lac_gaussian {
    int64_t d, rank;
    double *mean, *factor;          /* [d]; F [rank, d] */
    double trace;                   /* of the covariance */
} lac_gaussian;

/* Of samples, by their weights; two passes. In blocks: beside the result it wants room for one covariance. LAC_ERR_ARG says so when fewer than two
 * samples count; LAC_ERR_NONFINITE for features that are no numbers. */
lac_status lac_gaussian_of_rows(lac_gaussian *g, const lac_samples *rows, int ddof);
/* Of a mean [d] and a covariance [d, d], symmetric (the mean of both halves is taken). */
lac_status lac_gaussian_of_moments(lac_gaussian *g, const double *mean, const double *covariance, int64_t d);
void lac_gaussian_free(lac_gaussian *g);            /* zeroes are fine */

/* mean [d], covariance [d, d] of samples: what a cache of statistics holds. */
lac_status lac_samples_moments(const lac_samples *rows, int ddof, double *mean, double *covariance);

typedef struct lac_frechet { double value, mean_term, trace_term; } lac_frechet;    /* value = mean_term + trace_term, not clamped at 0 */
/* LAC_ERR_SHAPE when their ds differ. */
lac_status lac_frechet_distance(lac_frechet *f, const lac_gaussian *a, const lac_gaussian *b);
