#include "core/image/resample.h"

#include "core/cpu/features.h"
#include "core/image/codec.h"
#include "core/image/taps.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

lac_status lac_filter_named(lac_filter *filter, const char *name)
{
    static const char *const names[] = { "nearest", "box", "bilinear", "hamming", "bicubic", "lanczos" };
    for (size_t i = 0; i < LAC_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *filter = (lac_filter)i;
            return LAC_OK;
        }
    return LAC_FAIL(LAC_ERR_ARG, "no filter '%s'; there are nearest, box, bilinear, hamming, bicubic, lanczos", name);
}

static bool goes_down_first(int64_t from_height, int64_t from_width, int64_t height, int64_t width, lac_passes passes)
{
    return passes == LAC_PASSES_PILLOW_13 && height < from_height && from_height - height > 2 * (from_width - width);
}

/* The source pixel of each output pixel. Pillow adds the step up, so the last bits of (d + 0.5) s are those of the sum. */
static lac_status nearest_index(int64_t **index, int64_t in, int64_t out)
{
    LAC_TRY(lac_calloc((void **)index, (size_t)out, sizeof **index));
    const double step = (double)in / (double)out;
    double at = step * 0.5;
    for (int64_t d = 0; d < out; d++, at += step)
        (*index)[d] = LAC_MIN((int64_t)at, in - 1);
    return LAC_OK;
}

static void pick(uint8_t *to, const uint8_t *from, int64_t height, int64_t width, int64_t from_width, size_t pixel, const int64_t *rows,
                 const int64_t *columns)
{
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            memcpy(to + (size_t)(y * width + x) * pixel, from + (size_t)(rows[y] * from_width + columns[x]) * pixel, pixel);
}

static lac_status resize_nearest(void *to, int64_t height, int64_t width, const void *from, int64_t from_height, int64_t from_width,
                                 size_t pixel)
{
    int64_t *rows = NULL, *columns = NULL;
    lac_status s = nearest_index(&rows, from_height, height);
    if (s == LAC_OK)
        s = nearest_index(&columns, from_width, width);
    if (s == LAC_OK)
        pick(to, from, height, width, from_width, pixel, rows, columns);
    free(rows);
    free(columns);
    return s;
}

/* One pass: exactly one side differs. */
static lac_status across(lac_image *to, const lac_image *from, const lac_taps *t)
{
    static lac_resample_across *const by_level[] = {
#if defined(__x86_64__)
        lac_resample_across_base, lac_resample_across_v3, lac_resample_across_v4
#else
        lac_resample_across_base, lac_resample_across_base, lac_resample_across_base
#endif
    };
    uint8_t *lanes;
    LAC_TRY(lac_calloc((void **)&lanes, (size_t)(from->width * from->channels), LAC_RESAMPLE_LANES));
    by_level[lac_cpu_level_here()](t, to->pixels, from->pixels, from->height, from->channels, lanes);
    free(lanes);
    return LAC_OK;
}

static lac_status down(lac_image *to, const lac_image *from, const lac_taps *t)
{
    static lac_resample_down *const by_level[] = {
#if defined(__x86_64__)
        lac_resample_down_base, lac_resample_down_v3, lac_resample_down_v4
#else
        lac_resample_down_base, lac_resample_down_base, lac_resample_down_base
#endif
    };
    by_level[lac_cpu_level_here()](t, to->pixels, from->pixels, from->width * from->channels);
    return LAC_OK;
}

static lac_status one_pass(lac_image *to, const lac_image *from, lac_filter filter)
{
    const bool sideways = to->width != from->width;
    lac_taps t;
    LAC_TRY(lac_taps_new(&t, sideways ? from->width : from->height, sideways ? to->width : to->height, filter));
    const lac_status s = sideways ? across(to, from, &t) : down(to, from, &t);
    lac_taps_free(&t);
    return s;
}

static lac_status two_passes(lac_image *to, const lac_image *from, lac_filter filter, lac_passes passes)
{
    const bool down_first = goes_down_first(from->height, from->width, to->height, to->width, passes);
    lac_image between = { 0 };
    LAC_TRY(lac_codec_image(&between, down_first ? to->height : from->height, down_first ? from->width : to->width, from->channels));
    lac_status s = one_pass(&between, from, filter);
    if (s == LAC_OK)
        s = one_pass(to, &between, filter);
    lac_image_free(&between);
    return s;
}

static lac_status resize_filtered(lac_image *to, const lac_image *from, lac_filter filter, lac_passes passes)
{
    const bool both = to->height != from->height && to->width != from->width;
    return both ? two_passes(to, from, filter, passes) : one_pass(to, from, filter);
}

/* Colours times alpha / 255, rounded. */
static void premultiply(uint8_t *to, const uint8_t *from, int64_t pixels)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int c = 0; c < 4; c++) {
            const int t = from[4 * i + c] * from[4 * i + 3] + 128;
            to[4 * i + c] = c == 3 ? from[4 * i + c] : (uint8_t)((t + (t >> 8)) >> 8);
        }
}

static void divide_by_alpha(uint8_t *p, int64_t pixels)
{
    for (const uint8_t *end = p + pixels * 4; p < end; p += 4)
        for (int c = 0; c < 3 && p[3] != 0 && p[3] != 255; c++)
            p[c] = (uint8_t)LAC_MIN(255 * p[c] / p[3], 255);
}

static lac_status resize_with_alpha(lac_image *to, const lac_image *from, lac_filter filter, lac_passes passes)
{
    lac_image flat = { 0 };
    LAC_TRY(lac_codec_image(&flat, from->height, from->width, 4));
    premultiply(flat.pixels, from->pixels, from->height * from->width);
    const lac_status s = resize_filtered(to, &flat, filter, passes);
    divide_by_alpha(to->pixels, to->height * to->width);
    lac_image_free(&flat);
    return s;
}

static lac_status resize_into(lac_image *to, const lac_image *from, lac_filter filter, lac_passes passes)
{
    if (filter == LAC_FILTER_NEAREST)
        return resize_nearest(to->pixels, to->height, to->width, from->pixels, from->height, from->width, (size_t)from->channels);
    if (to->height == from->height && to->width == from->width) {
        memcpy(to->pixels, from->pixels, (size_t)(to->height * to->width * to->channels));
        return LAC_OK;
    }
    return from->channels == 4 ? resize_with_alpha(to, from, filter, passes) : resize_filtered(to, from, filter, passes);
}

lac_status lac_image_resize(lac_image *to, const lac_image *from, int64_t height, int64_t width, lac_filter filter, lac_passes passes)
{
    LAC_TRY(lac_image_new(to, height, width, from->channels));
    const lac_status s = resize_into(to, from, filter, passes);
    if (s != LAC_OK)
        lac_image_free(to);
    return s;
}

typedef struct plane { float *x; int64_t height, width; } plane;

/* out[d] of every line; `step` between neighbours on a line, `line` between lines. */
typedef struct lines { int64_t n, step, line_to, line_from; } lines;

static void sum_floats(const lac_taps *t, float *to, const float *from, const lines *l)
{
    for (int64_t i = 0; i < l->n; i++)
        for (int64_t d = 0; d < t->out; d++) {
            const double *w = t->weight + d * t->most;
            const float *x = from + i * l->line_from + t->first[d] * l->step;
            double sum = 0;
            for (int64_t k = 0; k < t->count[d]; k++)
                sum += x[k * l->step] * w[k];
            to[i * l->line_to + d * l->step] = (float)sum;
        }
}

static lac_status pass_of_floats(const plane *to, const plane *from, lac_filter filter)
{
    const bool sideways = to->width != from->width;
    const lines rows = { from->height, 1, to->width, from->width }, columns = { from->width, from->width, 1, 1 };
    lac_taps t;
    LAC_TRY(lac_taps_new(&t, sideways ? from->width : from->height, sideways ? to->width : to->height, filter));
    sum_floats(&t, to->x, from->x, sideways ? &rows : &columns);
    lac_taps_free(&t);
    return LAC_OK;
}

static lac_status two_passes_of_floats(const plane *to, const plane *from, lac_filter filter, lac_passes passes)
{
    const bool down_first = goes_down_first(from->height, from->width, to->height, to->width, passes);
    plane between = { NULL, down_first ? to->height : from->height, down_first ? from->width : to->width };
    LAC_TRY(lac_calloc((void **)&between.x, (size_t)between.height, (size_t)between.width * sizeof(float)));
    lac_status s = pass_of_floats(&between, from, filter);
    if (s == LAC_OK)
        s = pass_of_floats(to, &between, filter);
    free(between.x);
    return s;
}

lac_status lac_plane_resize(float *to, int64_t height, int64_t width, const float *from, int64_t from_height, int64_t from_width,
                            lac_filter filter, lac_passes passes)
{
    if (height < 1 || width < 1 || from_height < 1 || from_width < 1)
        return LAC_FAIL(LAC_ERR_ARG, "cannot resize %lld x %lld to %lld x %lld", (long long)from_height, (long long)from_width,
                        (long long)height, (long long)width);
    const plane out = { to, height, width }, in = { (float *)from, from_height, from_width };
    if (filter == LAC_FILTER_NEAREST)
        return resize_nearest(to, height, width, from, from_height, from_width, sizeof *to);
    if (height != from_height && width != from_width)
        return two_passes_of_floats(&out, &in, filter, passes);
    if (height != from_height || width != from_width)
        return pass_of_floats(&out, &in, filter);
    memcpy(to, from, (size_t)(height * width) * sizeof *to);
    return LAC_OK;
}
