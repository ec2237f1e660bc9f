/* core/image/image.h -- 8-bit pictures on the host: [height, width, channels], channels interleaved, rows dense.
 *
 * Decoding gives the bytes that Pillow's open().convert(mode) gives: libpng, libjpeg-turbo with its accurate integer
 * IDCT and triangle chroma upsampling; EXIF orientation and gamma ignored; alpha dropped, grey and palette expanded, colour
 * to grey by ITU-R 601 luma, CMYK taken as Adobe's inverted form. 16 bits keep their high byte, also in grey files (where
 * Pillow clips at 255, which turns photographs white).
 * A file that ends early, is damaged or lies about its size is LAC_ERR_FORMAT, naming the file; so is one above
 * LAC_IMAGE_MAX_PIXELS. Stray bytes between JPEG segments are no damage: many cameras leave them. */
#pragma once

#include "core/status.h"

#define LAC_IMAGE_MAX_PIXELS ((int64_t)1 << 28)

typedef struct lac_image {
    int64_t height, width;
    int channels;                   /* 1 grey, 3 RGB, 4 RGBA (not premultiplied) */
    uint8_t *pixels;                /* owned; height * width * channels bytes */
} lac_image;

/* Zero-filled. LAC_ERR_ARG unless both sides are at least 1, the product at most LAC_IMAGE_MAX_PIXELS, channels 1, 3 or 4. */
lac_status lac_image_new(lac_image *image, int64_t height, int64_t width, int channels);
void lac_image_free(lac_image *image);                                                     /* leaves it empty; safe on empty */

/* From memory (PNG or JPEG by signature) or a file; channels 1, 3 or 4 is what comes out. `name` is for messages.
 * On failure *image is empty. */
lac_status lac_image_decode(lac_image *image, const uint8_t *bytes, size_t size, int channels, const char *name);
lac_status lac_image_load(lac_image *image, const char *path, int channels);
/* The same, but that 16-bit grey is clipped at 255, as Pillow's convert does it: what is compared with programs that read by Pillow. */
lac_status lac_image_decode_as_pillow(lac_image *image, const uint8_t *bytes, size_t size, int channels, const char *name);
lac_status lac_image_load_as_pillow(lac_image *image, const char *path, int channels);
/* The first `rows` rows alone (fewer when the picture is lower): a JPEG is decoded no further, and damage below is not found. */
lac_status lac_image_decode_top(lac_image *image, const uint8_t *bytes, size_t size, int64_t rows, int channels, const char *name);
/* Reads only the header. */
lac_status lac_image_probe(const uint8_t *bytes, size_t size, int64_t *height, int64_t *width, const char *name);

/* Written aside and renamed (core/file/atomic.h). */
lac_status lac_image_save_png(const lac_image *image, const char *path);
lac_status lac_image_encode_png(const lac_image *image, uint8_t **bytes, size_t *size);    /* free(*bytes) */
/* 4:2:0, quality 1 to 100, grey or RGB; free(*bytes). */
lac_status lac_image_encode_jpeg(const lac_image *image, int quality, uint8_t **bytes, size_t *size);
