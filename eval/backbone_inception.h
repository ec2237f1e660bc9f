/* eval/backbone_inception.h -- the Inception network of FID (models/inception/) for everything that stands on it: loaded once, and run once for each picture
 * and recipe, for all that is wanted of it by that recipe. What it makes of a picture depends on no other picture; weights "inception". */
#pragma once

#include "eval/backbones.h"
#include "eval/features.h"
#include "models/inception/inception.h"
#include "models/inception/input.h"

typedef struct lac_inception_backbone lac_inception_backbone;

/* The evaluation's one, which from now on gives `depth` too of pictures of this recipe. */
lac_status lac_inception_backbone_get(const lac_features *f, lac_inception_recipe recipe, lac_inception_depth depth, lac_inception_backbone **i);

int64_t lac_inception_width(lac_inception_depth depth);         /* numbers of a picture: 64, 192, 768, 2048, 1008 logits without their bias */

/* feature [n][width of depth] of n pictures of any size. */
lac_status lac_inception_backbone_see(lac_inception_backbone *i, const lac_picture *picture, int64_t n, lac_inception_recipe recipe, lac_inception_depth depth, float *feature);
