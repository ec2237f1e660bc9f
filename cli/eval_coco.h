/* cli/eval_coco.h -- lacuna eval --ground-truth FILE --detections FILE: COCO's AP and AR (eval/coco_ap.h) of a detector's results, as a file. */
#pragma once

#include "core/status.h"

typedef struct lac_eval_coco_wish { const char *ground_truth, *detections, *iou_type, *out; } lac_eval_coco_wish;

/* Writes OUT.json: "metrics" by name, each with value, n (images), recipe and, where there is no ground truth of its kind, a reason; "files" with their hashes and
 * counts. Tells on stdout what it found, on stderr what was not scored. */
lac_status lac_eval_coco(const lac_eval_coco_wish *w);
