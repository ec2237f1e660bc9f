/* What a batch of the recipe `latent` holds, and what of it is kept rather than made in a step. */
#include "train/recipe_latent_internal.h"

#include "models/clip/vision.h"
#include "train/texts.h"

#include <string.h>

/* ---- kept ---- */

/* Of the rows of surroundings. */
static const char *fill_about(lac_hole_fill fill)
{
    static const char *const about[] = { [LAC_HOLE_FILL_GREY] = "", [LAC_HOLE_FILL_BLACK] = "hole black\n", [LAC_HOLE_FILL_KEEP] = "hole kept\n" };
    return about[fill];
}

lac_status latent_choose_kept(lac_recipe *r, const latent *m, const json_t *config)
{
    const lac_autoencoder *vae = m->net[VAE]->model;
    const char *cache = lac_config_str(config, "model.cache");
    const bool around = strcmp(cache, "latents") == 0 && latent_inpaints(m) && lac_recipe_masks_of_record(config);
    if (strcmp(cache, "off") != 0)
        r->latents[LAC_LATENT_MOMENTS] = (lac_recipe_latents){ .encoder = m->net[VAE], .one = { 3, { m->h, m->h, vae->codebook != NULL ? m->z : 2 * m->z } }, .dtype = r->dtype,
                                                               .kept = { true, around }, .encode = latent_encode, .about = fill_about(m->fill) };
    return m->visual >= 0 ? lac_visual_keep(r, m->net[VISION], config, (const bool[]){ latent_wants_truth(m), latent_wants_seen(m) }) : LAC_OK;
}

lac_status latent_choose_texts(lac_recipe *r, const latent *m, const json_t *model)
{
    lac_cache_row row;
    if (!lac_config_bool(model, "cache_texts"))
        return LAC_OK;
    if (m->net[TEXT] == NULL || !m->net[TEXT]->params->frozen)
        return LAC_FAIL(LAC_ERR_CONFIG, m->net[TEXT] == NULL ? "model.cache_texts: '%s' has no text encoder" : "model.cache_texts: the text encoder of '%s' is trained, its states change; "
                        "expected train_text = false", m->system->name);
    r->texts = (lac_recipe_texts){ .encoder = m->net[TEXT], .prompts = &m->prompts };
    LAC_TRY(lac_texts_plan(&row, m->net[TEXT], lac_prompts_length(&m->prompts), r->backend));
    r->texts.one = row.one;
    r->texts.dtype = row.dtype;
    return LAC_OK;
}

/* ---- fields ---- */

static const char *const loaded[N_LOADED] = { "image", "mask", "caption", "moments", "moments_around", "features", "features_around" };

void latent_choose_fields(lac_recipe *r, latent *m)
{
    const bool *moments = r->latents[LAC_LATENT_MOMENTS].kept, *seen = r->latents[LAC_LATENT_FEATURES].kept;
    const bool looks = (latent_wants_truth(m) && !seen[LAC_LATENT_PICTURE]) || (latent_wants_seen(m) && !seen[LAC_LATENT_AROUND]);
    const bool wanted[N_LOADED] = { !moments[LAC_LATENT_PICTURE] || (latent_inpaints(m) && !moments[LAC_LATENT_AROUND]) || looks, true, true, moments[LAC_LATENT_PICTURE],
                                    moments[LAC_LATENT_AROUND], seen[LAC_LATENT_PICTURE], seen[LAC_LATENT_AROUND] };
    for (int i = 0; i < N_FIELDS; i++)
        m->at[i] = -1;
    for (int i = 0; i < N_LOADED; i++)
        if (wanted[i]) {
            m->at[i] = m->n_fields;
            m->fields[m->n_fields++] = loaded[i];
        }
    r->fields = m->fields;
}

lac_status latent_derived_field(lac_recipe *r, latent *m, int what, const char *name, lac_dtype d, int ndim, const int64_t *dim)
{
    m->at[what] = m->n_fields++;
    return lac_recipe_derive(r, name, d, ndim, dim);
}

lac_status latent_declare(lac_recipe *r, latent *m)
{
    const lac_recipe_latents *moments = &r->latents[LAC_LATENT_MOMENTS];
    const int64_t map[3] = { m->h, m->h, m->z }, two[1] = { 2 }, cells[3] = { m->h, m->h, 1 }, pixels[3] = { r->size, r->size, 1 };
    const int64_t ids[1] = { m->net[TEXT] != NULL ? lac_prompts_length(&m->prompts) : 1 };
    if (r->texts.encoder != NULL)
        LAC_TRY(latent_derived_field(r, m, STATES, "states", LAC_F32, 2, r->texts.one.dim));
    else
        LAC_TRY(latent_derived_field(r, m, IDS, "ids", LAC_I32, 1, ids));
    LAC_TRY(latent_derived_field(r, m, TIMESTEP, "timestep", LAC_F32, 0, NULL));
    LAC_TRY(latent_derived_field(r, m, NOISED, "noised", LAC_F32, 1, two));
    LAC_TRY(latent_derived_field(r, m, TARGET, "target", LAC_F32, 1, two));
    LAC_TRY(latent_derived_field(r, m, WEIGHT, "weight", LAC_F32, 0, NULL));
    LAC_TRY(latent_derived_field(r, m, NOISE, "noise", LAC_F32, 3, map));
    LAC_TRY(latent_derived_field(r, m, POSTERIOR, "posterior", LAC_F32, 3, map));
    LAC_TRY(latent_derived_field(r, m, AROUND, "around", LAC_F32, 3, map));
    LAC_TRY(latent_derived_field(r, m, HOLE, "hole", LAC_F32, 3, pixels));
    LAC_TRY(latent_derived_field(r, m, CELLS, "cells", LAC_F32, 3, cells));
    if (latent_brushes(m)) {
        LAC_TRY(latent_derived_field(r, m, LEVEL, "level", LAC_I32, 0, NULL));
        LAC_TRY(latent_derived_field(r, m, EXACT, "exact", LAC_F32, 3, cells));
    }
    return moments->kept[LAC_LATENT_AROUND] ? latent_derived_field(r, m, SURROUNDINGS, "surroundings", LAC_F32, 3, moments->one.dim) : LAC_OK;
}
