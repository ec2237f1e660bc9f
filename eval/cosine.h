/* eval/cosine.h -- embeddings compared, in f64. A vector of zeros has no direction: NaN. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

double lac_cosine(const double *a, const double *b, int64_t n);
/* cos(b/|b| - a/|a|, d/|d| - c/|c|): pictures a, b before and after, texts c, d likewise (CLIP's directional similarity). */
double lac_cosine_of_changes(const double *a, const double *b, const double *c, const double *d, int64_t n);
/* Mean over the tokens [n, width] that mask has (any but 0) of cos(a, b), each over max(|a| |b|, 1e-8). plus_one: their sum over how many they are and one, as
 * CAT-Diffusion's code has it. NaN without a token otherwise. */
double lac_masked_cosine(const float *a, const float *b, const float *mask, int64_t n, int64_t width, bool plus_one);
