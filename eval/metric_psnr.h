/* eval/metric_psnr.h -- peak signal-to-noise ratio of one picture, in dB:
 *
 *     PSNR = 10 log10(255^2 / MSE)        MSE over the region's pixels and channels, range 255
 *
 * Undefined for pictures that are equal in the region. BrushNet's own stands on lac_mse_brushnet (4.77 dB lower) and
 * writes 1000 where that is below 1e-10; it is undefined only without a known pixel. */
#pragma once

#include "eval/metric.h"

enum { LAC_PSNR, LAC_PSNR_BRUSHNET };

lac_value lac_psnr(const lac_pair *p, lac_region region);
lac_value lac_psnr_brushnet(const lac_pair *p);
lac_status lac_psnr_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
