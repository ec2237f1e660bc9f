/* tests/harness/pictures.h -- pictures made on the spot, for tests of sets and loaders. */
#pragma once

#include "core/image/image.h"
#include "core/philox.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Smooth colours with a little noise: what a JPEG encoder is made for, and different for every seed. */
static inline lac_status lac_test_picture(lac_image *image, int64_t height, int64_t width, int channels, uint64_t seed)
{
    lac_stream s = lac_stream_at(seed, 1, 0, 0);
    float phase[8];
    for (int i = 0; i < 8; i++)
        phase[i] = 6.28f * lac_stream_uniform(&s);
    LAC_TRY(lac_image_new(image, height, width, channels));
    for (int64_t i = 0; i < height * width; i++)
        for (int c = 0; c < channels; c++) {
            const float y = (float)(i / width) / 17.0f, x = (float)(i % width) / 23.0f;
            const float v = 128 + 60 * sinf(x + phase[c]) * cosf(y + phase[c + 4]) + 30 * lac_stream_uniform(&s);
            image->pixels[i * channels + c] = (uint8_t)v;
        }
    return LAC_OK;
}

/* The same, encoded and in a file; .png by the name's ending, else JPEG. */
static inline lac_status lac_test_picture_file(const char *path, int64_t height, int64_t width, uint64_t seed)
{
    lac_image image = { 0 };
    uint8_t *bytes = NULL;
    size_t size = 0;
    const size_t n = strlen(path);
    LAC_TRY(lac_test_picture(&image, height, width, 3, seed));
    LAC_TRY(strcmp(path + n - 4, ".png") == 0 ? lac_image_encode_png(&image, &bytes, &size) : lac_image_encode_jpeg(&image, 90, &bytes, &size));
    FILE *f = fopen(path, "wb");
    const bool written = f != NULL && fwrite(bytes, 1, size, f) == size && fclose(f) == 0;
    free(bytes);
    lac_image_free(&image);
    return written ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot write '%s'", path);
}
