#include "data/view.h"

#include "core/image/resample.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char *const crop_name[] = { "random", "center", "squash" };

lac_status lac_crop_named(lac_crop *crop, const char *name)
{
    for (int i = 0; i < (int)LAC_COUNT(crop_name); i++)
        if (strcmp(name, crop_name[i]) == 0) {
            *crop = (lac_crop)i;
            return LAC_OK;
        }
    return LAC_FAIL(LAC_ERR_CONFIG, "crop '%s' is not known; random, center or squash", name);
}

lac_status lac_view_check(const lac_view *v)
{
    if (v->size < 1 || v->size > 1 << 14)
        return LAC_FAIL(LAC_ERR_CONFIG, "size %" PRId64 ", expected 1 to %d", v->size, 1 << 14);
    if (v->shorter < 0 || (v->shorter > 0 && v->shorter < v->size) || v->shorter > 1 << 16)
        return LAC_FAIL(LAC_ERR_CONFIG, "the shorter side is %" PRId64 ", expected 0 or %" PRId64 " and more", v->shorter, v->size);
    if (v->shorter_max != 0 && (v->crop != LAC_CROP_RANDOM || v->shorter == 0 || v->shorter_max < v->shorter || v->shorter_max > 1 << 16))
        return LAC_FAIL(LAC_ERR_CONFIG, "shorter sides from %" PRId64 " to %" PRId64 ": expected a random crop and a range", v->shorter,
                        v->shorter_max);
    if (!(v->turn >= 0 && v->turn <= 1))
        return LAC_FAIL(LAC_ERR_CONFIG, "a share of %g of the samples turned, expected 0 to 1", (double)v->turn);
    return LAC_OK;
}

static int64_t below(lac_stream *s, int64_t n) { return lac_stream_below(s, (uint32_t)n); }

/* Where a window of `extent` may begin along a side of `whole`: so that it holds [from, from + length), or lies inside it. */
typedef struct range { int64_t least, most; } range;

static range begin_around(float from, float length, int64_t extent, int64_t whole)
{
    const int64_t first = LAC_MIN((int64_t)from, whole - 1), last = LAC_MIN((int64_t)ceilf(from + length), whole);
    const range r = { LAC_MIN(first, last - extent), LAC_MAX(first, last - extent) };
    return (range){ LAC_MAX(r.least, 0), LAC_MIN(r.most, whole - extent) };
}

static int64_t begin(lac_crop crop, range r, int64_t middle, lac_stream *random)
{
    return crop == LAC_CROP_RANDOM ? r.least + below(random, r.most - r.least + 1) : LAC_MAX(LAC_MIN(middle, r.most), r.least);
}

lac_window lac_view_window(const lac_view *v, int64_t height, int64_t width, lac_stream *random)
{
    return lac_view_window_around(v, height, width, NULL, random);
}

lac_window lac_view_window_around(const lac_view *v, int64_t height, int64_t width, const lac_box *box, lac_stream *random)
{
    const int64_t least = LAC_MIN(height, width);
    lac_window w = { .height = height, .width = width };
    if (v->crop != LAC_CROP_SQUASH) {
        int64_t shorter = v->shorter > 0 ? v->shorter : least;
        if (v->shorter_max > v->shorter)
            shorter += below(random, v->shorter_max - v->shorter + 1);
        shorter = LAC_MAX(shorter, v->size);
        w.height = w.width = LAC_MAX((v->size * least + shorter / 2) / shorter, 1);
        const range down = box != NULL ? begin_around(box->top, box->height, w.height, height) : (range){ 0, height - w.height };
        const range right = box != NULL ? begin_around(box->left, box->width, w.width, width) : (range){ 0, width - w.width };
        w.top = begin(v->crop, down, (height - w.height) / 2, random);
        w.left = begin(v->crop, right, (width - w.width) / 2, random);
    }
    w.flip = v->mirror || (v->flip && below(random, 2) == 1);
    if (v->turn > 0 && lac_stream_uniform(random) < v->turn)
        w.turns = 1 + (int)below(random, 3);
    return w;
}

/* The square picture `from`, flipped left to right and then turned clockwise by quarters. In pixels of `from`, one row of the
 * result below another is `down` further, one column `right` further. */
static void orient(const lac_window *w, const uint8_t *from, int64_t size, int channels, uint8_t *to)
{
    const int64_t last = size - 1, column = w->flip ? -1 : 1;
    const int64_t down[] = { size, column, -size, -column }, right[] = { column, -size, -column, size };
    const int64_t top = w->turns == 1 || w->turns == 2 ? last : 0, left = w->flip != (w->turns >= 2) ? last : 0;
    for (int64_t y = 0; y < size; y++) {
        const uint8_t *p = from + (top * size + left + y * down[w->turns]) * channels;
        for (int64_t x = 0; x < size; x++, p += right[w->turns] * channels)
            for (int c = 0; c < channels; c++)
                *to++ = p[c];
    }
}

lac_status lac_window_cut(const lac_window *w, const lac_image *image, int64_t size, uint8_t *to)
{
    const int64_t row = w->width * image->channels;
    lac_image part = { 0 }, fit = { 0 };
    LAC_TRY(lac_image_new(&part, w->height, w->width, image->channels));
    for (int64_t y = 0; y < w->height; y++)
        memcpy(part.pixels + y * row, image->pixels + ((w->top + y) * image->width + w->left) * image->channels, (size_t)row);
    const bool resize = w->height != size || w->width != size;
    const lac_status s = resize ? lac_image_resize(&fit, &part, size, size, LAC_FILTER_BILINEAR, LAC_PASSES_HORIZONTAL_FIRST) : LAC_OK;
    if (s == LAC_OK)
        orient(w, resize ? fit.pixels : part.pixels, size, image->channels, to);
    lac_image_free(&part);
    lac_image_free(&fit);
    return s;
}
