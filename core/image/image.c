#include "core/image/image.h"

#include "core/file/atomic.h"
#include "core/image/codec.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30 };

static lac_status check_new(int64_t height, int64_t width, int channels)
{
    if (height < 1 || width < 1 || height > LAC_IMAGE_MAX_PIXELS / width)
        return LAC_FAIL(LAC_ERR_ARG, "an image of %lld x %lld pixels: each side is at least 1, all pixels at most %lld",
                        (long long)height, (long long)width, (long long)LAC_IMAGE_MAX_PIXELS);
    if (channels != 1 && channels != 3 && channels != 4)
        return LAC_FAIL(LAC_ERR_ARG, "an image of %d channels: 1, 3 or 4 are possible", channels);
    return LAC_OK;
}

lac_status lac_image_new(lac_image *image, int64_t height, int64_t width, int channels)
{
    *image = (lac_image){ 0 };
    LAC_TRY(check_new(height, width, channels));
    LAC_TRY(lac_calloc((void **)&image->pixels, (size_t)(height * width), (size_t)channels));
    image->height = height;
    image->width = width;
    image->channels = channels;
    return LAC_OK;
}

void lac_image_free(lac_image *image)
{
    free(image->pixels);
    *image = (lac_image){ 0 };
}

lac_status lac_codec_image(lac_image *image, int64_t height, int64_t width, int channels)
{
    LAC_TRY(lac_malloc((void **)&image->pixels, (size_t)(height * width * channels)));
    image->height = height;
    image->width = width;
    image->channels = channels;
    return LAC_OK;
}

lac_status lac_codec_check_size(const lac_codec_file *file, int64_t height, int64_t width, int64_t per_byte)
{
    if (height < 1 || width < 1 || height > LAC_IMAGE_MAX_PIXELS / width)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': %lld x %lld pixels; from 1 to %lld in all are read", file->name,
                        (long long)height, (long long)width, (long long)LAC_IMAGE_MAX_PIXELS);
    if (height * width / per_byte > (int64_t)file->size)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': %lld x %lld pixels cannot lie in %zu bytes; the file is cut off or lies", file->name,
                        (long long)height, (long long)width, file->size);
    return LAC_OK;
}

/* 1000 L = 299 R + 587 G + 114 B in 16-bit fixed point, rounded. */
static uint8_t luma(const uint8_t *rgb) { return (uint8_t)((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16); }

static void convert_pixel(uint8_t *to, int channels, const uint8_t *from, int from_channels)
{
    const bool grey = from_channels < 3;
    if (channels == 1) {
        to[0] = grey ? from[0] : luma(from);
        return;
    }
    to[0] = from[0];
    to[1] = from[grey ? 0 : 1];
    to[2] = from[grey ? 0 : 2];
    if (channels == 4)
        to[3] = from_channels % 2 == 0 ? from[from_channels - 1] : 255;
}

static lac_status convert(lac_image *image, int channels)
{
    if (image->channels == channels)
        return LAC_OK;
    lac_image to = { 0 };
    LAC_TRY(lac_codec_image(&to, image->height, image->width, channels));
    for (int64_t p = 0; p < image->height * image->width; p++)
        convert_pixel(to.pixels + p * channels, channels, image->pixels + p * image->channels, image->channels);
    lac_image_free(image);
    *image = to;
    return LAC_OK;
}

static lac_status unknown(const lac_codec_file *file)
{
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is neither a PNG nor a JPEG file", file->name);
}

static lac_status decode(lac_image *image, const lac_codec_file *file, int channels)
{
    *image = (lac_image){ 0 };
    LAC_TRY(check_new(1, 1, channels));
    lac_status s = lac_png_is(file)    ? lac_png_decode(file, image)
                   : lac_jpeg_is(file) ? lac_jpeg_decode(file, image)
                                       : unknown(file);
    if (s == LAC_OK && file->rows > 0)
        image->height = LAC_MIN(image->height, file->rows);
    if (s == LAC_OK)
        s = convert(image, channels);
    if (s != LAC_OK)
        lac_image_free(image);
    return s;
}

lac_status lac_image_decode(lac_image *image, const uint8_t *bytes, size_t size, int channels, const char *name)
{
    return decode(image, &(lac_codec_file){ bytes, size, name, 0 }, channels);
}

lac_status lac_image_decode_as_pillow(lac_image *image, const uint8_t *bytes, size_t size, int channels, const char *name)
{
    return decode(image, &(lac_codec_file){ bytes, size, name, 0, true }, channels);
}

lac_status lac_image_decode_top(lac_image *image, const uint8_t *bytes, size_t size, int64_t rows, int channels, const char *name)
{
    if (rows < 1)
        return LAC_FAIL(LAC_ERR_ARG, "'%s': %lld rows wanted, at least 1 is possible", name, (long long)rows);
    return decode(image, &(lac_codec_file){ bytes, size, name, rows }, channels);
}

static lac_status load(lac_image *image, const char *path, int channels, bool clips)
{
    *image = (lac_image){ 0 };
    char *bytes;
    size_t size;
    LAC_TRY(lac_file_read(path, MAX_FILE, &bytes, &size));
    const lac_status s = decode(image, &(lac_codec_file){ (const uint8_t *)bytes, size, path, 0, clips }, channels);
    free(bytes);
    return s;
}

lac_status lac_image_load(lac_image *image, const char *path, int channels) { return load(image, path, channels, false); }
lac_status lac_image_load_as_pillow(lac_image *image, const char *path, int channels) { return load(image, path, channels, true); }

lac_status lac_image_probe(const uint8_t *bytes, size_t size, int64_t *height, int64_t *width, const char *name)
{
    const lac_codec_file file = { bytes, size, name, 0 };
    if (lac_png_is(&file))
        return lac_png_size(&file, height, width);
    return lac_jpeg_is(&file) ? lac_jpeg_size(&file, height, width) : unknown(&file);
}

lac_status lac_image_save_png(const lac_image *image, const char *path)
{
    uint8_t *bytes;
    size_t size;
    LAC_TRY(lac_image_encode_png(image, &bytes, &size));
    const lac_status s = lac_file_write(path, bytes, size);
    free(bytes);
    return s;
}
