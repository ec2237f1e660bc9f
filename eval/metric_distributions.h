/* eval/metric_distributions.h -- distances between the features of two sets of pictures as metrics of the set (eval/metric.h): rows of samples by their
 * weights, or the moments of a cached reference. Too few samples, and a cache that lacks what is wanted, are undefined values. */
#pragma once

#include "eval/metric.h"

lac_status lac_frechet_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);           /* eval/frechet.h, ddof 1 */
lac_status lac_kid_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);               /* eval/kid.h, by the settings */
lac_status lac_inception_score_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);   /* eval/inception_score.h, of pictures */

enum { LAC_PRECISION, LAC_RECALL };                                                                             /* def->variant */
lac_status lac_precision_recall_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);  /* k = 3 */

/* The part of a pair that Local FID sees: the least box that holds the mask's hole. None with a side under 8. */
const char *lac_hole_box(const lac_pair *p, lac_cutout *box);
