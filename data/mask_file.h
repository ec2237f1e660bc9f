/* data/mask_file.h -- fixed masks, one below the other in a grey PNG: width W, height n W, white (128 and more) is the hole.
 *
 * Evaluation masks are such a file, made once and named in every result by its hash, never the training sampler. The k-th
 * record of a split takes mask k mod n. */
#pragma once

#include "core/sha256.h"
#include "core/status.h"

typedef struct lac_mask_file { int64_t n, size; uint8_t *pixels; char hash[LAC_SHA256_HEX]; } lac_mask_file;    /* [n, size, size], 1 = hole */

lac_status lac_mask_file_load(lac_mask_file *m, const char *path);
void lac_mask_file_free(lac_mask_file *m);
/* masks [n, size, size], not 0 = hole. */
lac_status lac_mask_file_save(const char *path, const uint8_t *masks, int64_t n, int64_t size);
