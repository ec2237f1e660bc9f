#include "models/catdiff/input.h"

#include "core/image/resample.h"

#include <string.h>

enum { CLIP_HOLE = 127 };

static double share(const lac_image *mask, int64_t i) { return mask->pixels[i] / 255.0; }

void lac_catdiff_masked(float *to, const lac_image *image, const lac_image *mask, lac_hole_fill fill)
{
    for (int64_t i = 0; i < 3 * image->height * image->width; i++) {
        const double v = image->pixels[i], known = 1 - share(mask, i / 3);
        to[i] = (float)(fill == LAC_HOLE_FILL_BLACK ? v * known / 127.5 - 1 : (v / 127.5 - 1) * known);
    }
}

static void fill_hole(lac_image *picture, const lac_image *mask)
{
    for (int64_t i = 0; i < 3 * mask->height * mask->width; i++) {
        const double m = share(mask, i / 3);
        picture->pixels[i] = (uint8_t)(picture->pixels[i] * (1 - m) + m * CLIP_HOLE);
    }
}

static void find_cells(float *cells, const lac_image *mask, int64_t patch)
{
    const int64_t side = mask->width / patch;
    memset(cells, 0, (size_t)(side * side) * sizeof *cells);
    for (int64_t y = 0; y < side * patch; y++)
        for (int64_t x = 0; x < side * patch; x++)
            if (mask->pixels[y * mask->width + x] >= 128)
                cells[y / patch * side + x / patch] = 1;
}

lac_status lac_catdiff_clip(lac_image *clip, float *cells, const lac_image *image, const lac_image *mask, int64_t size, int64_t patch)
{
    lac_image small;
    LAC_TRY(lac_image_resize(&small, mask, size, size, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST));
    const lac_status s = clip != NULL ? lac_image_resize(clip, image, size, size, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST) : LAC_OK;
    if (cells != NULL)
        find_cells(cells, &small, patch);
    if (s == LAC_OK && clip != NULL)
        fill_hole(clip, &small);
    lac_image_free(&small);
    return s;
}
