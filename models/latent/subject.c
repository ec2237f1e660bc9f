#include "models/latent/subject.h"

#include "core/memory.h"
#include "models/autoencoder/tiles.h"
#include "models/latent/texts.h"

#include <stdlib.h>
#include <string.h>

/* While it is made. */
typedef struct making {
    lac_latent_subject *s;
    const lac_inpainter *ip;
    const lac_canvas *pictures;
    const lac_latent_system *system;
    const lac_autoencoder *vae;
    lac_tensor *picture, *moments;          /* what goes through the encoder, and what comes of it */
} making;

lac_status lac_latent_finite(const lac_tensor *x, const char *what)
{
    const int64_t bad = lac_tensor_not_finite(x);
    return bad == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_NONFINITE, "%s is not finite: %lld of %lld values", what, (long long)bad, (long long)lac_numel(x));
}

lac_status lac_latent_rows(lac_tensor **rows, const lac_tensor *of_pictures, const lac_canvas *c)
{
    *rows = NULL;
    if (of_pictures == NULL)
        return LAC_OK;
    lac_shape shape = lac_shape_of(of_pictures);
    const size_t row = lac_bytes(of_pictures) / (size_t)shape.dim[0];
    shape.dim[0] = c->image.dim[0];
    LAC_TRY(lac_tensor_new(rows, of_pictures->dtype, shape.ndim, shape.dim));
    for (int64_t i = 0; i < shape.dim[0]; i++)
        memcpy((uint8_t *)(*rows)->data + (size_t)i * row, (const uint8_t *)of_pictures->data + (size_t)c->of[i] * row, row);
    return LAC_OK;
}

/* ---- visual prompt ---- */

static lac_status make_visual(const making *m, lac_tape *t)
{
    if (m->system->visual == NULL)
        return LAC_OK;
    LAC_TRY(m->system->visual(m->ip, t, m->pictures, &m->s->visual));
    return lac_latent_finite(m->s->visual, "the visual prompt");
}

/* ---- picture and hole ---- */

static lac_status make_cells(const making *m)
{
    const lac_tensor *holes = &m->pictures->mask;
    const int64_t n = holes->dim[0], h = holes->dim[1], w = holes->dim[2], high = h / m->vae->factor, wide = w / m->vae->factor;
    const lac_latent_mask rule = (lac_latent_mask)lac_config_choice(m->ip->config, "mask_rule", LAC_LATENT_MASKS);
    lac_image mask = { 0 };
    LAC_TRY(lac_tensor_new(&m->s->cells, LAC_F32, 4, (int64_t[]){ n, high, wide, 1 }));
    LAC_TRY(lac_image_new(&mask, h, w, 1));
    float *to = m->s->cells->data;
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        const uint8_t *hole = (const uint8_t *)holes->data + i * h * w;
        for (int64_t k = 0; k < h * w; k++)
            mask.pixels[k] = hole[k] ? 255 : 0;
        s = lac_latent_mask_make(to + i * high * wide, high, wide, &mask, rule);
    }
    lac_latent_mask_read(to, lac_numel(m->s->cells), m->system->beside);
    lac_image_free(&mask);
    return s;
}

static lac_status encode(lac_tape *t, void *context)
{
    making *m = context;
    lac_tensor *moments = lac_autoencoder_encode(t, m->vae, lac_tape_input(t, m->picture, m->vae->ps->dtype));
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, moments, &m->moments);
}

/* The pictures, their holes filled, through the encoder: all of each, or by tiles. */
static lac_status make_moments(making *m, lac_tape *t, lac_hole_fill fill, lac_tensor **to)
{
    const lac_canvas *c = m->pictures;
    const int64_t tiles = lac_config_int(m->ip->config, "tiles");
    LAC_TRY(lac_tensor_new(&m->picture, LAC_F32, 4, c->image.dim));
    lac_masked_picture(m->picture->data, c->image.data, c->mask.data, lac_numel(&c->mask), fill);
    const lac_status s = tiles > 0 ? lac_context(lac_tiled_encode(&m->ip->network[LAC_LATENT_VAE], t, m->picture, tiles, &m->moments), "'tiles'")
                                   : lac_inpaint_region(m->ip, t, c, "moments", encode, m);
    lac_tensor_free(m->picture);
    *to = m->moments;
    m->picture = m->moments = NULL;
    return s;
}

static lac_status make_pictures(making *m, lac_tape *t)
{
    const bool from_picture = m->system->blend != LAC_BLEND_NONE || lac_config_num(m->ip->config, "strength") < 1;
    LAC_TRY(make_cells(m));
    LAC_TRY(from_picture ? make_moments(m, t, LAC_HOLE_FILL_KEEP, &m->s->source) : LAC_OK);
    if (m->system->beside == LAC_BESIDE_NONE || m->system->beside == LAC_BESIDE_MASK)
        return LAC_OK;
    return make_moments(m, t, (lac_hole_fill)lac_config_choice(m->ip->config, "hole_fill", LAC_HOLE_FILLS), &m->s->filled);
}

static void free_subject(void *made)
{
    lac_latent_subject *s = made;
    lac_tensor *const parts[] = { s->text, s->no_text, s->visual, s->cells, s->filled, s->source };
    for (size_t i = 0; i < LAC_COUNT(parts); i++)
        lac_tensor_free(parts[i]);
    lac_unet_read_free(s->read);
    free(s->read_of);
    free(s);
}

lac_status lac_latent_subject_of(lac_latent_subject **s, const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const lac_latent_system *system, bool guided)
{
    *s = c->memo->made;
    if (*s != NULL)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)s, 1, sizeof **s));
    *c->memo = (lac_canvas_memo){ *s, free_subject };
    making m = { .s = *s, .ip = ip, .pictures = c->pictures, .system = system, .vae = ip->network[LAC_LATENT_VAE].model };
    LAC_TRY(lac_latent_texts(ip, &ip->network[LAC_LATENT_TEXT], t, c->pictures, guided, &(*s)->text, &(*s)->no_text));
    LAC_TRY(make_visual(&m, t));
    return make_pictures(&m, t);
}

lac_status lac_latent_subject_read(lac_latent_subject *s, const lac_canvas *c, const lac_unet *unet, int64_t n, int64_t context, int64_t fusion, bool *filled)
{
    const size_t bytes = (size_t)c->image.dim[0] * sizeof *c->of;
    const bool fits = s->read != NULL && s->read->n == n;
    *filled = fits && memcmp(s->read_of, c->of, bytes) == 0;
    if (!fits) {
        lac_unet_read_free(s->read);
        s->read = NULL;
        LAC_TRY(lac_unet_read_new(&s->read, unet, n, context, fusion));
        LAC_TRY(lac_realloc((void **)&s->read_of, bytes));
    }
    memcpy(s->read_of, c->of, bytes);
    return LAC_OK;
}
