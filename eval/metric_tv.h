/* eval/metric_tv.h -- total variation of the picture (the reference is not read):
 *
 *     TV = range / 255 * (mean |x[i, j + 1] - x[i, j]| + mean |x[i + 1, j] - x[i, j]|)
 *
 * each mean over its neighbour pairs and channels; in a region, over the pairs that lie in it with both pixels. Undefined
 * where one of the two directions has no pair. */
#pragma once

#include "eval/metric.h"

lac_value lac_tv(const lac_pair *p, lac_region region, double range);
lac_status lac_tv_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
