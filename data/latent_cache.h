/* data/latent_cache.h -- what a frozen encoder makes of the pictures of a split, or of texts, kept in files: made once, read in every step.
 *
 * A cache is a folder named by the SHA-256 of a text, `about`, that says all that its rows are a function of: the set's manifest, which records, how they are cut,
 * the masks, the encoder and its weights. In it lie files of some hundred records each, NNNNN.safetensors:
 *
 *     states    [texts, ids, channels]                of texts (train/texts.h); else
 *     moments   [records * views, h, w, channels]     of pictures; rows by place in the split's order; views: 1, or 2: as it is, then flipped
 *     features  [records * views, tokens, channels]   or, in place of those, what an image tower says of them
 *     around    as either                             of the picture with its hole filled
 *     whole     one row of it                         in file 0, with `around`: of a picture that is hole altogether
 *
 * as f32 or bf16: in what the encoder computed, so nothing is rounded; 64 KB for 512 x 512 by eight in bf16. Moments, not samples: what is drawn of a posterior is
 * drawn anew in every step. A file that is not of this text, or is cut off, is as one that is not there. Files are there whole or not at all, each is made
 * by one process, and any number of processes read them. */
#pragma once

#include "core/tensor.h"

typedef enum { LAC_LATENT_PICTURE, LAC_LATENT_AROUND, LAC_LATENT_KINDS } lac_latent_kind;

/* What may be kept of pictures, each in a cache of its own. */
typedef enum { LAC_LATENT_MOMENTS, LAC_LATENT_FEATURES, LAC_LATENT_SORTS } lac_latent_sort;

typedef struct lac_latent_layout {
    const char *about;
    int64_t records, views;
    lac_shape one;                              /* of a row: h, w, channels; ids, channels */
    const char *name;                           /* of the pictures' rows in the files: "moments" */
    lac_dtype dtype;
    bool kept[LAC_LATENT_KINDS];
    int64_t each;                               /* records of a file; 0: as many as are 64 MiB, or more where that were above 256 files; a multiple of 8 */
} lac_latent_layout;

typedef struct lac_latent_cache lac_latent_cache;

/* Looks at what there is below `folder`; nothing need be. */
lac_status lac_latent_cache_open(lac_latent_cache **c, const char *folder, const lac_latent_layout *layout);
void lac_latent_cache_close(lac_latent_cache *c);

const char *lac_latent_cache_folder(const lac_latent_cache *c);
int64_t lac_latent_cache_records(const lac_latent_cache *c);
int64_t lac_latent_cache_bytes(const lac_latent_cache *c);              /* of all files when they are there, headers left out */
int64_t lac_latent_cache_files(const lac_latent_cache *c);
bool lac_latent_cache_has(const lac_latent_cache *c, int64_t file);
void lac_latent_cache_range(const lac_latent_cache *c, int64_t file, int64_t *from, int64_t *n);       /* its records */

/* Makes a file: rows of its records in the layout's dtype; those that are not kept, and whole where there is none, are not read. */
lac_status lac_latent_cache_put(lac_latent_cache *c, int64_t file, const void *const rows[LAC_LATENT_KINDS], const void *whole);
/* Looks again for what was not there; LAC_ERR_IO names a file that still is not. */
lac_status lac_latent_cache_complete(lac_latent_cache *c);

/* A row as f32; every file must be there. Any thread. */
lac_status lac_latent_cache_read(const lac_latent_cache *c, lac_latent_kind kind, int64_t place, int64_t view, float *to);
lac_status lac_latent_cache_whole(const lac_latent_cache *c, float *to);
