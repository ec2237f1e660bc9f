/* eval/metric_ms_ssim.h -- structural similarity over five scales (Wang, Simoncelli, Bovik 2003).
 *
 *     MS-SSIM = SSIM_5^0.1333 * product over s = 1..4 of CS_s^w_s        w = 0.0448, 0.2856, 0.3001, 0.2363
 *
 * SSIM and its contrast-structure factor CS are those of eval/metric_ssim.h, each the mean of its map over pixels and channels together and not below 0.
 * From scale to scale pictures are halved: means of 2x2, an odd last row or column dropped.
 *
 *     valid      only windows inside the picture
 *     reflect    mirrored borders; the CS map loses 5 pixels on each side (torchmetrics)
 *
 * Of whole pictures; undefined for a side under 176. */
#pragma once

#include "eval/metric.h"

enum { LAC_MS_SSIM_SIDE = 176 };

/* variant: LAC_SSIM_VALID or LAC_SSIM_REFLECT. Fails only for want of memory. */
lac_status lac_ms_ssim(const lac_pair *p, int variant, lac_value *value);
lac_status lac_ms_ssim_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
