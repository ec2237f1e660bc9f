/* CAT-Diffusion's first stage (arXiv:2409.08260, sec. 3.2; as released, mldm_stage1.py): SemInpainter learns from CLIP's image tower what it would see of the whole picture, from what it sees of
 * the picture with its hole, the hole, and the prompt.
 *
 *     loss = sum over patches of r mean over channels of (V - V_truth)^2 / (how many are hole, and one) + mean (g - g_truth)^2          r: 1, or 1 for the hole's
 *
 * Beside it two distances in the hole that move nothing, 1 - cos(V, V_truth) and 1 - cos(V^, V_truth): after and before SemInpainter. */
#include "train/recipe.h"

#include "autograd/ops/l2_normalize/l2_normalize.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "core/memory.h"
#include "models/clip/text.h"
#include "train/visual.h"

#include <stdlib.h>
#include <string.h>

enum { VISION, TEXT, SEM, N_ROLES };
/* What a batch may hold: of the loader, then derived. What is kept of a picture stands in SEEN's or TRUTH's place. */
enum { IMAGE, MASK, CAPTION, TRUTH_KEPT, SEEN_KEPT, N_LOADED, IDS = N_LOADED, SEEN, TRUTH, CELLS, N_FIELDS };

typedef struct distill {
    const lac_network *net[N_ROLES];
    lac_prompts prompts;
    bool masked, global_token;
    int64_t global;                     /* pictures of the whole batch */
    const char *fields[N_LOADED + 1];
    int at[N_FIELDS], n_fields;         /* where each stands in a batch; -1: it does not */
} distill;

static const lac_key network_keys[] = { { "config", LAC_KEY_TABLE, "{}", .help = "its published config" }, { NULL } };

static const lac_key model_keys[] = {
    { "clip_vision", LAC_KEY_TABLE, "{}", .sub = network_keys, .help = "CLIP's image tower, frozen: eyes and teacher" },
    { "text_encoder", LAC_KEY_TABLE, "{}", .sub = network_keys, .help = "CLIP's text tower, frozen" },
    { "sem_inpainter", LAC_KEY_TABLE, "{}", .sub = network_keys, .help = "what learns" },
    { "tokenizer", LAC_KEY_STR, "\"\"", .help = "folder of its tokenizer, or one of the program's own: data/stamps/tokenizer" },
    { "prompts", LAC_KEY_TABLE, "{}", .sub = lac_prompts_keys, .help = "how texts become ids" },
    { "cache_features", LAC_KEY_STR, "\"off\"", .choices = LAC_VISUAL_CACHES, .help = LAC_VISUAL_CACHE_HELP },
    { "cache_folder", LAC_KEY_STR, "\"cache\"", .help = "where that lies" },
    { NULL },
};

static const lac_key loss_keys[] = {
    { "kd_region", LAC_KEY_STR, "\"masked\"", .choices = LAC_LESSON_REGIONS, .help = "patches that count: the hole's, as the paper draws it; all, as the released code adds them up" },
    { NULL },
};

/* ---- opening ---- */

static lac_status open_networks(lac_recipe *r, distill *m, const json_t *model)
{
    static const struct { const char *name; const lac_network_def *def; } role[N_ROLES] = {
        { "clip_vision", &lac_network_clip_vision }, { "text_encoder", &lac_network_clip_text }, { "sem_inpainter", &lac_network_sem_inpainter } };
    for (int i = 0; i < N_ROLES; i++) {
        LAC_TRY(lac_recipe_open_network(r, role[i].name, role[i].def, lac_config_at(lac_config_at(model, role[i].name), "config"), &m->net[i]));
        m->net[i]->params->frozen = i != SEM;
    }
    return LAC_OK;
}

static lac_status agree(const char *what, int64_t found, int64_t wanted)
{
    return found == wanted ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "model.sem_inpainter: %s is %lld, should be %lld as the towers have it", what, (long long)found, (long long)wanted);
}

static lac_status check_towers(const distill *m)
{
    const lac_clip_vision_config *v = &((const lac_clip_vision *)m->net[VISION]->model)->c;
    const lac_sem_inpainter_config *c = &((const lac_sem_inpainter *)m->net[SEM]->model)->c;
    LAC_TRY(agree("hidden_size", c->encoder.width, v->encoder.width));
    LAC_TRY(agree("image_size over patch_size", c->side, v->image / v->patch));
    LAC_TRY(agree("label_mlp.in_channels", c->text_width, ((const lac_clip_text *)m->net[TEXT]->model)->c.encoder.width));
    return agree("text_tokens", c->text_tokens, 1);
}

static void choose_fields(lac_recipe *r, distill *m)
{
    static const char *const loaded[N_LOADED] = { "image", "mask", "caption", "features", "features_around" };
    const bool *kept = r->latents[LAC_LATENT_FEATURES].kept;
    const bool wanted[N_LOADED] = { !kept[LAC_LATENT_PICTURE] || !kept[LAC_LATENT_AROUND], true, true, kept[LAC_LATENT_PICTURE], kept[LAC_LATENT_AROUND] };
    for (int i = 0; i < N_FIELDS; i++)
        m->at[i] = -1;
    for (int i = 0; i < N_LOADED; i++)
        if (wanted[i]) {
            m->at[i] = m->n_fields;
            m->fields[m->n_fields++] = loaded[i];
        }
    r->fields = m->fields;
}

static lac_status derived(lac_recipe *r, distill *m, int what, const char *name, lac_dtype d, int ndim, const int64_t *dim)
{
    m->at[what] = m->n_fields++;
    return lac_recipe_derive(r, name, d, ndim, dim);
}

static lac_status declare(lac_recipe *r, distill *m)
{
    const lac_clip_vision_config *v = &((const lac_clip_vision *)m->net[VISION]->model)->c;
    const int64_t ids = lac_prompts_length(&m->prompts), side = v->image / v->patch, picture[3] = { v->image, v->image, 3 }, cells[3] = { side, side, 1 };
    LAC_TRY(derived(r, m, IDS, "ids", LAC_I32, 1, &ids));
    if (m->at[SEEN_KEPT] < 0)
        LAC_TRY(derived(r, m, SEEN, "seen", LAC_F32, 3, picture));
    if (m->at[TRUTH_KEPT] < 0)
        LAC_TRY(derived(r, m, TRUTH, "truth", LAC_F32, 3, picture));
    return derived(r, m, CELLS, "cells", LAC_F32, 3, cells);
}

static lac_status make_phase(lac_recipe *r, const distill *m)
{
    lac_phase *p;
    LAC_TRY(lac_recipe_phase(r, &p, "distill", "sem_inpainter", m->net[SEM]->params));
    LAC_TRY(lac_phase_loss(p, "patches", 1));
    if (m->global_token)
        LAC_TRY(lac_phase_loss(p, "global", 1));
    LAC_TRY(lac_phase_loss(p, "apart", 0));
    return lac_phase_loss(p, "apart_before", 0);
}

static lac_status open(lac_recipe *r, const json_t *config)
{
    const json_t *model = lac_config_at(config, "model");
    LAC_TRY(lac_calloc(&r->state, 1, sizeof(distill)));
    distill *m = r->state;
    LAC_TRY(open_networks(r, m, model));
    LAC_TRY(check_towers(m));
    LAC_TRY(lac_recipe_tokenizer(r, &m->prompts, model));
    LAC_TRY(lac_context(lac_prompts_fit(&m->prompts, m->net[TEXT]), "model.text_encoder"));
    m->masked = lac_config_choice(config, "loss.kd_region", LAC_LESSON_REGIONS) == 0;
    m->global_token = ((const lac_sem_inpainter *)m->net[SEM]->model)->c.global_token;
    m->global = lac_config_int(config, "batch.global");
    LAC_TRY(lac_visual_keep(r, m->net[VISION], config, (const bool[]){ true, true }));
    choose_fields(r, m);
    LAC_TRY(declare(r, m));
    return make_phase(r, m);
}

static void close_recipe(lac_recipe *r)
{
    distill *m = r->state;
    if (m != NULL)
        lac_prompts_close(&m->prompts);
}

/* ---- what the host derives ---- */

static lac_tensor *field_of(const distill *m, lac_batch *b, int what) { return m->at[what] >= 0 ? &b->field[m->at[what]].tensor : NULL; }

static lac_status derive(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    const distill *m = r->state;
    const lac_tensor *image = field_of(m, b, IMAGE), *mask = field_of(m, b, MASK);
    const int64_t length = lac_prompts_length(&m->prompts), pixels = r->size * r->size;
    (void)d;
    for (int64_t i = 0; i < b->n; i++) {
        const char *text = (const char *)field_of(m, b, CAPTION)->data + i * LAC_CAPTION_BYTES;
        const lac_image picture = { r->size, r->size, 3, image != NULL ? (uint8_t *)image->data + 3 * i * pixels : NULL };
        LAC_TRY(lac_prompts_ids(&m->prompts, text, (int32_t *)field_of(m, b, IDS)->data + i * length, NULL));
        LAC_TRY(m->at[TRUTH] >= 0 ? lac_visual_derive(m->net[VISION], &picture, NULL, i, field_of(m, b, TRUTH), NULL) : LAC_OK);
        LAC_TRY(lac_visual_derive(m->net[VISION], &picture, (const uint8_t *)mask->data + i * pixels, i, field_of(m, b, SEEN), field_of(m, b, CELLS)));
    }
    return LAC_OK;
}

/* ---- a step ---- */

/* Sum over the hole's patches of 1 - cos. */
static lac_tensor *apart(lac_tape *t, lac_tensor *x, lac_tensor *truth, lac_tensor *cells)
{
    if (x == NULL || truth == NULL)
        return NULL;
    const int64_t n = x->dim[0] * x->dim[1], rows[2] = { n, x->dim[2] };
    lac_tensor *u = lac_l2_normalize(t, lac_reshape(t, lac_detach(t, x), 2, rows), LAC_F32), *v = lac_l2_normalize(t, lac_reshape(t, truth, 2, rows), LAC_F32);
    lac_tensor *sum = lac_mse_loss(t, u, v, lac_reshape(t, cells, 1, &n), NULL, NULL);
    return lac_weighted_sum(t, &sum, (float[]){ 0.5f }, 1);
}

static lac_status forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *field, lac_phase_out *out)
{
    const distill *m = r->state;
    lac_tensor *lesson[LAC_LESSONS], *cells = field[m->at[CELLS]];
    int n = 0;
    (void)run;
    const lac_clip_text_out text = lac_clip_text_forward(t, m->net[TEXT]->model, field[m->at[IDS]]);
    const lac_clip_vision_out seen = lac_visual_look(t, r, m->net[VISION], field[m->at[SEEN] >= 0 ? m->at[SEEN] : m->at[SEEN_KEPT]]);
    const lac_clip_vision_out truth = lac_visual_look(t, r, m->net[VISION], field[m->at[TRUTH] >= 0 ? m->at[TRUTH] : m->at[TRUTH_KEPT]]);
    const lac_sem_inpainter_out said = lac_visual_said(t, m->net[SEM]->model, &seen, cells, text.pooled);
    lac_visual_teach(t, &(lac_visual_lesson){ &said, &truth, cells, m->masked }, lesson);
    out->sum[n++] = lesson[LAC_LESSON_PATCHES];
    if (m->global_token)
        out->sum[n++] = lesson[LAC_LESSON_GLOBAL];
    lac_tensor *whole = lac_visual_patches(t, &truth);
    out->sum[n++] = apart(t, said.spatial, whole, cells);
    out->sum[n++] = apart(t, lac_visual_patches(t, &seen), whole, cells);
    return lac_tape_status(t);
}

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    const distill *m = r->state;
    const lac_tensor *cells = &batch->field[m->at[CELLS]].tensor;
    double lesson[LAC_LESSONS];
    int n = 0;
    (void)phase;
    lac_visual_count(cells, m->net[SEM]->model, m->global, lesson);
    to[n++] = lesson[LAC_LESSON_PATCHES];
    if (m->global_token)
        to[n++] = lesson[LAC_LESSON_GLOBAL];
    to[n++] = lac_visual_holes(cells);
    to[n++] = lac_visual_holes(cells);
}

static const char *const fields[] = { "image", "mask", "caption", NULL }, *const optims[] = { "sem_inpainter", NULL };

const lac_recipe_def lac_recipe_distill = {
    .name = "distill", .about = "CAT-Diffusion's SemInpainter, taught by CLIP what is behind the hole", .model_keys = model_keys, .loss_keys = loss_keys, .fields = fields,
    .optims = optims, .open = open, .close = close_recipe, .derive = derive, .forward = forward, .count = count,
};
