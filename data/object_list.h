/* data/object_list.h -- objects of annotated pictures, and the rule by which those of a benchmark are chosen.
 *
 * CAT-Diffusion and SmartBrush print how many objects they evaluate on (13,400 of OpenImages, 9,311 of COCO), not which; so the rule is this
 * program's own. An object is kept where its box takes 0.01 to 0.8 of the picture and its mask at least 0.005. Then, in the order of the
 * 32-bit FNV-1a hashes of their masks' names (bytes of the name where two hashes are one), at most `per_picture` are taken of each picture and
 * `limit` of all: so fewer are a part of more. What was taken is put into the order of pictures, then of masks' names. Crowds, groups and
 * depictions are left out by whoever reads the annotations. */
#pragma once

#include "core/status.h"

#define LAC_OBJECT_LEAST_BOX 0.01
#define LAC_OBJECT_MOST_BOX 0.8
#define LAC_OBJECT_LEAST_MASK 0.005

typedef struct lac_object {
    char *image;                    /* its picture, as the annotations call it */
    char *name;                     /* the file name of its mask */
    char *label;
    char *licence, *author;         /* of the picture; NULL: not known */
    double box[4];                  /* left, top, right, bottom */
    double unit[2];                 /* the picture's width and height in what the box counts: 1, 1 for shares */
    int64_t place;                  /* the reader's own: where it stands in the annotations */
} lac_object;

typedef struct lac_object_list { lac_object *item; int64_t n, capacity; } lac_object_list;

/* Texts are copied. LAC_ERR_FORMAT: an empty name, a label that is too long for a set, a box that is not inside the picture (by more than a thousandth). */
lac_status lac_object_add(lac_object_list *l, const lac_object *o);
void lac_object_list_free(lac_object_list *l);

/* By picture, then name, then place. */
void lac_object_sort(lac_object_list *l);
/* Sorts; of objects with one picture and name the first stays, the others are told of. What `tell` returns but LAC_OK ends it. */
lac_status lac_object_drop_twins(lac_object_list *l, lac_status (*tell)(void *context, const lac_object *o), void *context);
/* Of a sorted list: the first object of that picture, or of that name too (NULL: any); -1. */
int64_t lac_object_find(const lac_object_list *l, const char *image, const char *name);

typedef struct lac_object_rule {
    bool every;                     /* all of them, in order */
    int64_t per_picture, limit;     /* 0: any number */
} lac_object_rule;

/* How many the rule left out, and why. */
typedef struct lac_object_chosen { int64_t all, pictures, by_box, by_mask, unread; } lac_object_chosen;

/* The share of its picture that an object's mask takes; below 0: it cannot be read, which was said. */
typedef lac_status lac_object_share(void *context, const lac_object *o, double *share);

/* Leaves those that the rule takes, in order. Masks are looked at no further than is needed. */
lac_status lac_object_choose(lac_object_list *l, const lac_object_rule *rule, lac_object_share *share, void *context, lac_object_chosen *chosen);
