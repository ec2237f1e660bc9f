/* eval/metric_distributions.h -- distances between the features of two sets of pictures as metrics of the set (eval/metric.h): rows of samples by their
 * weights, or the moments of a cached reference. Too few samples, and a cache that lacks what is wanted, are undefined values. */
#pragma once

#include "eval/metric.h"

lac_status lac_frechet_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);           /* eval/frechet.h, ddof 1 */
lac_status lac_kid_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);               /* eval/kid.h, by the settings */
lac_status lac_inception_score_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);   /* eval/inception_score.h, of pictures */

enum { LAC_PRECISION, LAC_RECALL };                                                                             /* def->variant */
lac_status lac_precision_recall_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);  /* k = 3 */

enum { LAC_P_IDS, LAC_U_IDS };                                                                                  /* def->variant */
lac_status lac_p_ids_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);             /* eval/p_ids.h; row i of both is a pair */

/* The part of a pair that Local FID sees. None with a side under 8.
 *
 * _box:        the least box that holds the mask's hole; _alone: with grey (127) around the hole
 * _square:     a square about that box's middle, moved inside the picture, and no larger than it: its side is the box's longer one, _5_4 and _3_2 times that
 * annotated:   the box that is said of the picture, from the picture it was drawn in, out to whole pixels */
lac_crop_of lac_hole_box, lac_hole_alone, lac_hole_square, lac_hole_square_5_4, lac_hole_square_3_2, lac_annotated_box;
