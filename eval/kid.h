/* eval/kid.h -- kernel distance between two sets of features (KID: arXiv:1801.01401, eq. 4 and sec. 4), the unbiased square of their maximum mean
 * discrepancy:
 *
 *     sum_{i != j} k(x_i, x_j) / (n (n - 1)) + sum_{i != j} k(y_i, y_j) / (m (m - 1)) - 2 sum k(x_i, y_j) / (n m)
 *
 * with k = (gamma x.y + coef0)^degree or exp(-|x - y|^2 / (2 sigma^2)), in f64; mean and population deviation over subsets drawn without
 * replacement as torch-fidelity 0.4 draws them: one RandomState for all, and in each subset first of a, then of b. */
#pragma once

#include "eval/samples.h"

typedef struct lac_kid_config {
    bool rbf;
    int64_t degree;             /* at least 1 */
    double gamma;               /* NaN: 1 / d */
    double coef0, sigma;
    int64_t subsets;            /* 0: one value of all samples, without deviation */
    int64_t subset_size;
    uint32_t seed;
} lac_kid_config;

#define LAC_KID_CONFIG { .degree = 3, .gamma = NAN, .coef0 = 1, .sigma = 10, .subsets = 100, .subset_size = 1000, .seed = 2020 }

/* Rows count as often as their weights say. LAC_ERR_ARG for a subset larger than a set (names both numbers) or fewer than two samples. */
lac_status lac_kid(double *value, double *std, const lac_samples *a, const lac_samples *b, const lac_kid_config *config);
