/* data/picture_list.h -- lists of pictures as data sets publish them: one path a line (DeepFill's and LaMa's *.flist), behind which a category's number may
 * stand (Places365's "Places365_val_00000001.jpg 165"), which is passed over. Lines may end in CR LF; empty ones are passed over. */
#pragma once

#include "core/file/pictures.h"

typedef struct lac_picture_list {
    lac_paths paths;                /* as they stand there, in their order */
    int64_t *line;                  /* of each */
    int64_t *before;                /* the line that has the same path, if one further up does; else 0 */
    int64_t capacity;
} lac_picture_list;

/* LAC_ERR_FORMAT, naming the line, for one that is no path: above 4096 bytes, or with a zero byte. *l is the caller's to free whatever comes of it. */
lac_status lac_picture_list_read(lac_picture_list *l, const char *path);
void lac_picture_list_free(lac_picture_list *l);
