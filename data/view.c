#include "data/view.h"

#include "core/image/resample.h"

#include <inttypes.h>
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
    return LAC_OK;
}

static int64_t below(lac_stream *s, int64_t n) { return lac_stream_below(s, (uint32_t)n); }

lac_window lac_view_window(const lac_view *v, int64_t height, int64_t width, lac_stream *random)
{
    const int64_t least = LAC_MIN(height, width);
    lac_window w = { 0, 0, height, width, false };
    if (v->crop != LAC_CROP_SQUASH) {
        int64_t shorter = v->shorter > 0 ? v->shorter : least;
        if (v->shorter_max > v->shorter)
            shorter += below(random, v->shorter_max - v->shorter + 1);
        shorter = LAC_MAX(shorter, v->size);
        w.height = w.width = LAC_MAX((v->size * least + shorter / 2) / shorter, 1);
        w.top = v->crop == LAC_CROP_RANDOM ? below(random, height - w.height + 1) : (height - w.height) / 2;
        w.left = v->crop == LAC_CROP_RANDOM ? below(random, width - w.width + 1) : (width - w.width) / 2;
    }
    w.flip = v->flip && below(random, 2) == 1;
    return w;
}

static void mirror_row(uint8_t *to, const uint8_t *from, int64_t width, int channels)
{
    for (int64_t x = 0; x < width; x++)
        memcpy(to + x * channels, from + (width - 1 - x) * channels, (size_t)channels);
}

/* Rows of the window, dense. */
static void copy_rows(const lac_window *w, const lac_image *image, bool mirror, uint8_t *to)
{
    const int64_t row = w->width * image->channels;
    for (int64_t y = 0; y < w->height; y++) {
        const uint8_t *from = image->pixels + ((w->top + y) * image->width + w->left) * image->channels;
        if (mirror)
            mirror_row(to + y * row, from, w->width, image->channels);
        else
            memcpy(to + y * row, from, (size_t)row);
    }
}

lac_status lac_window_cut(const lac_window *w, const lac_image *image, int64_t size, uint8_t *to)
{
    if (w->height == size && w->width == size) {
        copy_rows(w, image, w->flip, to);
        return LAC_OK;
    }
    lac_image part = { 0 }, fit = { 0 };
    LAC_TRY(lac_image_new(&part, w->height, w->width, image->channels));
    copy_rows(w, image, false, part.pixels);
    const lac_status s = lac_image_resize(&fit, &part, size, size, LAC_FILTER_BILINEAR, LAC_PASSES_HORIZONTAL_FIRST);
    if (s == LAC_OK)
        copy_rows(&(lac_window){ 0, 0, size, size, false }, &fit, w->flip, to);
    lac_image_free(&part);
    lac_image_free(&fit);
    return s;
}
