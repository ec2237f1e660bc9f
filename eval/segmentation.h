/* eval/segmentation.h -- how well masks agree (metrics.md 8): IoU of each, their mean, the IoU of all pixels together (cIoU), and the share of
 * masks above a threshold. Two empty masks agree: IoU 1. */
#pragma once

#include <stdint.h>

enum { LAC_SEGMENTATION_THRESHOLDS = 5 };       /* .5, .6, .7, .8, .9 */

typedef struct lac_segmentation {
    double mean_iou, total_iou;
    double above[LAC_SEGMENTATION_THRESHOLDS];  /* strictly */
} lac_segmentation;

/* n masks of `pixels` each, non-zero = inside; iou [n]. Without a mask all of the result is NaN. */
lac_segmentation lac_segmentation_score(const uint8_t *prediction, const uint8_t *reference, int64_t n, int64_t pixels, double *iou);
