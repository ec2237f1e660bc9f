/* What the host derives for the recipe `latent`: prompts, timesteps, noise, holes. */
#include "train/recipe_latent_internal.h"

#include "core/image/coarse_mask.h"
#include "models/clip/text.h"
#include "train/texts.h"

#include <string.h>

/* ---- texts ---- */

/* Where the text ends in its ids, as the tower takes its pooled state. */
static int64_t end_of(const int32_t *ids, int64_t n, int64_t eos)
{
    int64_t at = 0;
    for (int64_t k = 1; k < n; k++)
        if (eos == 2 ? ids[k] > ids[at] : ids[k] == eos && ids[at] != eos)
            at = k;
    return at;
}

static lac_status derive_kept_text(const lac_recipe *r, lac_batch *b, int64_t i, const char *text)
{
    const latent *m = r->state;
    const int64_t length = lac_prompts_length(&m->prompts), width = r->texts.one.dim[1];
    float *states = (float *)latent_data(m, b, STATES) + i * length * width;
    if (r->texts.kept == NULL)
        return LAC_FAIL(LAC_ERR_STATE, "no cache of texts is open");
    LAC_TRY(lac_texts_read(r->texts.kept, text, states));
    if (m->at[SAID] < 0)
        return LAC_OK;
    LAC_TRY(lac_prompts_ids(&m->prompts, text, m->ids, NULL));
    memcpy((float *)latent_data(m, b, SAID) + i * width, states + end_of(m->ids, length, ((const lac_clip_text *)m->net[TEXT]->model)->c.eos) * width, (size_t)width * sizeof *states);
    return LAC_OK;
}

static lac_status derive_one_text(const lac_recipe *r, lac_batch *b, int64_t i, const char *text)
{
    const latent *m = r->state;
    return r->texts.encoder != NULL ? derive_kept_text(r, b, i, text)
         : lac_prompts_ids(&m->prompts, text, (int32_t *)latent_data(m, b, IDS) + i * lac_prompts_length(&m->prompts), NULL);
}

/* Whether a coin of that name leaves sample i without its condition. */
bool latent_loses(const latent *m, const lac_draws *d, int64_t i, const char *coin, double share)
{
    lac_draws whole = *d;
    whole.first = 0;
    lac_stream random = m->drop_rule == DROP_PER_BATCH ? lac_draws_at(&whole, coin, 0) : lac_draws_at(d, coin, i);
    return lac_stream_uniform(&random) < share;
}

static lac_status derive_text(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    const latent *m = r->state;
    const char *caption = latent_data(m, b, CAPTION);
    if (m->net[TEXT] == NULL)
        return LAC_OK;
    for (int64_t i = 0; i < b->n; i++)
        LAC_TRY(derive_one_text(r, b, i, latent_loses(m, d, i, "drop", m->drop) ? "" : caption + i * LAC_CAPTION_BYTES));
    return LAC_OK;
}

/* ---- times and noise ---- */

static lac_status derive_times(const latent *m, const lac_draws *d, lac_batch *b)
{
    float *t = latent_data(m, b, TIMESTEP);
    for (int64_t i = 0; i < b->n; i++) {
        lac_stream random = lac_draws_at(d, LAC_DRAW_TIME, i);
        const int64_t step = lac_stream_below(&random, (uint32_t)m->objective.schedule.n);
        const lac_objective_rows rows = { .sample = (float *)latent_data(m, b, NOISED) + 2 * i, .target = (float *)latent_data(m, b, TARGET) + 2 * i,
                                          .weight = (float *)latent_data(m, b, WEIGHT) + i };
        t[i] = (float)step;
        LAC_TRY(lac_objective_fill(&m->objective, &step, 1, &rows));
    }
    return LAC_OK;
}

/* The noise that is added, and what is drawn of the two posteriors. */
static void derive_noise(const latent *m, const lac_draws *d, lac_batch *b)
{
    static const struct { int field; const char *what; } drawn[] = { { NOISE, LAC_DRAW_NOISE }, { POSTERIOR, "posterior" }, { AROUND, "around" } };
    const int64_t n = m->h * m->h * m->z;
    for (size_t k = 0; k < LAC_COUNT(drawn); k++)
        for (int64_t i = 0; i < b->n; i++) {
            const lac_stream random = lac_draws_at(d, drawn[k].what, i);
            lac_philox_normals(&random.philox, (float *)latent_data(m, b, drawn[k].field) + i * n, n);
        }
}

/* ---- holes ---- */

static bool is_whole(const latent *m, const lac_draws *d, int64_t i)
{
    lac_stream random = lac_draws_at(d, "whole", i);
    return lac_stream_uniform(&random) < m->whole;
}

/* Makes the mask of sample i, in `bytes`, as coarse as is drawn for it. A picture that is hole altogether is all object. */
static lac_status derive_precision(const latent *m, const lac_draws *d, lac_batch *b, int64_t i, bool whole, lac_image *bytes)
{
    lac_stream random = lac_draws_at(d, "precision", i);
    const int level = (int)lac_stream_below(&random, LAC_PRECISION_LEVELS);
    ((int32_t *)latent_data(m, b, LEVEL))[i] = whole ? 0 : level;
    LAC_TRY(lac_latent_mask_make((float *)latent_data(m, b, EXACT) + i * m->h * m->h, m->h, m->h, bytes, m->mask_rule));
    return whole ? LAC_OK : lac_mask_coarsen(bytes, m->coarse[level]);
}

static lac_status derive_hole(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    latent *m = r->state;
    const int64_t pixels = r->size * r->size;
    for (int64_t i = 0; i < b->n; i++) {
        const bool whole = is_whole(m, d, i);
        const uint8_t *mask = (const uint8_t *)latent_data(m, b, MASK) + i * pixels;
        float *hole = (float *)latent_data(m, b, HOLE) + i * pixels;
        for (int64_t k = 0; k < pixels; k++)
            m->bytes.pixels[k] = whole || mask[k] != 0 ? 255 : 0;
        if (latent_brushes(m))
            LAC_TRY(derive_precision(m, d, b, i, whole, &m->bytes));
        for (int64_t k = 0; k < pixels; k++)
            hole[k] = m->bytes.pixels[k] != 0;
        float *cells = (float *)latent_data(m, b, CELLS) + i * m->h * m->h;
        LAC_TRY(lac_latent_mask_make(cells, m->h, m->h, &m->bytes, m->mask_rule));
        lac_latent_mask_read(cells, m->h * m->h, m->beside);
    }
    return LAC_OK;
}

/* What is kept of pictures with their holes, or of one that is hole altogether. */
static lac_status derive_around(const lac_recipe *r, const lac_draws *d, lac_batch *b, lac_latent_sort sort, int from, int to)
{
    const latent *m = r->state;
    const lac_recipe_latents *l = &r->latents[sort];
    const int64_t n = lac_shape_numel(&l->one);
    for (int64_t i = 0; l->kept[LAC_LATENT_AROUND] && i < b->n; i++) {
        const bool whole = is_whole(m, d, i);
        if (whole && l->whole == NULL)
            return LAC_FAIL(LAC_ERR_STATE, "no cache of latents is open");
        memcpy((float *)latent_data(m, b, to) + i * n, whole ? l->whole : (const float *)latent_data(m, b, from) + i * n, (size_t)n * sizeof(float));
    }
    return LAC_OK;
}

lac_status latent_derive(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    LAC_TRY(derive_text(r, d, b));
    LAC_TRY(derive_times(r->state, d, b));
    derive_noise(r->state, d, b);
    LAC_TRY(derive_hole(r, d, b));
    LAC_TRY(latent_derive_visual(r, d, b));
    LAC_TRY(derive_around(r, d, b, LAC_LATENT_MOMENTS, MOMENTS_AROUND, SURROUNDINGS));
    return derive_around(r, d, b, LAC_LATENT_FEATURES, SEEN_KEPT, SEEN);
}
