/* eval/cosine.h -- embeddings compared, in f64. A vector of zeros has no direction: NaN. */
#pragma once

#include <stdint.h>

double lac_cosine(const double *a, const double *b, int64_t n);
/* cos(b/|b| - a/|a|, d/|d| - c/|c|): pictures a, b before and after, texts c, d likewise (CLIP's directional similarity). */
double lac_cosine_of_changes(const double *a, const double *b, const double *c, const double *d, int64_t n);
