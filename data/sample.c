/* What fields share of a sample: its numbers, its parts, and pictures cut to its window. */
#include "data/field.h"

lac_stream lac_sample_draw(const lac_sample *s, const char *what) { return lac_draw(s->seed, s->stream, what, s->step, s->sample); }

/* ---- parts ---- */

int64_t lac_sample_part(const lac_sample *s, lac_part_kind kind, const char *what)
{
    int64_t first;
    const int64_t n = lac_set_parts(s->set, s->id, kind, &first);
    lac_stream random = lac_sample_draw(s, what);
    return n > 0 ? first + lac_stream_below(&random, (uint32_t)n) : -1;
}

/* Where masks are those of objects, an object without one is not drawn. */
int64_t lac_sample_object(const lac_sample *s)
{
    int64_t first, fit = 0;
    const int64_t n = lac_set_parts(s->set, s->id, LAC_PART_OBJECT, &first);
    const bool any = (s->needs & LAC_NEEDS_OBJECT_MASK) == 0;
    for (int64_t i = 0; i < n; i++)
        fit += any || lac_set_part(s->set, first + i).length > 0;
    if (fit == 0)
        return -1;
    lac_stream random = lac_sample_draw(s, LAC_DRAW_OBJECT);
    int64_t left = lac_stream_below(&random, (uint32_t)fit), at = first;
    for (;; at++)
        if ((any || lac_set_part(s->set, at).length > 0) && left-- == 0)
            return at;
}

/* ---- pictures ---- */

/* The window of the picture whose encoded bytes lie in the buffer; what lies below it need not be decoded. */
static lac_status cut(const lac_sample *s, int64_t length, int channels, uint8_t *to)
{
    lac_image image = { 0 };
    const lac_record r = lac_set_record(s->set, s->id);
    const int64_t rows = s->window.top + s->window.height;
    LAC_TRY(lac_context(lac_image_decode_top(&image, s->buffer->bytes, (size_t)length, rows, channels, r.name), "'%s'", lac_set_path(s->set)));
    lac_status status;
    if (image.height == rows && image.width == r.width)
        status = lac_window_cut(&s->window, &image, s->view->size, to);
    else
        status = LAC_FAIL(LAC_ERR_FORMAT, "record '%s' of '%s' is not of the size that the set says", r.name, lac_set_path(s->set));
    lac_image_free(&image);
    return status;
}

lac_status lac_sample_cut(const lac_sample *s, int channels, uint8_t *to)
{
    LAC_TRY(lac_set_read(s->set, s->id, &s->buffer->bytes, &s->buffer->capacity));
    return cut(s, lac_set_record(s->set, s->id).length, channels, to);
}

lac_status lac_sample_cut_part(const lac_sample *s, int64_t part, int channels, uint8_t *to)
{
    const lac_part p = lac_set_part(s->set, part);
    LAC_TRY(lac_set_read_part(s->set, part, &s->buffer->bytes, &s->buffer->capacity));
    return lac_context(cut(s, p.length, channels, to), "%s", lac_part_kind_name(p.kind));
}
