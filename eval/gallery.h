/* eval/gallery.h -- the pictures of an evaluation in a page: what was known, the truth and what each method made of it, side by side with the
 * values of that picture, sorted, filtered and slid over one another by eval/gallery.js.
 *
 * Everything is in the page: pictures up to LAC_GALLERY_SIDE a side, larger ones shrunk, as PNG up to 128 a side and as JPEG above. Of a large
 * evaluation the page holds some: a third that the first method did worst by the first metric that judges single pictures, a third that it did
 * best, the rest spread evenly between. */
#pragma once

#include "core/status.h"

#include <jansson.h>

enum { LAC_GALLERY_SIDE = 384 };

typedef struct lac_gallery {
    json_t *picture;            /* by id: { "id", "object", "area", "values": { METHOD: { METRIC: number } }, "folder": { METHOD: PATH } } */
    json_t *method, *metric;    /* names; { "name", "better": 1, -1 or 0, "digits" } */
} lac_gallery;

/* A zeroed gallery is an empty one. stem: the PATH of lac_score_save. Evaluations over the same pictures join; of a method that is there already the
 * first counts. One whose pictures were not kept adds nothing. LAC_ERR_FORMAT says which line is none. */
lac_status lac_gallery_add(lac_gallery *g, const char *stem);
void lac_gallery_free(lac_gallery *g);

/* A fragment of a page with at most `most` pictures, to stand in one with lac_gallery_style and lac_gallery_script; free() it. NULL where there is no
 * picture. Files that have gone since are left out. */
lac_status lac_gallery_html(const lac_gallery *g, int64_t most, char **html);
const char *lac_gallery_style(void);
const char *lac_gallery_script(void);        /* also sorts tables of class "scores" (eval/table.h) */

/* Where `lacuna eval --keep` puts a picture: "FOLDER/NAME/ID.png", name a method's, "reference" or "masks"; what would lead out of the folder is
 * replaced. Fresh text. */
lac_status lac_kept_path(char **path, const char *folder, const char *name, const char *id);
