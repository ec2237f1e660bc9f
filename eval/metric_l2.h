/* eval/metric_l2.h -- the inpainting papers' l2 error: the mean square of the difference (no root), on the scale they use.
 *
 *     plain     (range / 255)^2 * sum d^2 / (3 n)
 *     per cent  100 times that */
#pragma once

#include "eval/metric.h"

enum { LAC_L2_PLAIN, LAC_L2_PERCENT };

lac_status lac_l2_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
