/* eval/metric_reward.h -- what networks that learned people's judgement say of a picture; each gives one number, and that is the value.
 *
 *     aesthetic-v1, -v2     LAION's predictors, of the picture alone (eval/features_aesthetic.c)
 *     image-reward          ImageReward of picture and caption, about N(0, 1) (eval/features_image_reward.c); BrushNet prints ten times that
 *     hps-v2, hps-v2.1      the cosine of HPS's embeddings of picture and caption (eval/features_hps.c); tables print a hundred times that. Versions do not compare */
#pragma once

#include "eval/metric.h"

lac_status lac_reward_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
