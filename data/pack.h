/* data/pack.h -- writes a packed set (data/set.h), record by record.
 *
 *     lac_pack_new(&p, "set.h5", "places2")  ->  lac_pack_add(p, &record, bytes) ...  ->  lac_pack_finish(p)
 *
 * Encoded bytes wait in an unnamed file beside the target until the number of records is known; the set appears whole or not at all. */
#pragma once

#include "data/set.h"

typedef struct lac_pack lac_pack;

/* title NULL: the target's name without folder and ending. */
lac_status lac_pack_new(lac_pack **p, const char *path, const char *title);
/* Everything of r is copied; offset and digest are filled in here, length says how many bytes. Texts may be NULL for "". Bytes that are those of the record
 * before, in the same group, are stored once. */
lac_status lac_pack_add(lac_pack *p, const lac_record *r, const void *bytes);
/* A part of the record added last; of one kind they keep their order, and kinds may come in any. Label and bytes are copied, a box is cut off at
 * the picture's border, record, offset and digest are filled in here. LAC_ERR_FORMAT, and nothing added, for a part that cannot be: a label or caption that
 * is too long or no UTF-8, a box outside the picture. */
lac_status lac_pack_part(lac_pack *p, const lac_part *part, const void *bytes);
/* SHA-256 of the manifest that chose the records' objects: goes into the set. */
void lac_pack_selection(lac_pack *p, const char hash[LAC_SHA256_HEX]);
int64_t lac_pack_count(const lac_pack *p);
/* Writes and commits; ends p whatever comes of it. LAC_ERR_ARG when nothing was added. */
lac_status lac_pack_finish(lac_pack *p);
void lac_pack_free(lac_pack *p);                    /* instead of _finish: the target stays as it was */

/* Encoded bytes made smaller: when the longer side is above max_side (0: never), the picture is shrunk to it and encoded anew,
 * as PNG if it has alpha or was a PNG, else as JPEG of quality 95. *bytes (malloc) is replaced; height and width are what it has now. */
lac_status lac_pack_shrink(uint8_t **bytes, size_t *size, int64_t max_side, bool alpha, int64_t *height, int64_t *width, const char *name);

/* Encoded bytes of another size: both sides brought to `side` by Pillow's bicubic, whatever the shape was, and encoded as PNG; 0, or a picture of that size: as
 * they are. */
lac_status lac_pack_squash(uint8_t **bytes, size_t *size, int64_t side, int64_t *height, int64_t *width, const char *name);
