#include "core/image/coarse_mask.h"

#include "core/image/blur.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

static void fill_box(lac_image *mask)
{
    int64_t top = mask->height, bottom = -1, left = mask->width, right = -1;
    for (int64_t y = 0; y < mask->height; y++)
        for (int64_t x = 0; x < mask->width; x++)
            if (mask->pixels[y * mask->width + x] >= 128) {
                top = LAC_MIN(top, y), bottom = y;
                left = LAC_MIN(left, x), right = LAC_MAX(right, x);
            }
    for (int64_t y = top; y <= bottom; y++)
        for (int64_t x = left; x <= right; x++)
            mask->pixels[y * mask->width + x] = 255;
}

static lac_status blur(lac_image *mask, double sigma)
{
    const int64_t n = mask->height * mask->width;
    double *plane, most = 0;
    LAC_TRY(lac_malloc((void **)&plane, (size_t)n * sizeof *plane));
    for (int64_t i = 0; i < n; i++)
        plane[i] = mask->pixels[i] >= 128;
    const lac_status s = lac_plane_blur(plane, mask->height, mask->width, (int64_t)ceil(2 * sigma), sigma);
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, plane[i]);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        mask->pixels[i] = most > 0 && plane[i] >= most / 2 ? 255 : 0;
    free(plane);
    return s;
}

lac_status lac_mask_coarsen(lac_image *mask, double sigma)
{
    if (sigma > 0)
        return blur(mask, sigma);
    if (sigma < 0)
        fill_box(mask);
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        mask->pixels[i] = mask->pixels[i] >= 128 ? 255 : 0;
    return LAC_OK;
}
