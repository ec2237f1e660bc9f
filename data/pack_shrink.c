#include "core/image/resample.h"
#include "core/memory.h"
#include "data/pack.h"

#include <stdlib.h>
#include <string.h>

enum { JPEG_QUALITY = 95 };

static int64_t scaled(int64_t side, int64_t longer, int64_t max_side) { return LAC_MAX((side * max_side + longer / 2) / longer, 1); }

static lac_status encode_smaller(const lac_image *image, int64_t max_side, bool png, uint8_t **bytes, size_t *size, int64_t *height, int64_t *width)
{
    lac_image small = { 0 };
    const int64_t longer = LAC_MAX(image->height, image->width);
    LAC_TRY(lac_image_resize(&small, image, scaled(image->height, longer, max_side), scaled(image->width, longer, max_side),
                             LAC_FILTER_LANCZOS, LAC_PASSES_HORIZONTAL_FIRST));
    *height = small.height;
    *width = small.width;
    const lac_status s = png ? lac_image_encode_png(&small, bytes, size) : lac_image_encode_jpeg(&small, JPEG_QUALITY, bytes, size);
    lac_image_free(&small);
    return s;
}

lac_status lac_pack_shrink(uint8_t **bytes, size_t *size, int64_t max_side, bool alpha, int64_t *height, int64_t *width, const char *name)
{
    static const uint8_t png_signature[4] = { 0x89, 'P', 'N', 'G' };
    if (max_side <= 0 || LAC_MAX(*height, *width) <= max_side)
        return LAC_OK;
    const bool png = alpha || (*size > sizeof png_signature && memcmp(*bytes, png_signature, sizeof png_signature) == 0);
    lac_image image = { 0 };
    uint8_t *fresh = NULL;
    LAC_TRY(lac_image_decode(&image, *bytes, *size, alpha ? 4 : 3, name));
    const lac_status s = encode_smaller(&image, max_side, png, &fresh, size, height, width);
    lac_image_free(&image);
    if (s != LAC_OK)
        return s;
    free(*bytes);
    *bytes = fresh;
    return LAC_OK;
}

static lac_status squash(const lac_image *image, int64_t side, uint8_t **bytes, size_t *size)
{
    lac_image square = { 0 };
    LAC_TRY(lac_image_resize(&square, image, side, side, LAC_FILTER_BICUBIC, LAC_PASSES_PILLOW_13));
    const lac_status s = lac_image_encode_png(&square, bytes, size);
    lac_image_free(&square);
    return s;
}

lac_status lac_pack_squash(uint8_t **bytes, size_t *size, int64_t side, int64_t *height, int64_t *width, const char *name)
{
    lac_image image = { 0 };
    uint8_t *fresh = NULL;
    if (side <= 0 || (*height == side && *width == side))
        return LAC_OK;
    LAC_TRY(lac_image_decode(&image, *bytes, *size, 3, name));
    const lac_status s = squash(&image, side, &fresh, size);
    lac_image_free(&image);
    if (s != LAC_OK)
        return s;
    free(*bytes);
    *bytes = fresh;
    *height = *width = side;
    return LAC_OK;
}
