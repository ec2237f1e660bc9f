#include "core/image/feather.h"

#include "core/image/blur.h"
#include "core/image/paste.h"
#include "core/memory.h"

#include <stdlib.h>

enum { RADIUS = 10 };

lac_status lac_mask_feather(double *weight, const lac_image *mask)
{
    const int64_t h = mask->height, w = mask->width;
    for (int64_t i = 0; i < h * w; i++)
        weight[i] = mask->pixels[i] != 0;
    LAC_TRY(lac_plane_blur(weight, h, w, RADIUS, 3.5));
    for (int64_t i = 0; i < h * w; i++)
        weight[i] = mask->pixels[i] != 0 ? 1 : 1 - (1 - weight[i]);
    return LAC_OK;
}

void lac_feather_blend(double *to, const uint8_t *source, const uint8_t *predicted, const double *weight, int64_t n, int channels)
{
    for (int64_t i = 0; i < n * channels; i++)
        to[i] = source[i] * (1 - weight[i / channels]) + predicted[i] * weight[i / channels];
}

static lac_status feather(lac_image *to, const lac_image *source, const lac_image *mask, const lac_image *predicted)
{
    const int64_t pixels = source->height * source->width;
    double *weight;
    LAC_TRY(lac_malloc((void **)&weight, (size_t)(pixels * (1 + source->channels)) * sizeof *weight));
    double *mixed = weight + pixels;
    const lac_status s = lac_mask_feather(weight, mask);
    if (s == LAC_OK)
        lac_feather_blend(mixed, source->pixels, predicted->pixels, weight, pixels, source->channels);
    for (int64_t i = 0; s == LAC_OK && i < pixels * source->channels; i++)
        to->pixels[i] = (uint8_t)mixed[i];
    free(weight);
    return s;
}

lac_status lac_image_paste_feathered(lac_image *to, const lac_image *source, const lac_image *mask, const lac_image *predicted)
{
    LAC_TRY(lac_image_paste(to, source, mask, predicted));
    const lac_status s = feather(to, source, mask, predicted);
    if (s != LAC_OK)
        lac_image_free(to);
    return s;
}
