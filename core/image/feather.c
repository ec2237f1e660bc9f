#include "core/image/feather.h"

#include "core/image/paste.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

enum { RADIUS = 10 };

static void fill_kernel(double *kernel)
{
    double sum = 0;
    for (int i = -RADIUS; i <= RADIUS; i++)
        sum += kernel[i + RADIUS] = exp(-i * i / (2 * 3.5 * 3.5));
    for (int i = 0; i <= 2 * RADIUS; i++)
        kernel[i] /= sum;
}

/* Position i of the endless row ... c b a b c d c b a ... */
static int64_t reflected(int64_t i, int64_t n)
{
    const int64_t period = n > 1 ? 2 * (n - 1) : 1, k = ((i % period) + period) % period;
    return k < n ? k : period - k;
}

/* One line of n values, `step` apart in both. */
static void blur_line(double *to, const double *from, int64_t n, int64_t step, const double *kernel)
{
    for (int64_t x = 0; x < n; x++) {
        double sum = 0;
        for (int64_t i = -RADIUS; i <= RADIUS; i++)
            sum += kernel[i + RADIUS] * from[reflected(x + i, n) * step];
        to[x * step] = sum;
    }
}

lac_status lac_mask_feather(double *weight, const lac_image *mask)
{
    const int64_t h = mask->height, w = mask->width;
    double kernel[2 * RADIUS + 1], *wide;
    fill_kernel(kernel);
    LAC_TRY(lac_malloc((void **)&wide, (size_t)(h * w) * sizeof *wide));
    for (int64_t i = 0; i < h * w; i++)
        weight[i] = mask->pixels[i] != 0;
    for (int64_t y = 0; y < h; y++)
        blur_line(wide + y * w, weight + y * w, w, 1, kernel);
    for (int64_t x = 0; x < w; x++)
        blur_line(weight + x, wide + x, h, w, kernel);
    for (int64_t i = 0; i < h * w; i++)
        weight[i] = mask->pixels[i] != 0 ? 1 : 1 - (1 - weight[i]);
    free(wide);
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
