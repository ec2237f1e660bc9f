#include "models/catdiff/input.h"

#include "core/image/resample.h"
#include "core/memory.h"

#include <stdlib.h>

enum { FACTOR = 8, CLIP_HOLE = 127 };

static double share(const lac_image *mask, int64_t i) { return mask->pixels[i] / 255.0; }

static lac_status make_masked(lac_catdiff_input *to, const lac_image *image, const lac_image *mask, lac_hole_fill fill)
{
    const int64_t n = image->height * image->width;
    LAC_TRY(lac_malloc((void **)&to->masked, (size_t)(3 * n) * sizeof *to->masked));
    for (int64_t i = 0; i < 3 * n; i++) {
        const double v = image->pixels[i], known = 1 - share(mask, i / 3);
        to->masked[i] = (float)(fill == LAC_HOLE_FILL_BLACK ? v * known / 127.5 - 1 : (v / 127.5 - 1) * known);
    }
    return LAC_OK;
}

/* clip holds the picture at that size, and then what CLIP sees of it. */
static lac_status make_cells(lac_catdiff_input *to, const lac_image *mask, int64_t patch)
{
    const int64_t width = mask->width;
    for (int64_t i = 0; i < 3 * mask->height * width; i++) {
        const double m = share(mask, i / 3);
        to->clip.pixels[i] = (uint8_t)(to->clip.pixels[i] * (1 - m) + m * CLIP_HOLE);
    }
    LAC_TRY(lac_calloc((void **)&to->cells, (size_t)(to->side * to->side), sizeof *to->cells));
    for (int64_t y = 0; y < to->side * patch; y++)
        for (int64_t x = 0; x < to->side * patch; x++)
            if (mask->pixels[y * width + x] >= 128)
                to->cells[y / patch * to->side + x / patch] = 1;
    return LAC_OK;
}

static lac_status make_clip(lac_catdiff_input *to, const lac_image *image, const lac_image *mask, const lac_catdiff_input_attr *a)
{
    lac_image small;
    LAC_TRY(lac_image_resize(&to->clip, image, a->clip_size, a->clip_size, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST));
    LAC_TRY(lac_image_resize(&small, mask, a->clip_size, a->clip_size, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST));
    to->side = a->clip_size / a->patch;
    const lac_status s = make_cells(to, &small, a->patch);
    lac_image_free(&small);
    return s;
}

static lac_status make(lac_catdiff_input *to, const lac_image *image, const lac_image *mask, const lac_catdiff_input_attr *a)
{
    const int64_t h = image->height / FACTOR, w = image->width / FACTOR;
    LAC_TRY(make_masked(to, image, mask, a->fill));
    LAC_TRY(make_clip(to, image, mask, a));
    LAC_TRY(lac_malloc((void **)&to->latent, (size_t)(h * w) * sizeof *to->latent));
    return lac_latent_mask_make(to->latent, h, w, mask, a->rule);
}

lac_status lac_catdiff_input_make(lac_catdiff_input *to, const lac_image *image, const lac_image *mask, const lac_catdiff_input_attr *a)
{
    *to = (lac_catdiff_input){ 0 };
    const lac_status s = make(to, image, mask, a);
    if (s != LAC_OK)
        lac_catdiff_input_free(to);
    return s;
}

void lac_catdiff_input_free(lac_catdiff_input *x)
{
    free(x->masked);
    free(x->cells);
    free(x->latent);
    lac_image_free(&x->clip);
    *x = (lac_catdiff_input){ 0 };
}
