/* data/set.h -- a packed set: pictures as they were published, end to end in one HDF5 file, with a row of facts for each.
 * docs/formats.md gives the schema; data/pack.h writes it. A record may have parts: edited copies of its picture, objects in it, captions.
 *
 * lac_set_open reads the columns and learns where the blob lies; after that libhdf5 is not asked again, and bytes are read
 * with pread from any thread. Everything returned is owned by the set. */
#pragma once

#include "core/image/image.h"
#include "core/sha256.h"
#include "data/box.h"

#define LAC_SET_SCHEMA "lacuna-set-1"

typedef enum { LAC_KIND_PHOTO, LAC_KIND_OBJECT } lac_kind;      /* an object has alpha and a label */

typedef struct lac_record {
    lac_kind kind;
    int64_t height, width;
    int64_t group;              /* background (or thing) this is a variant of: intervals resample groups; variants share a split */
    int64_t offset, length;     /* of the encoded bytes, within the blob */
    const char *name;           /* path in its package or folder; that it is unique, the format that packs it sees to */
    const char *split;          /* "train", "val", ...; "" when there is one alone */
    const char *source;         /* package or folder it came from */
    const char *licence, *author, *label;       /* "" where not known */
    const uint8_t *digest;      /* SHA-256 of the encoded bytes */
} lac_record;

/* In this order behind each other. An edited picture is of the record's size; its label is the instruction that leads there, if it has one. An
 * object has a label, a box, and a mask if it has bytes: grey, of the record's size, 128 and more is the object. A caption is UTF-8. A relation's label
 * ("left of") says how the two objects stand whose places among the record's objects, from 0, are its bytes: "0 2". */
typedef enum { LAC_PART_EDITED, LAC_PART_OBJECT, LAC_PART_CAPTION, LAC_PART_RELATION, LAC_N_PARTS } lac_part_kind;
const char *lac_part_kind_name(lac_part_kind kind);

enum { LAC_CAPTION_BYTES = 1024, LAC_LABEL_BYTES = 256 };           /* with the zero at the end */

typedef struct lac_part {
    lac_part_kind kind;
    int64_t record;             /* whose it is */
    int64_t offset, length;     /* of its bytes, within the blob */
    lac_box box;                /* of an object */
    const char *label;          /* "" where there is none */
    const uint8_t *digest;      /* SHA-256 of the bytes */
} lac_part;

typedef struct lac_set lac_set;

/* LAC_ERR_FORMAT unless every column fits the others, every record and part lies inside the blob, and every part fits its record. */
lac_status lac_set_open(lac_set **set, const char *path);
void lac_set_close(lac_set *set);

int64_t lac_set_count(const lac_set *set);
const char *lac_set_path(const lac_set *set);
const char *lac_set_name(const lac_set *set);       /* "stamps", or what `pack folder` was told */
const char *lac_set_hash(const lac_set *set);       /* manifest hash, 64 hex digits: goes into every result */
const char *lac_set_selection(const lac_set *set);  /* SHA-256 of the manifest that chose its objects (data/object_manifest.h); "": there was none */
lac_record lac_set_record(const lac_set *set, int64_t id);
int64_t lac_set_find(const lac_set *set, const char *name);     /* -1 when absent */

/* Ids of the records of a split ("" for all) and kind, in id order. LAC_ERR_ARG, naming the splits there are, when it has
 * none. free(*ids). */
lac_status lac_set_select(const lac_set *set, const char *split, lac_kind kind, int64_t **ids, int64_t *n);

/* The encoded bytes; *bytes grows to *capacity as needed and is the caller's to free. Any thread. */
lac_status lac_set_read(const lac_set *set, int64_t id, uint8_t **bytes, size_t *capacity);
/* Read and decoded; the size must be the record's. Any thread. */
lac_status lac_set_decode(const lac_set *set, int64_t id, int channels, lac_image *image);

int64_t lac_set_part_count(const lac_set *set);
lac_part lac_set_part(const lac_set *set, int64_t i);
/* How many parts of that kind a record has, and the first of them; the others follow it. */
int64_t lac_set_parts(const lac_set *set, int64_t record, lac_part_kind kind, int64_t *first);
lac_status lac_set_read_part(const lac_set *set, int64_t i, uint8_t **bytes, size_t *capacity);       /* as lac_set_read */

/* What was found wrong while a set was checked or made: counted, and the first twenty by name. */
typedef void lac_set_complain(void *context, const char *name, const char *why);

typedef struct lac_verified { int64_t records, parts, bad; } lac_verified;

/* Reads and decodes every record and part, compares its digest and the manifest hash; complain (may be NULL) hears of each bad one.
 * LAC_ERR_FORMAT with the first twenty named when any is bad. */
lac_status lac_verify(const char *path, lac_set_complain *complain, void *context, lac_verified *found);

/* The manifest hash of records and parts in order, and of the selection, where it is not ""; folder-local: pack.c writes it, verify compares it. */
void lac_set_manifest(const lac_record *record, int64_t n, const lac_part *part, int64_t n_parts, const char *selection, char hex[LAC_SHA256_HEX]);
