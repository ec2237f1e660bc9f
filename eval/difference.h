/* eval/difference.h -- methods two by two: the mean of what one picture's value differs by, with its interval over backgrounds.
 *
 * Paired: only pictures where both methods have a value count, and how hard a picture is cancels out, so an interval that leaves out 0 says more than
 * two that do not meet. Of metrics of a whole set, what a summary says of two methods that it scored together. */
#pragma once

#include "eval/bootstrap.h"
#include "eval/pictures.h"
#include "eval/table.h"

/* a - b by a metric of single pictures; intervals as eval/bootstrap.h draws them, over the pictures' backgrounds (where they have none, pictures). */
lac_status lac_difference(const lac_pictures *p, const char *a, const char *b, const char *metric, lac_interval *found);

/* All pairs as a table, a row each, which lac_table_free ends and every form of eval/table.h prints; of more than LAC_DIFFERENCE_ALL methods, the first against
 * each other one. Without a row where there are fewer than two methods. scores: the methods' own table, whose recipes
 * and common origin the differences have too. */
enum { LAC_DIFFERENCE_ALL = 6 };
/* Those that a summary's "differences" say, and no others, in their order. */
lac_status lac_difference_table_said(const json_t *said, const lac_table *scores, lac_table *t);
lac_status lac_difference_table(const lac_pictures *p, const lac_table *scores, lac_table *t);
