/* eval/picture_files.h -- where the pictures of an evaluation lie: those that `lacuna eval --keep` wrote, and those that anybody finished. */
#pragma once

#include "core/status.h"

#include <jansson.h>

/* Where `lacuna eval --keep` puts a picture: "FOLDER/NAME/ID.png", name a method's, "reference" or "masks"; what would lead out of the folder is
 * replaced. Fresh text. */
lac_status lac_kept_path(char **path, const char *folder, const char *name, const char *id);

/* Zeroes know of no picture. */
typedef struct lac_picture_files {
    char *kept;                 /* the folder of --keep; NULL: these are finished pictures */
    json_t *images, *reference, *masks;         /* paths by id of finished ones; NULL: none */
} lac_picture_files;

/* From a summary's "pictures" or "folders", which are seen from the folder that the file STEM lies in. A folder that is gone has no pictures. */
lac_status lac_picture_files_open(lac_picture_files *p, const json_t *summary, const char *stem);
void lac_picture_files_close(lac_picture_files *p);

/* The path of a method's picture, of the truth or of the mask, as a new reference: null where there is none. */
typedef enum { LAC_FILE_OF_METHOD, LAC_FILE_OF_TRUTH, LAC_FILE_OF_MASK } lac_picture_part;
lac_status lac_picture_file(const lac_picture_files *p, lac_picture_part part, const char *method, const char *id, json_t **path);
