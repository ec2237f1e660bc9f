/* eval/oks.h -- COCO's similarity of key points (cocoapi, COCOeval.computeOks):
 *
 *     mean over labelled points of exp(-d^2 / (2 (2 sigma_k)^2 area))
 *
 * Points are x, y, v. Where the reference has no labelled point, d is the distance outside its box x-w .. x+2w, y-h .. y+2h, over all points. */
#pragma once

#include <stdint.h>

enum { LAC_OKS_POINTS = 17 };

extern const double lac_oks_sigmas[LAC_OKS_POINTS];     /* nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles */

/* box x, y, width, height and area are the reference's. */
double lac_oks(const double *prediction, const double *reference, const double *sigma, int64_t points, double area, const double box[4]);
