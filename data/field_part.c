/* Fields made of a record's parts (data/set.h). Where a record has several of a kind, one is drawn: the object once for all fields of the sample. */
#include "data/field.h"

#include <string.h>

static void picture(const lac_loader_config *c, lac_shape *s) { *s = (lac_shape){ 3, { c->view.size, c->view.size, 3 } }; }
static void caption_text(const lac_loader_config *c, lac_shape *s) { (void)c, *s = (lac_shape){ 1, { LAC_CAPTION_BYTES } }; }
static void label_text(const lac_loader_config *c, lac_shape *s) { (void)c, *s = (lac_shape){ 1, { LAC_LABEL_BYTES } }; }

static lac_status edited(const lac_sample *s, void *to)
{
    LAC_TRY(lac_sample_cut_part(s, lac_sample_part(s, LAC_PART_EDITED, LAC_DRAW_EDITED), 3, to));
    if (s->tint != NULL)
        lac_tint_apply(s->tint, to, s->view->size * s->view->size);
    return LAC_OK;
}

static lac_status caption(const lac_sample *s, void *to)
{
    const int64_t part = lac_sample_part(s, LAC_PART_CAPTION, LAC_DRAW_CAPTION);
    if (part < 0) {
        strncpy(to, lac_set_part(s->set, lac_sample_object(s)).label, LAC_CAPTION_BYTES);
        return LAC_OK;
    }
    const int64_t n = lac_set_part(s->set, part).length;                    /* below LAC_CAPTION_BYTES: opening checks it */
    LAC_TRY(lac_set_read_part(s->set, part, &s->buffer->bytes, &s->buffer->capacity));
    memset(to, 0, LAC_CAPTION_BYTES);
    memcpy(to, s->buffer->bytes, (size_t)n);
    return LAC_OK;
}

static lac_status label(const lac_sample *s, void *to)
{
    strncpy(to, lac_set_part(s->set, lac_sample_object(s)).label, LAC_LABEL_BYTES);     /* fills up with zeros */
    return LAC_OK;
}

const lac_field_def lac_field_edited = {
    "edited", "edited copy of the picture, cut and tinted alike", LAC_U8, LAC_FIELD_PICTURE, LAC_NEEDS_RECORD | LAC_NEEDS_EDITED, picture, edited,
};
const lac_field_def lac_field_caption = {
    "caption", "of a record without any the label of the object drawn, UTF-8, zeros behind", LAC_U8, LAC_FIELD_PLAIN, LAC_NEEDS_RECORD | LAC_NEEDS_CAPTION, caption_text, caption,
};
const lac_field_def lac_field_label = {
    "label", "of the object drawn, UTF-8, zeros behind", LAC_U8, LAC_FIELD_PLAIN, LAC_NEEDS_RECORD | LAC_NEEDS_OBJECT, label_text, label,
};
