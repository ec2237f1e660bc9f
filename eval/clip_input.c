#include "eval/clip_input.h"

#include "core/image/interpolate.h"
#include "core/image/resample.h"
#include "core/memory.h"
#include "models/clip/vision.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float normalised(float x, int channel) { return (x - lac_clip_mean[channel]) / lac_clip_std[channel]; }

/* Half of what is too long: to even (torchvision), or down. */
static int64_t offset(int64_t side, int64_t size, lac_clip_recipe recipe)
{
    const int64_t spare = side - size;
    return recipe == LAC_CLIP_INPUT ? (int64_t)nearbyint((double)spare / 2) : spare / 2;
}

static void cut(float *x, uint8_t *crop, int64_t size, const lac_image *from, lac_clip_recipe recipe)
{
    const int64_t top = offset(from->height, size, recipe), left = offset(from->width, size, recipe);
    for (int64_t y = 0; y < size; y++) {
        const uint8_t *row = from->pixels + ((top + y) * from->width + left) * 3;
        for (int64_t i = 0; i < 3 * size; i++)
            x[y * 3 * size + i] = normalised((float)row[i] / 255, (int)(i % 3));
        if (crop != NULL)
            memcpy(crop + y * 3 * size, row, (size_t)(3 * size));
    }
}

static lac_status shorter_side(float *x, uint8_t *crop, int64_t size, const uint8_t *picture, int64_t height, int64_t width, lac_clip_recipe recipe)
{
    const lac_image from = { height, width, 3, (uint8_t *)picture };
    lac_image to;
    const int64_t h = height <= width ? size : (int64_t)((double)size * (double)height / (double)width);
    const int64_t w = width <= height ? size : (int64_t)((double)size * (double)width / (double)height);
    LAC_TRY(lac_image_resize(&to, &from, h, w, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST));
    cut(x, crop, size, &to, recipe);
    lac_image_free(&to);
    return LAC_OK;
}

/* Planes in [0, 1] brought to h x w, into the middle of size x size zeros. */
static lac_status as_planes(float *x, int64_t size, const uint8_t *picture, int64_t height, int64_t width, int64_t h, int64_t w, lac_interpolation how)
{
    const int64_t pixels = height * width, top = (size - h) / 2, left = (size - w) / 2;
    float *from, *to = NULL;
    LAC_TRY(lac_malloc((void **)&from, 3 * (size_t)pixels * sizeof *from));
    lac_status s = lac_malloc((void **)&to, 3 * (size_t)(h * w) * sizeof *to);
    for (int64_t i = 0; s == LAC_OK && i < 3 * pixels; i++)
        from[i % 3 * pixels + i / 3] = (float)picture[i] / 255;
    if (s == LAC_OK && h == height && w == width)
        memcpy(to, from, 3 * (size_t)pixels * sizeof *to);
    else if (s == LAC_OK)
        s = lac_interpolate(to, h, w, from, height, width, 3, how);
    for (int64_t i = 0; s == LAC_OK && i < 3 * size * size; i++) {
        const int64_t c = i % 3, row = i / 3 / size - top, column = i / 3 % size - left;
        const bool inside = row >= 0 && row < h && column >= 0 && column < w;
        x[i] = normalised(inside ? to[(c * h + row) * w + column] : 0, (int)c);
    }
    free(from);
    free(to);
    return s;
}

static int64_t scaled(int64_t side, double scale) { return LAC_MAX((int64_t)nearbyint((double)side * scale), 1); }

lac_status lac_clip_input(float *x, uint8_t *crop, int64_t size, const uint8_t *picture, int64_t height, int64_t width, lac_clip_recipe recipe)
{
    if (height < 1 || width < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "a picture of %lld x %lld has no pixels", (long long)height, (long long)width);
    if (recipe == LAC_CLIP_INPUT || recipe == LAC_CLIP_INPUT_HF)
        return shorter_side(x, crop, size, picture, height, width, recipe);
    if (recipe == LAC_CLIP_INPUT_IP2P)
        return as_planes(x, size, picture, height, width, size, size, LAC_TORCH_BICUBIC);
    const double scale = (double)size / (double)LAC_MAX(height, width);
    return as_planes(x, size, picture, height, width, scaled(height, scale), scaled(width, scale), LAC_TORCH_BICUBIC_AA);
}
