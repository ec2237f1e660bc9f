/* data/coco.h -- COCO's annotation files (https://cocodataset.org/#format-data): instances, person key points, and results of detectors.
 *
 *     { "images": [{id, file_name, height, width}], "categories": [{id, name}],
 *       "annotations": [{id, image_id, category_id, bbox: [x, y, w, h], area, iscrowd, segmentation, keypoints, num_keypoints}] }
 *     [{image_id, category_id, score, and bbox, segmentation or keypoints}]                                   results
 *
 * Anything else in them is not looked at. A file that is no such JSON is LAC_ERR_FORMAT with file and line; a record that is not as it should be
 * is one with file, list, place (from 0) and what was found and expected. */
#pragma once

#include "core/image/rle.h"

#include <jansson.h>

typedef struct lac_coco_image {
    int64_t id, height, width;          /* 0 where the file does not say */
    const char *file;                   /* "" likewise */
    int64_t place;                      /* in the file's list */
} lac_coco_image;

typedef struct lac_coco_category { int64_t id; const char *name; } lac_coco_category;

typedef struct lac_coco_object {
    int64_t place, id, image_id, category_id;       /* id: of an annotation; a result's is its place + 1 */
    bool has_box, has_area, crowd;
    double box[4], area, score;
    int64_t n_labelled;                             /* num_keypoints; -1: not said */
    const json_t *segmentation, *points;            /* NULL: none */
} lac_coco_object;

typedef struct lac_coco {
    char *path;
    const char *list;                               /* of the objects, for messages: "annotations", or "" */
    json_t *json;
    lac_coco_image *image;                          /* by id */
    lac_coco_category *category;                    /* by id */
    lac_coco_object *object;                        /* in the file's order */
    int64_t n_images, n_categories, n_objects;
} lac_coco;

/* Hears of a record that is left out, with its message in lac_error_message; what it returns but LAC_OK ends the reading. */
typedef lac_status lac_coco_refuse(void *context, lac_status s, const char *path);

/* refuse NULL: the first bad record is the error. An id twice among images or categories is bad; so is an object whose image is not listed.
 * On failure *c is empty; lac_coco_close is safe on zeroes. */
lac_status lac_coco_open(lac_coco *c, const char *path, lac_coco_refuse *refuse, void *context);
lac_status lac_coco_open_results(lac_coco *c, const char *path);
void lac_coco_close(lac_coco *c);

/* Index, or -1. */
int64_t lac_coco_find_image(const lac_coco *c, int64_t id);
int64_t lac_coco_find_category(const lac_coco *c, int64_t id);

/* Puts "'FILE', annotations[3] (id 17): " before a failure's message. */
lac_status lac_coco_at(const lac_coco *c, const lac_coco_object *o, lac_status s);

/* An object's mask: the union of its polygons, or runs in either form. height, width: of its picture; 0, 0: as the runs say. LAC_ERR_FORMAT, with
 * place: no mask, runs of another size, and what core/image/rle.h refuses. */
lac_status lac_coco_mask(const lac_coco *c, const lac_coco_object *o, int64_t height, int64_t width, lac_rle *mask);
/* Its key points, n times x, y, v. */
lac_status lac_coco_points(const lac_coco *c, const lac_coco_object *o, int64_t n, double *points);
