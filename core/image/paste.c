#include "core/image/paste.h"

#include <string.h>

lac_status lac_image_crop(lac_image *to, const lac_image *from, int64_t top, int64_t left, int64_t height, int64_t width)
{
    *to = (lac_image){ 0 };
    if (top < 0 || left < 0 || height < 1 || width < 1 || height > from->height - top || width > from->width - left)
        return LAC_FAIL(LAC_ERR_ARG, "a crop of %lld x %lld at row %lld, column %lld does not lie inside %lld x %lld", (long long)height,
                        (long long)width, (long long)top, (long long)left, (long long)from->height, (long long)from->width);
    LAC_TRY(lac_image_new(to, height, width, from->channels));
    const int64_t row = width * from->channels;
    for (int64_t y = 0; y < height; y++)
        memcpy(to->pixels + y * row, from->pixels + ((top + y) * from->width + left) * from->channels, (size_t)row);
    return LAC_OK;
}

static void swap_pixels(uint8_t *a, uint8_t *b, int channels)
{
    for (int c = 0; c < channels; c++) {
        const uint8_t t = a[c];
        a[c] = b[c];
        b[c] = t;
    }
}

void lac_image_flip(lac_image *image)
{
    const int64_t c = image->channels, row = image->width * c;
    for (int64_t y = 0; y < image->height; y++)
        for (int64_t x = 0; x < image->width / 2; x++)
            swap_pixels(image->pixels + y * row + x * c, image->pixels + y * row + row - (x + 1) * c, image->channels);
}

static lac_status padded(lac_image *to, const lac_image *from, int64_t multiple)
{
    *to = (lac_image){ 0 };
    if (multiple < 1 || multiple > LAC_IMAGE_MAX_PIXELS)
        return LAC_FAIL(LAC_ERR_ARG, "cannot pad to a multiple of %lld", (long long)multiple);
    return lac_image_new(to, (from->height + multiple - 1) / multiple * multiple, (from->width + multiple - 1) / multiple * multiple,
                         from->channels);
}

/* Position i of the endless row a b c c b a a b c ... */
static int64_t mirrored(int64_t i, int64_t n)
{
    const int64_t k = i % (2 * n);
    return k < n ? k : 2 * n - 1 - k;
}

lac_status lac_image_pad(lac_image *to, const lac_image *from, int64_t multiple)
{
    LAC_TRY(padded(to, from, multiple));
    const int64_t c = from->channels;
    for (int64_t y = 0; y < to->height; y++) {
        const uint8_t *row = from->pixels + mirrored(y, from->height) * from->width * c;
        uint8_t *out = to->pixels + y * to->width * c;
        memcpy(out, row, (size_t)(from->width * c));
        for (int64_t x = from->width; x < to->width; x++)
            memcpy(out + x * c, row + mirrored(x, from->width) * c, (size_t)c);
    }
    return LAC_OK;
}

lac_status lac_mask_pad(lac_image *to, const lac_image *from, int64_t multiple)
{
    LAC_TRY(padded(to, from, multiple));
    const size_t row = (size_t)(from->width * from->channels);
    for (int64_t y = 0; y < from->height; y++)
        memcpy(to->pixels + y * to->width * to->channels, from->pixels + (size_t)y * row, row);
    return LAC_OK;
}

void lac_mask_binarise(uint8_t *mask, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        mask[i] = mask[i] >= 128;
}

static bool same_size(const lac_image *a, const lac_image *b) { return a->height == b->height && a->width == b->width; }

lac_status lac_image_paste(lac_image *to, const lac_image *source, const lac_image *mask, const lac_image *predicted)
{
    *to = (lac_image){ 0 };
    if (!same_size(source, mask) || mask->channels != 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "the image has %lld x %lld pixels, its mask %lld x %lld in %d channels; wanted is the same size in one",
                        (long long)source->height, (long long)source->width, (long long)mask->height, (long long)mask->width, mask->channels);
    if (!same_size(source, predicted) || source->channels != predicted->channels)
        return LAC_FAIL(LAC_ERR_SHAPE, "the image is %lld x %lld x %d, its prediction %lld x %lld x %d", (long long)source->height,
                        (long long)source->width, source->channels, (long long)predicted->height, (long long)predicted->width,
                        predicted->channels);
    LAC_TRY(lac_image_new(to, source->height, source->width, source->channels));
    const int64_t c = source->channels;
    for (int64_t p = 0; p < source->height * source->width; p++)
        memcpy(to->pixels + p * c, (mask->pixels[p] ? predicted : source)->pixels + p * c, (size_t)c);
    return LAC_OK;
}

void lac_bytes_to_unit(float *to, const uint8_t *from, int64_t n)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)from[i] / 127.5f - 1.0f;
}

static inline float to_level(float x)
{
    const float v = (x + 1.0f) * 127.5f;
    return v > 0.0f ? (v < 255.0f ? v : 255.0f) : 0.0f;     /* NaN > 0 is false */
}

void lac_unit_to_bytes(uint8_t *to, const float *from, int64_t n)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        to[i] = (uint8_t)(to_level(from[i]) + 0.5f);
}

void lac_unit_to_bytes_cut(uint8_t *to, const float *from, int64_t n)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        to[i] = (uint8_t)to_level(from[i]);
}

void lac_hole_grey(uint8_t *pixels, const uint8_t *mask, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (mask[i])
            memset(pixels + 3 * i, LAC_HOLE_GREY, 3);
}
