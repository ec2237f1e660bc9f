/* What fields share of a sample: its numbers, and pictures cut to its window. */
#include "data/field.h"

lac_stream lac_sample_draw(const lac_sample *s, const char *what) { return lac_draw(s->seed, s->stream, what, s->step, s->sample); }

lac_status lac_sample_cut(const lac_sample *s, int channels, uint8_t *to)
{
    lac_image image = { 0 };
    const lac_record r = lac_set_record(s->set, s->id);
    const int64_t rows = s->window.top + s->window.height;          /* what lies below the window need not be decoded */
    LAC_TRY(lac_set_read(s->set, s->id, &s->buffer->bytes, &s->buffer->capacity));
    LAC_TRY(lac_context(lac_image_decode_top(&image, s->buffer->bytes, (size_t)r.length, rows, channels, r.name), "'%s'", lac_set_path(s->set)));
    lac_status status;
    if (image.height == rows && image.width == r.width)
        status = lac_window_cut(&s->window, &image, s->view->size, to);
    else
        status = LAC_FAIL(LAC_ERR_FORMAT, "record '%s' of '%s' is not of the size that the set says", r.name, lac_set_path(s->set));
    lac_image_free(&image);
    return status;
}
