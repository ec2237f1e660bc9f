/* data/object_manifest.h -- which objects a set was made of, as a file: written with the set, and read to make the very set again (docs/formats.md).
 *
 *     {"manifest": "lacuna-objects-1", "layout": "coco", "rule": "..."}
 *     {"object": "000000000139_908.png", "image": "000000000139.jpg", "label": "cat", "box": [0.25, 0.5, 0.125, 0.25], "picture": SHA-256, "mask": SHA-256}
 *
 * one object a line, in the order of the records. box is left, top, width, height as shares of the picture; picture is the hash of the file's bytes, mask
 * that of the mask as bytes 0 and 1, row by row, of the size that the data set has it in.
 *
 * CAT-Diffusion's own lists are read too: a Python dict a line (core/literal.h), with mask_image, label, box_id, area, box, image_id, image. */
#pragma once

#include "core/print.h"
#include "core/sha256.h"
#include "data/object_list.h"

#define LAC_MANIFEST_SCHEMA "lacuna-objects-1"

typedef struct lac_manifest_line {
    char *object, *image, *label;
    double box[4];                                              /* left, top, width, height */
    char picture[LAC_SHA256_HEX], mask[LAC_SHA256_HEX];         /* "" in CAT-Diffusion's */
    int64_t line;
} lac_manifest_line;

typedef struct lac_manifest {
    char *path, *layout, *rule;             /* rule "": CAT-Diffusion's */
    lac_manifest_line *item;
    int64_t n, capacity;
    char hash[LAC_SHA256_HEX];              /* SHA-256 of the file */
} lac_manifest;

/* LAC_ERR_FORMAT, with file and line: a line that is no such object, a key that is missing, of another type or not known (of ours), an object twice, no
 * object at all. On failure *m is empty. */
lac_status lac_manifest_read(lac_manifest *m, const char *path);
void lac_manifest_free(lac_manifest *m);

/* Puts "'FILE', line N: " before a failure's message. */
lac_status lac_manifest_at(const lac_manifest *m, int64_t i, lac_status s);

lac_status lac_manifest_begin(lac_print *p, const char *layout, const char *rule);
lac_status lac_manifest_add(lac_print *p, const lac_object *o, const char *picture, const char *mask);
