/* eval/metric_ssim.h -- structural similarity (Wang et al. 2004), in the four conventions that are in use.
 *
 *     SSIM = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2))      C1 = (0.01 * 255)^2, C2 = (0.03 * 255)^2
 *
 * Means and (co)variances are weighted by a window, per channel; the value is the mean of the map over its pixels and the
 * channels. In a region: over the map pixels whose centre lies in it; the windows still see the whole picture.
 *
 *     valid      11x11 Gaussian, sigma 1.5; only windows inside the picture (the original; MAT, mmagic)
 *     zero       the same, zeros outside the picture, map of full size (pytorch-ssim, LaMa)
 *     reflect    the same, mirrored without repeating the border, variances not below 0 (torchmetrics >= 1.4.2)
 *     uniform7   7x7 box, sample covariance (49/48), only windows inside (scikit-image's default)
 *
 * Undefined for a side under 11 (uniform7: 7; zero: never), and when no map pixel lies in the region. */
#pragma once

#include "eval/metric.h"

enum { LAC_SSIM_VALID, LAC_SSIM_ZERO, LAC_SSIM_REFLECT, LAC_SSIM_UNIFORM7 };

/* Fails only for want of memory. */
lac_status lac_ssim(const lac_pair *p, lac_region region, int variant, lac_value *value);
lac_status lac_ssim_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
