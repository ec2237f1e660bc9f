/* data/pack_objects.h -- from a list of annotated objects to a packed set and its manifest: what `pack coco` and `pack openimages` share.
 *
 *     lac_objects_check  ->  lac_objects_manifest  ->  fill a lac_object_list  ->  lac_objects_choose  ->  lac_objects_pack
 *
 * A record for each chosen object, named by its mask, on its picture (its group), with that mask as an object and its label; with `every`, one for each picture,
 * named by it, with all of its objects. */
#pragma once

#include "data/format.h"
#include "data/object_manifest.h"

/* What the command line says. */
typedef struct lac_object_wishes {
    const char *masks;              /* "segmentation" (NULL too), or "box": corners int(share * side), right and bottom included */
    const char *manifest;           /* a file that is read if it is there, and written otherwise; NULL: none */
    int64_t dilate;                 /* segmentations grow by so many pixels to all sides (core/image/grow.h), at the size that the data set has them in */
    int64_t size;                   /* both sides of picture and mask, by Pillow's bicubic, aspect ignored; a mask is cut at 128 after it; 0: not */
    int64_t max_side;               /* lac_pack_shrink; 0: not */
    int64_t per_picture, limit;     /* of the rule (data/object_list.h); 0: one a picture, any number of all */
    bool every;
} lac_object_wishes;

/* Rows for lac_pack_format.options; `own` has a lac_object_wishes called `objects`. */
#define LAC_OBJECT_OPTIONS(own)                                                                                                                          \
    { "masks", "KIND", "segmentation (default) or box: the filled bounding box", LAC_FORMAT_TEXT, offsetof(own, objects.masks) },                         \
    { "manifest", "FILE", "which objects: read if it is there, else written", LAC_FORMAT_TEXT, offsetof(own, objects.manifest) },                         \
    { "every", NULL, "all objects, a record for each picture, instead of the rule", LAC_FORMAT_FLAG, offsetof(own, objects.every) },                      \
    { "per-picture", "N", "most objects of a picture, each a record (default 1)", LAC_FORMAT_NUMBER, offsetof(own, objects.per_picture) },   \
    { "limit", "N", "most objects, drawn by the hash of their names", LAC_FORMAT_NUMBER, offsetof(own, objects.limit) },                                  \
    { "dilate", "N", "grow segmentations by N pixels to all sides", LAC_FORMAT_NUMBER, offsetof(own, objects.dilate) },                              \
    { "size", "PIXELS", "bring pictures and masks to this side, bicubic, aspect ignored", LAC_FORMAT_NUMBER, offsetof(own, objects.size) },               \
    { "max-side", "PIXELS", "shrink what is longer, and encode it anew", LAC_FORMAT_NUMBER, offsetof(own, objects.max_side) }

/* What a data set knows of its objects. All failures of one object or picture are LAC_ERR_IO or LAC_ERR_FORMAT, and cost that one. */
typedef struct lac_object_reader {
    const char *layout, *source;    /* "coco"; the folder that records are from */
    bool same_size;                 /* masks are of their pictures' size; otherwise they are brought there, to the nearest pixel */
    lac_status (*picture)(void *context, const lac_object *o, char **path);             /* fresh */
    lac_status (*mask)(void *context, const lac_object *o, lac_image *mask);            /* 1 is the object, else 0 */
    lac_status (*captions)(void *context, lac_pack_job *j, const lac_object *o);        /* adds parts to the record added last; NULL: none */
    void *context;
} lac_object_reader;

/* LAC_ERR_ARG for wishes that do not go together. */
lac_status lac_objects_check(const lac_object_wishes *w);

/* The manifest that is asked for, where it is there; else *m is empty. */
lac_status lac_objects_manifest(const lac_object_wishes *w, lac_manifest *m);

/* Leaves in the list, in the order of the records, the objects of the manifest, if it is not empty, or those that the rule takes, and says
 * how many. A manifest's object that is not in the list, or has another label or box there, is an error. */
lac_status lac_objects_choose(lac_pack_job *j, const lac_object_wishes *w, const lac_object_reader *r, lac_object_list *l, const lac_manifest *m);

/* Adds the records and writes the manifest that was asked for; its hash goes into the set. What cannot be read is skipped; under a manifest it is
 * an error, and so are bytes or masks other than those it names. */
lac_status lac_objects_pack(lac_pack_job *j, const lac_object_wishes *w, const lac_object_reader *r, const lac_object_list *l, const lac_manifest *m);
