/* data/field.h -- a field of a batch: what it is, and how it is made for one sample.
 *
 * data/fields.def lists them; each is defined in data/field_*.c. A field is a function of its sample alone: where it draws, it draws by
 * lac_sample_draw under a name of data/draw.h, so that threads, ranks and resuming change nothing. What several fields share, window,
 * flip, turn and tint, is the sample's: pictures of one record are cut alike. */
#pragma once

#include "data/batch.h"
#include "data/draw.h"
#include "data/loader.h"
#include "data/tint.h"

/* How a training step takes it (train/step.c). */
typedef enum {
    LAC_FIELD_PLAIN,            /* as it is: f32, or integers */
    LAC_FIELD_PICTURE,          /* u8 to f32 in [-1, 1] */
    LAC_FIELD_MASK,             /* u8 to f32, 0 or 1 */
} lac_field_use;

/* What a field wants; the loader gives it, or says that it cannot. */
enum {
    LAC_NEEDS_RECORD = 1,       /* a record of a set; without it, make works on a sample of no set */
    LAC_NEEDS_MASK = 2,         /* a source of masks: lac_loader_config.mask */
    LAC_NEEDS_EDITED = 4,       /* parts of the record (data/set.h): records without them are left out */
    LAC_NEEDS_OBJECT = 8,
    LAC_NEEDS_OBJECT_MASK = 16, /* and that object has a mask */
    LAC_NEEDS_CAPTION = 32,     /* or an object, whose label stands for it */
    LAC_NEEDS_MOMENTS = 64,     /* a cache of them: lac_source.latents */
    LAC_NEEDS_FEATURES = 128,
};

typedef struct lac_sample {
    const lac_view *view;
    const lac_set *set;
    int64_t id, source;                     /* the record, and which of the sources it is from */
    int64_t place;                          /* of the record in its split */
    uint64_t seed;
    uint32_t stream, step, sample;          /* its counter (data/draw.h) */
    lac_window window;                      /* of every picture of this sample */
    const lac_tint *tint;                   /* NULL: colours stay */
    unsigned needs;                         /* of all its fields, mask source and window together */
    const struct lac_mask_source *masks;
    const lac_latent_cache *const *latents; /* of its source, by sort */
    struct lac_buffer { uint8_t *bytes; size_t capacity; } *buffer;      /* the thread's, for encoded bytes */
} lac_sample;

typedef struct lac_field_def {
    const char *name, *about;
    lac_dtype dtype;
    lac_field_use use;
    unsigned needs;                                                     /* LAC_NEEDS_... */
    void (*shape)(const lac_loader_config *config, lac_shape *shape);   /* of one sample; view.size is what it may read */
    lac_status (*make)(const lac_sample *s, void *to);                  /* all of it: what lay there is of another sample */
} lac_field_def;

#define LAC_FIELD(name) extern const lac_field_def lac_field_##name;
#include "data/fields.def"
#undef LAC_FIELD

/* All of them in order; NULL past the last. */
const lac_field_def *lac_field_at(int i);
/* LAC_ERR_CONFIG with the nearest name. */
lac_status lac_field_find(const lac_field_def **def, const char *name);

lac_stream lac_sample_draw(const lac_sample *s, const char *what);

/* A part of that kind that the record has, drawn under that name; -1 when it has none. The object is one for all who ask. */
int64_t lac_sample_part(const lac_sample *s, lac_part_kind kind, const char *what);
int64_t lac_sample_object(const lac_sample *s);

/* The window of the record's picture, or of a picture among its parts: u8 [size, size, channels], resized, flipped and turned. */
lac_status lac_sample_cut(const lac_sample *s, int channels, uint8_t *to);
lac_status lac_sample_cut_part(const lac_sample *s, int64_t part, int channels, uint8_t *to);
