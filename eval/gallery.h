/* eval/gallery.h -- the pictures of an evaluation in a page: what was known, the truth and what each method made of it, side by side with the
 * values of that picture, sorted, filtered and slid over one another by eval/gallery.js.
 *
 * Everything is in the page: pictures up to LAC_GALLERY_SIDE a side, larger ones shrunk, as PNG up to 128 a side and as JPEG above. Of a large
 * evaluation the page holds some: a third that the first method did worst by the first metric that judges single pictures, a third that it did
 * best, the rest spread evenly between. */
#pragma once

#include "eval/pictures.h"

enum { LAC_GALLERY_SIDE = 384 };

/* A fragment of a page with at most `most` pictures, to stand in one with lac_gallery_style and lac_gallery_script; free() it. NULL where none
 * was kept. Files that have gone since are left out. */
lac_status lac_gallery_html(const lac_pictures *p, int64_t most, char **html);
const char *lac_gallery_style(void);
const char *lac_gallery_script(void);        /* also sorts tables of class "scores" (eval/table.h) */
