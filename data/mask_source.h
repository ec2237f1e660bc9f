/* data/mask_source.h -- where a batch's masks come from, by one word of a config:
 *
 *     union, brush, ...   a generator of data/mask.h: a function of the sample's counter
 *     file:NAME           fixed masks (data/mask_file.h): the k-th record of a split takes mask k mod n
 *     object              an object of the record (data/set.h), drawn by the counter, its mask cut as the picture is; half a pixel covered is hole,
 *                         and where nothing is so much as that, whatever is covered at all. `around` of the loader keeps it in the window
 *     object+N            the same, grown by N pixels of the batch to all sides: object+2 is a dilation by 5 x 5
 *     object-box          the rectangle around that mask
 *     whole, none         all of the picture, or nothing of it
 *     A|B                 one of these, drawn by the counter, up to four: object+2|object-box is what CAT-Diffusion trains on
 *
 * A mask is u8 [size, size], 1 = hole. */
#pragma once

#include "data/mask.h"

struct lac_sample;
typedef struct lac_mask_source lac_mask_source;

/* Where a set or mask file named in a config lies; *path is fresh. */
typedef lac_status lac_mask_locate(void *context, const char *name, char **path);

/* word as above; locate NULL: the file's name is its path. size: side of the pictures. params: a generator's; NULL: its defaults.
 * LAC_ERR_CONFIG for a generator that is not known, or a file whose masks are of another size. */
lac_status lac_mask_source_open(lac_mask_source **m, const char *word, int64_t size, const lac_mask_params *params, lac_mask_locate *locate, void *context);
void lac_mask_source_close(lac_mask_source *m);

/* Whether a word is one of these; what is not may be the bare name of a file. */
bool lac_mask_source_knows(const char *word);

/* Whether masks of that word belong to the record, whatever the sample: fixed ones, and those of its object where it has but one. */
bool lac_mask_source_of_record(const char *word);

/* What results say of them: a file's content by its hash, anything else by its name. */
unsigned lac_mask_source_needs(const lac_mask_source *m);      /* of a record: LAC_NEEDS_... of data/field.h */
const char *lac_mask_source_about(const lac_mask_source *m);

lac_status lac_mask_source_make(const lac_mask_source *m, const struct lac_sample *s, uint8_t *to);
