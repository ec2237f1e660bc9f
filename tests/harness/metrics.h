/* tests/harness/metrics.h -- a network of one layer that makes 8 numbers of a picture, and metrics that stand on it: what a feature metric, a
 * metric of the set and one of per-picture values look like. No use but for tests.
 *
 *     near[tiny]      sum (r - t)^2 of one picture's features and the truth's; their mean over the set
 *     frechet[tiny:7]      sum (mean r - mean t)^2 + (sd r - sd t)^2 over the set, f64; undefined under two pictures; weights drawn with seed 7
 *     worst@hole      the largest mean error of a picture of the set; no interval */
#pragma once

#include "eval/metric.h"

enum { LAC_TEST_FEATURES = 8 };

extern const lac_metric_list lac_test_metrics;
void lac_test_metrics_register(void);               /* once a process, whoever calls */
extern int lac_test_features_open, lac_test_features_seen;      /* instances; pictures that went through one */
