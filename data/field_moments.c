/* What an encoder made of the picture, and of the picture with its hole filled, from the cache of the record's source. */
#include "data/field.h"
#include "data/latent_cache.h"

static void shape(const lac_loader_config *c, lac_shape *s) { *s = c->latent; }

static lac_status picture(const lac_sample *s, void *to) { return lac_latent_cache_read(s->latents, LAC_LATENT_PICTURE, s->place, s->window.flip, to); }
static lac_status around(const lac_sample *s, void *to) { return lac_latent_cache_read(s->latents, LAC_LATENT_AROUND, s->place, s->window.flip, to); }

const lac_field_def lac_field_moments = {
    "moments", "of the picture's latent, as its encoder gave them", LAC_F32, LAC_FIELD_PLAIN, LAC_NEEDS_RECORD | LAC_NEEDS_LATENTS, shape, picture,
};
const lac_field_def lac_field_moments_around = {
    "moments_around", "the same of the picture with its hole filled", LAC_F32, LAC_FIELD_PLAIN, LAC_NEEDS_RECORD | LAC_NEEDS_LATENTS, shape, around,
};
