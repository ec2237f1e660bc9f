/* eval/precision_recall.h -- improved precision and recall of a set of features (arXiv:1904.06991, eq. 1 and 2): a sample's ball reaches to its k-th
 * nearest neighbour in its own set, itself left out. Precision is the share of a's samples (made) inside a ball of b's (real), recall the share of
 * b's inside a ball of a's; on the border is inside. Distances are sums of squares of differences in f64: no digits are lost as by their expansion. */
#pragma once

#include "eval/samples.h"

typedef struct lac_precision_recall { double precision, recall, f_score; } lac_precision_recall;      /* f_score = 2 p r / max(1e-5, p + r) */

/* Rows count as often as their weights say. LAC_ERR_ARG when a set has no k-th neighbour: k samples or fewer. */
lac_status lac_precision_recall_of(lac_precision_recall *v, const lac_samples *a, const lac_samples *b, int64_t k);
