/* The hole, 1, and what is known, 0, from the source that the loader was given. */
#include "data/field.h"
#include "data/mask_source.h"

static void shape(const lac_loader_config *c, lac_shape *s) { *s = (lac_shape){ 3, { c->view.size, c->view.size, 1 } }; }

static lac_status make(const lac_sample *s, void *to) { return lac_mask_source_make(s->masks, s, to); }

const lac_field_def lac_field_mask = {
    "mask", "1 in the hole, 0 where the picture is known", LAC_U8, LAC_FIELD_MASK, LAC_NEEDS_RECORD | LAC_NEEDS_MASK, shape, make,
};
