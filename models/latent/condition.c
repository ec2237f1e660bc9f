#include "models/latent/condition.h"

#include "autograd/ops/concat/concat.h"
#include "core/image/paste.h"
#include "core/image/resample.h"

void lac_masked_picture(float *to, const uint8_t *picture, const uint8_t *hole, int64_t pixels, lac_hole_fill fill)
{
    lac_bytes_to_unit(to, picture, 3 * pixels);
    for (int64_t i = 0; fill != LAC_HOLE_FILL_KEEP && i < 3 * pixels; i++)
        if (hole[i / 3])
            to[i] = fill == LAC_HOLE_FILL_GREY ? 0.0f : -1.0f;
}

static void take_corners(float *to, int64_t height, int64_t width, const lac_image *mask)
{
    const int64_t down = mask->height / height, across = mask->width / width;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            to[y * width + x] = mask->pixels[y * down * mask->width + x * across] >= 128;
}

lac_status lac_latent_mask_make(float *to, int64_t height, int64_t width, const lac_image *mask, lac_latent_mask rule)
{
    const lac_filter filter = rule == LAC_LATENT_MASK_CENTRE ? LAC_FILTER_NEAREST : LAC_FILTER_BICUBIC;
    const uint8_t from = rule == LAC_LATENT_MASK_ANY_TOUCH ? 1 : 128;
    lac_image small;
    if (rule == LAC_LATENT_MASK_NEAREST)
        return take_corners(to, height, width, mask), LAC_OK;
    LAC_TRY(lac_image_resize(&small, mask, height, width, filter, LAC_PASSES_HORIZONTAL_FIRST));
    for (int64_t i = 0; i < height * width; i++)
        to[i] = small.pixels[i] >= from;
    lac_image_free(&small);
    return LAC_OK;
}

void lac_latent_mask_read(float *mask, int64_t n, lac_beside order)
{
    for (int64_t i = 0; order == LAC_BESIDE_MASK_LAST && i < n; i++)
        mask[i] = 2 * mask[i] - 1;
}

lac_tensor *lac_latent_beside(lac_tape *t, lac_tensor *mask, lac_tensor *latent, lac_beside order)
{
    return lac_concat(t, order == LAC_BESIDE_MASK_FIRST ? (lac_tensor *[]){ mask, latent } : (lac_tensor *[]){ latent, mask }, 2, -1);
}
