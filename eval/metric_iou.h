/* eval/metric_iou.h -- how well two masks agree (metrics.md 8): pictures of which what is 128 and above is inside, as grey by Pillow's convert("L").
 *
 *     IoU = |a and b| / |a or b|                       1 for two empty masks; its mean over pictures is the mIoU
 *     cIoU = sum |a and b| / sum |a or b|              of all pictures together: each picture's IoU counts by its union
 *     P@t = share of pictures with IoU > t */
#pragma once

#include "eval/metric.h"

enum { LAC_IOU, LAC_IOU_ABOVE };        /* above: 1 where it is above def->range, else 0 */

lac_status lac_iou_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
lac_status lac_c_iou_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);
