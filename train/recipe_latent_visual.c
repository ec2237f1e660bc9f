/* The visual prompt of the recipe `latent`: what RefAdapters read. */
#include "train/recipe_latent_internal.h"

#include "autograd/ops/lincomb/lincomb.h"

#include <string.h>

lac_status latent_choose_visual(latent *m, const json_t *model, const json_t *loss)
{
    m->visual = lac_config_choice(model, "visual", LAC_VISUALS);
    m->lesson = lac_config_num(loss, "distill");
    m->lesson_masked = lac_config_choice(loss, "kd_region", LAC_LESSON_REGIONS) == 0;
    if (m->visual != LAC_VISUAL_AUTO && m->net[VISION] == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.visual: '%s' has no RefAdapters", m->system->name);
    if (m->net[VISION] == NULL)
        m->visual = -1;
    else if (m->visual == LAC_VISUAL_AUTO)
        m->visual = m->net[SEM] != NULL ? LAC_VISUAL_PREDICTED : LAC_VISUAL_MASKED;
    if (m->visual == LAC_VISUAL_PREDICTED && m->net[SEM] == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.visual: '%s' has no SemInpainter that predicts", m->system->name);
    if (m->net[SEM] != NULL && !m->net[SEM]->params->frozen && m->visual != LAC_VISUAL_PREDICTED)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.train_sem_inpainter: it is not heard, expected visual = \"predicted\"");
    return m->lesson == 0 || (m->net[SEM] != NULL && !m->net[SEM]->params->frozen) ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "loss.distill: SemInpainter is not trained, expected train_sem_inpainter = true");
}

/* What no file gives them stays so. */
void latent_silence_adapters(const latent *m, bool silent)
{
    const lac_params *ps = m->net[UNET]->params;
    for (int64_t i = 0; silent && i < ps->n; i++)
        if (strstr(ps->param[i]->name, ".attn3.to_out.0.") != NULL)
            lac_param_zero(ps->param[i]);
}

bool latent_wants_truth(const latent *m) { return m->visual == LAC_VISUAL_TRUTH || m->lesson > 0; }
bool latent_wants_seen(const latent *m) { return m->visual >= 0 && m->visual != LAC_VISUAL_TRUTH; }

/* What is kept of the picture with its hole stands in the place of that picture: some are hole altogether, which the loader does not know. */
lac_status latent_declare_visual(lac_recipe *r, latent *m)
{
    if (m->visual < 0)
        return LAC_OK;
    const lac_clip_vision_config *c = &((const lac_clip_vision *)m->net[VISION]->model)->c;
    const lac_recipe_latents *l = &r->latents[LAC_LATENT_FEATURES];
    const lac_shape picture = { 3, { c->image, c->image, 3 } }, *seen = l->kept[LAC_LATENT_AROUND] ? &l->one : &picture;
    const int64_t side = c->image / c->patch, patches[3] = { side, side, 1 }, one = 1;
    if (latent_wants_seen(m)) {
        LAC_TRY(latent_derived_field(r, m, SEEN, "seen", LAC_F32, seen->ndim, seen->dim));
        LAC_TRY(latent_derived_field(r, m, PATCHES, "patches", LAC_F32, 3, patches));
    }
    if (latent_wants_truth(m) && !l->kept[LAC_LATENT_PICTURE])
        LAC_TRY(latent_derived_field(r, m, TRUTH, "truth", LAC_F32, 3, picture.dim));
    if (m->visual == LAC_VISUAL_PREDICTED && r->texts.encoder != NULL)
        LAC_TRY(latent_derived_field(r, m, SAID, "said", LAC_F32, 1, &r->texts.one.dim[1]));
    return latent_derived_field(r, m, HEARD, "heard", LAC_F32, 1, &one);
}

/* ---- what the host derives ---- */

static lac_tensor *made(const latent *m, lac_batch *b, int what) { return m->at[what] >= 0 ? &b->field[m->at[what]].tensor : NULL; }

/* hole: a picture's, as derive_hole made it. */
static lac_status see(const lac_recipe *r, lac_batch *b, int64_t i, const float *hole)
{
    const latent *m = r->state;
    const int64_t pixels = r->size * r->size;
    const lac_image picture = { r->size, r->size, 3, m->at[IMAGE] >= 0 ? (uint8_t *)latent_data(m, b, IMAGE) + 3 * i * pixels : NULL };
    for (int64_t k = 0; k < pixels; k++)
        m->bytes.pixels[k] = hole[k] != 0;
    if (m->at[TRUTH] >= 0)
        LAC_TRY(lac_visual_derive(m->net[VISION], &picture, NULL, i, made(m, b, TRUTH), NULL));
    return m->at[SEEN] < 0 ? LAC_OK
         : lac_visual_derive(m->net[VISION], &picture, m->bytes.pixels, i, r->latents[LAC_LATENT_FEATURES].kept[LAC_LATENT_AROUND] ? NULL : made(m, b, SEEN), made(m, b, PATCHES));
}

lac_status latent_derive_visual(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    const latent *m = r->state;
    const bool separate = m->drop_rule == DROP_SEPARATE;
    for (int64_t i = 0; m->visual >= 0 && i < b->n; i++) {
        LAC_TRY(see(r, b, i, (const float *)latent_data(m, b, HOLE) + i * r->size * r->size));
        ((float *)latent_data(m, b, HEARD))[i] = !latent_loses(m, d, i, separate ? "drop/visual" : "drop", separate ? m->drop_visual : m->drop);
    }
    return LAC_OK;
}

/* ---- a step ---- */

/* What RefAdapters read, zeros where a sample does not hear it; and what SemInpainter is taught of. */
lac_tensor *latent_visual_of(const lac_recipe *r, lac_tape *t, lac_tensor *const *f, lac_tensor *text, lac_phase_out *out)
{
    const latent *m = r->state;
    if (m->visual < 0)
        return NULL;
    lac_tensor *whole = m->at[TRUTH] >= 0 ? f[TRUTH] : f[TRUTH_KEPT];
    const lac_clip_vision_out eyes = lac_visual_look(t, r, m->net[VISION], m->visual == LAC_VISUAL_TRUTH ? whole : f[SEEN]);
    lac_tensor *visual;
    if (m->visual == LAC_VISUAL_PREDICTED) {
        const lac_sem_inpainter *sem = m->net[SEM]->model;
        const lac_sem_inpainter_out said = lac_visual_said(t, sem, &eyes, f[PATCHES], text);
        visual = lac_visual_prompt(t, sem, &said, &eyes, f[PATCHES]);
        if (m->lesson > 0) {
            const lac_clip_vision_out truth = lac_visual_look(t, r, m->net[VISION], whole);
            lac_visual_teach(t, &(lac_visual_lesson){ &said, &truth, f[PATCHES], m->lesson_masked }, out->sum + 1);
        }
    } else
        visual = lac_visual_as_seen(t, &eyes);
    return visual == NULL ? NULL : lac_lincomb(t, f[HEARD], &visual, 1, r->dtype);
}
