/* eval/difference.h -- methods two by two: the mean of what one picture's value differs by, with its interval over backgrounds.
 *
 * Paired: only pictures where both methods have a value count, and how hard a picture is cancels out, so an interval that leaves out 0 says more than
 * two that do not meet. Of metrics of a whole set, what a summary says of two methods that it scored together. */
#pragma once

#include "eval/bootstrap.h"
#include "eval/pictures.h"

/* a - b by a metric of single pictures; intervals as eval/bootstrap.h draws them, over the pictures' backgrounds (where they have none, pictures). */
lac_status lac_difference(const lac_pictures *p, const char *a, const char *b, const char *metric, lac_interval *found);

/* A table of all pairs as a fragment of a page; of more than LAC_DIFFERENCE_ALL methods, the first against each other one. free() it; NULL with fewer
 * than two methods. */
enum { LAC_DIFFERENCE_ALL = 6 };
lac_status lac_differences_html(const lac_pictures *p, char **html);
