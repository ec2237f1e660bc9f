/* eval/metric_mse.h -- mean squared error over the region's pixels and channels:
 *
 *     MSE = (range / 255)^2 * sum (image - reference)^2 / (3 n)
 *
 * BrushNet's own divides by the number of known pixels, not of values, so it is three times as large; range 1, known region. */
#pragma once

#include "eval/metric.h"

enum { LAC_MSE, LAC_MSE_BRUSHNET };

lac_value lac_mse(const lac_pair *p, lac_region region, double range);
lac_value lac_mse_brushnet(const lac_pair *p);
lac_status lac_mse_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
