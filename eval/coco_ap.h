/* eval/coco_ap.h -- COCO's average precision and recall (cocodataset/cocoapi, COCOeval; metrics.md 8): of boxes, masks or key points.
 *
 * Detections of an image and category, the best score first, take one after the other the ground truth of the largest IoU (or OKS) above a
 * threshold that is still free; crowds, key points of which none is labelled and objects outside the range of areas neither count nor harm. Precision is
 * sampled at 101 recalls and averaged over thresholds .5, .55, ..., .95 and categories.
 *
 * As COCOeval has it: an annotation whose id is 0 is matched by nobody (0 is its word for "no match"); an `ignore` of the file is not looked at. A
 * detection's own `area` stands where the file gives it. */
#pragma once

#include "core/status.h"

typedef enum { LAC_COCO_BBOX, LAC_COCO_SEGM, LAC_COCO_KEYPOINTS } lac_coco_sort;
#define LAC_COCO_WORDS "bbox|segm|keypoints"

enum { LAC_COCO_STATS = 12 };

typedef struct lac_coco_result {
    double stats[LAC_COCO_STATS];
    int64_t n;                                      /* of stats */
    int64_t images, objects, detections;            /* that the files list */
    int64_t unlisted, first_unlisted;               /* detections of categories that the ground truth does not list, which nobody scores, and the place of the first */
} lac_coco_result;

/* Statistic i of result->stats: "ap", "ap50", ..., "ar100"; and how it is made. */
const char *lac_coco_stat_name(lac_coco_sort sort, int64_t i);
lac_status lac_coco_stat_recipe(lac_coco_sort sort, int64_t i, char **recipe);          /* fresh */

/* stats, -1 where there is no ground truth. Boxes and masks, 12: AP, AP50, AP75, AP small, medium, large, AR of 1, 10 and 100 detections, AR small,
 * medium, large. Key points, 10: AP, AP50, AP75, AP medium, large, and AR likewise.
 * LAC_ERR_IO, LAC_ERR_FORMAT: a file or record that is not as data/coco.h wants it, lacks what the sort compares, or a detection of an image that
 * the ground truth does not list. */
lac_status lac_coco_ap(const char *ground_truth, const char *detections, lac_coco_sort sort, lac_coco_result *result);
