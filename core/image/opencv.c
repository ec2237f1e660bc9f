#include "core/image/opencv.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TAPS = 4, ONE = 1 << 11 };

/* The sources of each output along one side. */
typedef struct taps { int64_t from[TAPS]; int32_t weight[TAPS]; } taps;

static void weigh(float x, int32_t weight[TAPS])
{
    const float a = -0.75f, y = 1 - x;
    float c[TAPS];
    c[0] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
    c[1] = ((a + 2) * x - (a + 3)) * x * x + 1;
    c[2] = ((a + 2) * y - (a + 3)) * y * y + 1;
    c[3] = 1 - c[0] - c[1] - c[2];
    for (int k = 0; k < TAPS; k++)
        weight[k] = (int32_t)lrintf(c[k] * ONE);
}

static lac_status taps_of(taps **side, int64_t in, int64_t out)
{
    const double scale = 1 / ((double)out / (double)in);
    LAC_TRY(lac_calloc((void **)side, (size_t)out, sizeof **side));
    for (int64_t d = 0; d < out; d++) {
        const float at = (float)(((double)d + 0.5) * scale - 0.5), whole = floorf(at);
        for (int64_t k = 0; k < TAPS; k++)
            (*side)[d].from[k] = LAC_MAX(LAC_MIN((int64_t)whole + k - 1, in - 1), 0);
        weigh(at - whole, (*side)[d].weight);
    }
    return LAC_OK;
}

static void across(int32_t *to, const lac_image *from, const taps *x, int64_t width)
{
    const int64_t c = from->channels;
    for (int64_t row = 0; row < from->height; row++)
        for (int64_t i = 0; i < width * c; i++) {
            const taps *t = &x[i / c];
            const uint8_t *line = from->pixels + row * from->width * c + i % c;
            int32_t sum = 0;
            for (int k = 0; k < TAPS; k++)
                sum += t->weight[k] * line[t->from[k] * c];
            *to++ = sum;
        }
}

static void down(const lac_image *to, const int32_t *from, const taps *y)
{
    const int64_t n = to->width * to->channels;
    for (int64_t row = 0; row < to->height; row++)
        for (int64_t i = 0; i < n; i++) {
            int64_t sum = 0;
            for (int k = 0; k < TAPS; k++)
                sum += (int64_t)y[row].weight[k] * from[y[row].from[k] * n + i];
            to->pixels[row * n + i] = (uint8_t)LAC_MAX(LAC_MIN(nearbyint((double)sum / (ONE * ONE)), 255), 0);
        }
}

static lac_status resize(const lac_image *to, const lac_image *from)
{
    taps *x = NULL, *y = NULL;
    int32_t *between = NULL;
    lac_status s = taps_of(&x, from->width, to->width);
    if (s == LAC_OK)
        s = taps_of(&y, from->height, to->height);
    if (s == LAC_OK)
        s = lac_malloc((void **)&between, (size_t)(from->height * to->width * to->channels) * sizeof *between);
    if (s == LAC_OK) {
        across(between, from, x, to->width);
        down(to, between, y);
    }
    free(x);
    free(y);
    free(between);
    return s;
}

lac_status lac_image_resize_opencv_cubic(lac_image *to, const lac_image *from, int64_t height, int64_t width)
{
    LAC_TRY(lac_image_new(to, height, width, from->channels));
    if (height == from->height && width == from->width)
        return memcpy(to->pixels, from->pixels, (size_t)(height * width * from->channels)), LAC_OK;
    const lac_status s = resize(to, from);
    if (s != LAC_OK)
        lac_image_free(to);
    return s;
}
