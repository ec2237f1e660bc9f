/* eval/metric_clip.h -- how well a picture fits its prompt, by the cosine of CLIP's embeddings (eval/features_clip.c):
 *
 *     clip-score        100 cos, of a set not below 0; the raw caption (torchmetrics' CLIPScore; BrushNet with ViT-L/14)
 *     clipscore-w2.5    2.5 max(cos, 0), the caption behind "A photo depicts " (Hessel et al. 2021)
 *
 * Undefined without a caption. */
#pragma once

#include "eval/metric.h"

enum { LAC_CLIP_100, LAC_CLIP_W25 };        /* def->variant */

lac_status lac_clip_score_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
lac_status lac_clip_score_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);
