/* Pictures of the record: RGB, cut by the sample's window, tinted where the sample is. */
#include "data/field.h"

static void shape(const lac_loader_config *c, lac_shape *s) { *s = (lac_shape){ 3, { c->view.size, c->view.size, 3 } }; }

static lac_status make(const lac_sample *s, void *to)
{
    LAC_TRY(lac_sample_cut(s, 3, to));
    if (s->tint != NULL)
        lac_tint_apply(s->tint, to, s->view->size * s->view->size);
    return LAC_OK;
}

const lac_field_def lac_field_image = { "image", "RGB", LAC_U8, LAC_FIELD_PICTURE, LAC_NEEDS_RECORD, shape, make };
