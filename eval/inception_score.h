/* eval/inception_score.h -- Inception score (arXiv:1606.03498, sec. 4): exp of the mean over samples of KL(p(y | x) | p(y)), p the softmax of the logits
 * and p(y) its mean; mean and deviation over splits, contiguous chunks [i n / splits, (i + 1) n / splits) of the samples' order or of
 * RandomState(seed).permutation(n) (torch-fidelity 0.4). All in f64. */
#pragma once

#include "eval/samples.h"

typedef struct lac_is_config { int64_t splits; bool shuffle; uint32_t seed; int ddof; } lac_is_config;

#define LAC_IS_CONFIG { .splits = 10, .shuffle = true, .seed = 2020 }

/* logits: without a bias, by the definition of the published score. Rows count as often as their weights say. LAC_ERR_ARG for fewer samples than
 * splits. std is NaN where ddof leaves nothing to divide by. */
lac_status lac_inception_score(double *value, double *std, const lac_samples *logits, const lac_is_config *config);
