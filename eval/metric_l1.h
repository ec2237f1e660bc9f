/* eval/metric_l1.h -- mean absolute error over the region's pixels and channels:
 *
 *     L1 = range / 255 * sum |image - reference| / (3 n)
 *
 * range is that of the scaled pixel values: 1, 255, or 2 for pictures in [-1, 1]. */
#pragma once

#include "eval/metric.h"

lac_value lac_l1(const lac_pair *p, lac_region region, double range);
lac_status lac_l1_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
