/* eval/bins.h -- values by how much of the picture is hole: ten bins of 10 % each, as LaMa's protocol groups them.
 *
 *     bin = floor(10 * hole pixels / pixels), everything missing falls into the last
 *
 * Integers, so a mask of exactly 30 % is in the bin that begins there. */
#pragma once

#include "core/status.h"

enum { LAC_BINS = 10 };

/* std is the sample's (n - 1), NaN under two values; mean is NaN without any. Undefined values take no part. */
typedef struct lac_bin { int64_t n; double mean, std; } lac_bin;

int lac_bin_of(int64_t holes, int64_t pixels);
/* value [n], bin_of [n] in [0, LAC_BINS). */
void lac_bin_values(lac_bin bin[LAC_BINS], const double *value, const int *bin_of, int64_t n);
