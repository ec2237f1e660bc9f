/* eval/metric_imagined.h -- how near an inpainter that imagines features before it paints comes to those of the truth (lac_inpainter_def.imagine).
 *
 *     sem-cosine          mean over the hole's tokens of cos(what it says, the truth's features): CAT-Diffusion's SemInpainter, published 0.65
 *     sem-cosine-input    the same of the features of the picture with its hole, which it begins with: published 0.47
 *
 * A picture's value is the mean over its tokens, without the one more in the denominator that the released code has. */
#pragma once

#include "eval/metric.h"

enum { LAC_IMAGINED_SAID, LAC_IMAGINED_SEEN };          /* def->variant */

lac_status lac_imagined_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
