/* data/openimages.h -- the tables and folders of OpenImages V6, in either layout; folder-local. */
#pragma once

#include "data/pack_objects.h"

/* A mask of a split. */
typedef struct lac_oi_row {
    char *image, *mask, *class_name;        /* ImageID, the mask's file name, LabelName */
    double box[4];                          /* left, top, right, bottom */
    double distance;                        /* of the nearest box; above 1: none was found */
    bool whole;                             /* that box is neither a group nor a depiction, and it is known */
    bool turned;                            /* the picture is marked as one to be turned before it is looked at */
    int64_t line;                           /* of the table */
} lac_oi_row;

typedef struct lac_oi {
    lac_pack_job *job;
    const char *root, *split;
    char *segments, *boxes, *classes, *rotations;       /* the tables' paths; NULL: rotations are not there */
    lac_oi_row *row;
    int64_t n, capacity;
} lac_oi;

/* Finds the tables. LAC_ERR_IO names every place where one that must be there was looked for; boxes, segments and classes are not, for a list of others. */
lac_status lac_oi_open(lac_oi *d, bool tables);
void lac_oi_close(lac_oi *d);

/* Rows of the masks, with what is known of their boxes, into a list of objects (place: the row) with labels. What is wrong in one line is skipped. */
lac_status lac_oi_list(lac_oi *d, lac_object_list *l);
/* Licence and author of the pictures, and which are turned, for all objects of a list. */
lac_status lac_oi_rotations(lac_oi *d, lac_object_list *l);

/* Fresh paths: the first place where the file is, or the first of all where it is in none. LAC_ERR_FORMAT for a name that leads out of the folder. */
lac_status lac_oi_picture(const lac_oi *d, const char *image, char **path);
lac_status lac_oi_mask(const lac_oi *d, const char *mask, char **path);
