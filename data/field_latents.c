/* What encoders made of the picture, and of the picture with its hole filled, from the caches of the record's source. */
#include "data/field.h"

static void moments_shape(const lac_loader_config *c, lac_shape *s) { *s = c->latent[LAC_LATENT_MOMENTS]; }
static void features_shape(const lac_loader_config *c, lac_shape *s) { *s = c->latent[LAC_LATENT_FEATURES]; }

static lac_status read(const lac_sample *s, lac_latent_sort sort, lac_latent_kind kind, void *to)
{
    return lac_latent_cache_read(s->latents[sort], kind, s->place, s->window.flip, to);
}

static lac_status moments(const lac_sample *s, void *to) { return read(s, LAC_LATENT_MOMENTS, LAC_LATENT_PICTURE, to); }
static lac_status moments_around(const lac_sample *s, void *to) { return read(s, LAC_LATENT_MOMENTS, LAC_LATENT_AROUND, to); }
static lac_status features(const lac_sample *s, void *to) { return read(s, LAC_LATENT_FEATURES, LAC_LATENT_PICTURE, to); }
static lac_status features_around(const lac_sample *s, void *to) { return read(s, LAC_LATENT_FEATURES, LAC_LATENT_AROUND, to); }

const lac_field_def lac_field_moments = {
    "moments", "of the picture's latent, as its encoder gave them", LAC_F32, LAC_FIELD_PLAIN, LAC_NEEDS_RECORD | LAC_NEEDS_MOMENTS, moments_shape, moments,
};
const lac_field_def lac_field_moments_around = {
    "moments_around", "the same of the picture with its hole filled", LAC_F32, LAC_FIELD_PLAIN, LAC_NEEDS_RECORD | LAC_NEEDS_MOMENTS, moments_shape, moments_around,
};
const lac_field_def lac_field_features = {
    "features", "what an image tower says of the picture", LAC_F32, LAC_FIELD_PLAIN, LAC_NEEDS_RECORD | LAC_NEEDS_FEATURES, features_shape, features,
};
const lac_field_def lac_field_features_around = {
    "features_around", "the same of the picture with its hole filled", LAC_F32, LAC_FIELD_PLAIN, LAC_NEEDS_RECORD | LAC_NEEDS_FEATURES, features_shape, features_around,
};
