/* Latent diffusion inpainting (arXiv:2112.10752; Stable Diffusion's inpainting, catdiff.md 3.5): a denoiser over latents of a frozen autoencoder, told the
 * hole, the picture around it and a text; and the text's encoder, frozen or trained along.
 *
 *     z = E(x),  x_t = alpha z + sigma noise,  loss = mean of weight_t (unet([x_t | hole | E(x with its hole filled)], t, text) - target)^2
 *
 * A denoiser whose input is no wider than the latent is told neither hole nor surroundings: plain text-to-image training. One that reads the hole alone, and how exact
 * it is, sees the surroundings clean and says where the object is (SmartBrush, arXiv:2212.05034; catdiff.md 3.6):
 *
 *     x = m_s x_t + (1 - m_s) z,  loss = mean of weight_t (unet([x | m_s], t, text, s) - target)^2 + 0.01 dice(the channel beside, m)
 *
 * m_s is the object's mask m made coarser, by a level s from its outline to its box (core/image/coarse_mask.h). What is drawn, timestep, noise,
 * the posterior's samples, which prompts are left out and which pictures are hole altogether, is derived on the host (train/recipe.h). */
#include "train/recipe.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/dice_loss/dice_loss.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/slice/slice.h"
#include "core/image/coarse_mask.h"
#include "core/memory.h"
#include "data/mask_source.h"
#include "models/autoencoder/autoencoder.h"
#include "models/clip/text.h"
#include "models/diffusion/objective.h"
#include "models/latent/condition.h"
#include "models/latent/system.h"
#include "models/unet/unet.h"
#include "train/texts.h"
#include "train/visual.h"

#include <stdlib.h>
#include <string.h>

enum { UNET, VAE, TEXT, VISION, SEM, N_ROLES };
static const char *const role[N_ROLES] = { "unet", "vae", "text_encoder", "clip_vision", "sem_inpainter" };

/* What a batch may hold: of the loader, then derived. */
enum { IMAGE, MASK, CAPTION, MOMENTS, MOMENTS_AROUND, N_LOADED,
       IDS = N_LOADED, STATES, TIMESTEP, NOISED, TARGET, WEIGHT, NOISE, POSTERIOR, AROUND, HOLE, CELLS, SURROUNDINGS, LEVEL, EXACT, SEEN,
       TRUTH, PATCHES, SAID, HEARD, N_FIELDS };

/* Which conditions a sample loses: both at once, each by a coin of its own, or both for the whole batch by one. */
enum { DROP_JOINT, DROP_SEPARATE, DROP_PER_BATCH };
#define DROPS "joint|separate|per-batch"

static const char *const loaded[N_LOADED] = { "image", "mask", "caption", "moments", "moments_around" };

typedef struct latent {
    const lac_network *net[N_ROLES];            /* TEXT: NULL where the denoiser takes none */
    const lac_inpainter_def *system;
    json_t *settings;                           /* of the inpainter, resolved */
    lac_prompts prompts;
    lac_objective objective;
    lac_latent_mask mask_rule;
    int drop_rule;
    double drop, drop_visual, whole;
    bool recompute;
    int visual;                                 /* lac_visual_from, none of them "auto"; -1: there are no RefAdapters */
    double lesson;                              /* weight of what SemInpainter is taught beside; 0: nothing */
    bool lesson_masked;
    int64_t global;                             /* pictures of the whole batch */
    int64_t h, z;                               /* side and channels of the latents */
    lac_image bytes;                            /* a mask as derive hands it on */
    int32_t *ids;                               /* of a prompt whose states are kept */
    bool inpaints;                              /* it is told hole and surroundings */
    bool brushes;                               /* it is told the hole and its precision, and says the object's */
    double coarse[LAC_PRECISION_LEVELS];        /* by how much masks of a level are blurred (lac_mask_coarsen) */
    int64_t moments;                            /* channels of what the encoder makes */
    bool kept[2];                               /* moments of pictures, and of what is around holes: not made in a step */
    const char *fields[N_LOADED + 1];
    int at[N_FIELDS], n_fields;                 /* where each stands in a batch; -1: it does not */
} latent;

static const lac_key network_keys[] = {
    { "network", LAC_KEY_STR, "\"\"", .help = "which; \"\": the first that the system takes" },
    { "config", LAC_KEY_TABLE, "{}", .help = "its published config" },
    { NULL },
};

static const lac_key model_keys[] = {
    { "system", LAC_KEY_STR, "\"sd-inpaint\"", .help = "the inpainter that it is for (lacuna inpaint --help)" },
    { "settings", LAC_KEY_TABLE, "{}", .help = "of that inpainter: sampler, steps, guidance" },
    { "unet", LAC_KEY_TABLE, "{}", .sub = network_keys, .help = "the denoiser" },
    { "vae", LAC_KEY_TABLE, "{}", .sub = network_keys, .help = "the autoencoder, frozen" },
    { "text_encoder", LAC_KEY_TABLE, "{}", .sub = network_keys, .help = "the text's encoder" },
    { "tokenizer", LAC_KEY_STR, "\"\"", .help = "folder of its tokenizer, or one of the program's own: data/stamps/tokenizer" },
    { "prompts", LAC_KEY_TABLE, "{}", .sub = lac_prompts_keys, .help = "how texts become ids" },
    { "clip_vision", LAC_KEY_TABLE, "{}", .sub = network_keys, .help = "CLIP's image tower, frozen, of a system with RefAdapters" },
    { "sem_inpainter", LAC_KEY_TABLE, "{}", .sub = network_keys, .help = "what CLIP would see of the object to come" },
    { "visual", LAC_KEY_STR, "\"auto\"", .choices = LAC_VISUALS, .help = "what RefAdapters read: CLIP's features of the whole picture (truth), of the one with its hole (masked), SemInpainter's (predicted); auto: the last there is" },
    { "train_unet", LAC_KEY_BOOL, "true", .help = "the denoiser is trained" },
    { "train_sem_inpainter", LAC_KEY_BOOL, "false", .help = "SemInpainter is trained along, by the denoiser's loss" },
    { "ref_zero_init", LAC_KEY_BOOL, "true", .help = "fresh RefAdapters say nothing: their last layer is zero" },
    { "train_text", LAC_KEY_BOOL, "false", .help = "the text's encoder is trained along" },
    { "cache", LAC_KEY_STR, "\"off\"", .choices = "off|pictures|latents", .help = "what the autoencoder makes of pictures, and with latents of their surroundings if masks are fixed, is made once" },
    { "cache_texts", LAC_KEY_BOOL, "false", .help = "what the text's encoder, frozen, makes of the captions is made once" },
    { "cache_folder", LAC_KEY_STR, "\"cache\"", .help = "where both lie" },
    { "recompute", LAC_KEY_BOOL, "false", .help = "the denoiser's layers run again in backward: less memory, a third more work" },
    { NULL },
};

static const lac_key loss_keys[] = {
    { "objective", LAC_KEY_TABLE, "{}", .sub = lac_objective_keys, .help = "schedule, prediction, weights by timestep" },
    { "prompt_dropout", LAC_KEY_NUM, "0.1", .min = 0, .max = 1, .help = "share of the samples whose prompt is empty: what guidance compares with" },
    { "drop", LAC_KEY_STR, "\"joint\"", .choices = DROPS, .help = "which conditions go: text and visual prompt at once, each by its own coin, or of the whole batch by one coin, as CAT-Diffusion's code has it" },
    { "visual_dropout", LAC_KEY_NUM, "0.1", .min = 0, .max = 1, .help = "with drop = separate: share of the samples without visual prompt" },
    { "distill", LAC_KEY_NUM, "0", .min = 0, .help = "weight of SemInpainter's lesson beside (recipe distill); 0: none" },
    { "kd_region", LAC_KEY_STR, "\"masked\"", .choices = LAC_LESSON_REGIONS, .help = "of that lesson: patches that count" },
    { "whole", LAC_KEY_NUM, "0", .min = 0, .max = 1, .help = "share of the samples that are hole altogether" },
    { "dice", LAC_KEY_NUM, "0.01", .min = 0, .max = 1e6, .help = "smartbrush: weight of the mask that is predicted" },
    { "coarse", LAC_KEY_LIST, "[8, 16]", .of = LAC_KEY_NUM, .min = 0, .max = 1e4, .help = "smartbrush: blur of the masks of precision 1 and 2, in pixels of a picture of 512" },
    { "latent_mask", LAC_KEY_STR, "\"nearest\"", .choices = LAC_LATENT_MASKS, .help = "which cells of the latent are hole" },
    { NULL },
};

/* ---- networks ---- */

/* What the system takes for that role where the config does not say. */
static lac_status network_of(const lac_inpainter_def *system, int i, const json_t *given, const lac_network_def **def)
{
    const lac_inpainter_role *r = system->role;
    while (r->name != NULL && strcmp(r->name, role[i]) != 0)
        r++;
    *def = NULL;
    return r->name != NULL ? lac_role_find(r, lac_config_str(given, "network"), def) : LAC_OK;
}

static lac_status open_networks(lac_recipe *r, latent *m, const json_t *model)
{
    for (int i = 0; i < N_ROLES; i++) {
        const lac_network_def *def;
        const json_t *given = lac_config_at(model, role[i]);
        LAC_TRY(lac_context(network_of(m->system, i, given, &def), "model.%s", role[i]));
        if (def != NULL)
            LAC_TRY(lac_recipe_open_network(r, role[i], def, lac_config_at(given, "config"), &m->net[i]));
    }
    if (m->net[UNET] == NULL || m->net[VAE] == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.system: '%s' has no %s", m->system->name, role[m->net[UNET] == NULL ? UNET : VAE]);
    const bool trained[N_ROLES] = { [UNET] = lac_config_bool(model, "train_unet"), [TEXT] = lac_config_bool(model, "train_text"), [SEM] = lac_config_bool(model, "train_sem_inpainter") };
    for (int i = 0; i < N_ROLES; i++) {
        if (m->net[i] != NULL)
            m->net[i]->params->frozen = !trained[i];
        else if (trained[i])
            return LAC_FAIL(LAC_ERR_CONFIG, "model: '%s' has no %s to train", m->system->name, role[i]);
    }
    return LAC_OK;
}

/* The system itself says whether they fit. */
static lac_status check_fit(const latent *m)
{
    json_t *all = json_object();
    for (int i = 0; i < N_ROLES; i++)
        if (m->net[i] != NULL)
            json_object_set_new(all, role[i], json_pack("{s:s, s:O}", "network", m->net[i]->def->name, "config", m->net[i]->config));
    const lac_status s = m->net[VISION] != NULL ? m->system->fits(all) : LAC_OK;
    json_decref(all);
    return lac_context(s, "model: '%s'", m->system->name);
}

static lac_status choose_visual(latent *m, const json_t *model, const json_t *loss)
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
static void silence_adapters(const latent *m, bool silent)
{
    const lac_params *ps = m->net[UNET]->params;
    for (int64_t i = 0; silent && i < ps->n; i++)
        if (strstr(ps->param[i]->name, ".attn3.to_out.0.") != NULL)
            lac_param_zero(ps->param[i]);
}

static lac_status open_tokenizer(latent *m, const json_t *model)
{
    if (m->net[TEXT] == NULL)
        return LAC_OK;
    LAC_TRY(lac_recipe_tokenizer(&m->prompts, model));
    return lac_context(lac_prompts_fit(&m->prompts, m->net[TEXT]), "model.text_encoder");
}

static lac_status check_channels(latent *m, const lac_unet_config *unet)
{
    const int64_t labels = m->brushes ? LAC_PRECISION_LEVELS : 0, out = m->brushes ? m->z + 1 : m->z;
    if (m->brushes && unet->in != m->z + 1)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.unet: in_channels is %lld, expected %lld, with the hole", (long long)unet->in, (long long)m->z + 1);
    if (!m->brushes && unet->in != m->z && !m->inpaints)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.unet: in_channels is %lld, expected %lld, or %lld with hole and surroundings", (long long)unet->in, (long long)m->z,
                        (long long)(2 * m->z + 1));
    if (unet->out != out)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.unet: out_channels is %lld, expected %lld", (long long)unet->out, (long long)out);
    return unet->labels == labels ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "model.unet: %lld num_class_embeds, expected %lld for '%s'", (long long)unet->labels, (long long)labels, m->system->name);
}

static lac_status check_sizes(const lac_recipe *r, latent *m)
{
    const lac_autoencoder *vae = m->net[VAE]->model;
    const lac_unet_config *unet = &((const lac_unet *)m->net[UNET]->model)->config;
    if (r->size % vae->factor != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "data.train.size must be a multiple of %lld, found %lld", (long long)vae->factor, (long long)r->size);
    m->h = r->size / vae->factor;
    m->z = vae->z;
    m->brushes = m->system == &lac_inpainter_smartbrush;
    m->inpaints = !m->brushes && unet->in == 2 * m->z + 1;
    return check_channels(m, unet);
}

/* Level 0 is the object's outline, the last its box. */
static lac_status read_coarse(const lac_recipe *r, latent *m, const json_t *loss)
{
    const json_t *list = lac_config_at(loss, "coarse");
    const int between = LAC_PRECISION_LEVELS - 2;
    if ((int)json_array_size(list) != between)
        return LAC_FAIL(LAC_ERR_CONFIG, "loss.coarse has %d entries, expected %d", (int)json_array_size(list), between);
    for (int i = 0; i < between; i++)
        m->coarse[i + 1] = json_number_value(json_array_get(list, (size_t)i)) * (double)r->size / 512;
    m->coarse[LAC_PRECISION_LEVELS - 1] = -1;
    return LAC_OK;
}

/* ---- opening ---- */

static void choose_kept(lac_recipe *r, latent *m, const json_t *config)
{
    const lac_autoencoder *vae = m->net[VAE]->model;
    const char *cache = lac_config_str(config, "model.cache");
    m->moments = vae->codebook != NULL ? m->z : 2 * m->z;
    m->kept[0] = strcmp(cache, "off") != 0;
    m->kept[1] = strcmp(cache, "latents") == 0 && m->inpaints && lac_mask_source_of_record(lac_config_str(config, "data.train.mask"));
    r->latents = (lac_recipe_latents){ .encoder = m->kept[0] ? m->net[VAE] : NULL, .one = { 3, { m->h, m->h, m->moments } }, .around = m->kept[1] };
}

static lac_status choose_texts(lac_recipe *r, const latent *m, const json_t *model)
{
    int64_t flops;
    if (!lac_config_bool(model, "cache_texts"))
        return LAC_OK;
    if (m->net[TEXT] == NULL || !m->net[TEXT]->params->frozen)
        return LAC_FAIL(LAC_ERR_CONFIG, m->net[TEXT] == NULL ? "model.cache_texts: '%s' has no text encoder" : "model.cache_texts: the text encoder of '%s' is trained, its states change; "
                        "expected train_text = false", m->system->name);
    r->texts = (lac_recipe_texts){ .encoder = m->net[TEXT], .prompts = &m->prompts };
    return lac_texts_plan(m->net[TEXT], lac_prompts_length(&m->prompts), r->backend, &r->texts.one, &r->texts.dtype, &flops);
}

static void choose_fields(lac_recipe *r, latent *m)
{
    const bool wanted[N_LOADED] = { !m->kept[0] || (m->inpaints && !m->kept[1]) || m->visual >= 0, true, true, m->kept[0], m->kept[1] };
    for (int i = 0; i < N_FIELDS; i++)
        m->at[i] = -1;
    for (int i = 0; i < N_LOADED; i++)
        if (wanted[i]) {
            m->at[i] = m->n_fields;
            m->fields[m->n_fields++] = loaded[i];
        }
    r->fields = m->fields;
}

static lac_status derived(lac_recipe *r, latent *m, int what, const char *name, lac_dtype d, int ndim, const int64_t *dim)
{
    m->at[what] = m->n_fields++;
    return lac_recipe_derive(r, name, d, ndim, dim);
}

static lac_status declare(lac_recipe *r, latent *m)
{
    const int64_t map[3] = { m->h, m->h, m->z }, two[1] = { 2 }, cells[3] = { m->h, m->h, 1 }, pixels[3] = { r->size, r->size, 1 };
    const int64_t ids[1] = { m->net[TEXT] != NULL ? lac_prompts_length(&m->prompts) : 1 };
    if (r->texts.encoder != NULL)
        LAC_TRY(derived(r, m, STATES, "states", LAC_F32, 2, r->texts.one.dim));
    else
        LAC_TRY(derived(r, m, IDS, "ids", LAC_I32, 1, ids));
    LAC_TRY(derived(r, m, TIMESTEP, "timestep", LAC_F32, 0, NULL));
    LAC_TRY(derived(r, m, NOISED, "noised", LAC_F32, 1, two));
    LAC_TRY(derived(r, m, TARGET, "target", LAC_F32, 1, two));
    LAC_TRY(derived(r, m, WEIGHT, "weight", LAC_F32, 0, NULL));
    LAC_TRY(derived(r, m, NOISE, "noise", LAC_F32, 3, map));
    LAC_TRY(derived(r, m, POSTERIOR, "posterior", LAC_F32, 3, map));
    LAC_TRY(derived(r, m, AROUND, "around", LAC_F32, 3, map));
    LAC_TRY(derived(r, m, HOLE, "hole", LAC_F32, 3, pixels));
    LAC_TRY(derived(r, m, CELLS, "cells", LAC_F32, 3, cells));
    if (m->brushes) {
        LAC_TRY(derived(r, m, LEVEL, "level", LAC_I32, 0, NULL));
        LAC_TRY(derived(r, m, EXACT, "exact", LAC_F32, 3, cells));
    }
    return m->kept[1] ? derived(r, m, SURROUNDINGS, "surroundings", LAC_F32, 3, r->latents.one.dim) : LAC_OK;
}

static lac_status declare_visual(lac_recipe *r, latent *m)
{
    if (m->visual < 0)
        return LAC_OK;
    const lac_clip_vision_config *c = &((const lac_clip_vision *)m->net[VISION]->model)->c;
    const int64_t side = c->image / c->patch, picture[3] = { c->image, c->image, 3 }, patches[3] = { side, side, 1 }, one = 1;
    if (m->visual != LAC_VISUAL_TRUTH)
        LAC_TRY(derived(r, m, SEEN, "seen", LAC_F32, 3, picture));
    if (m->visual == LAC_VISUAL_TRUTH || m->lesson > 0)
        LAC_TRY(derived(r, m, TRUTH, "truth", LAC_F32, 3, picture));
    if (m->visual == LAC_VISUAL_PREDICTED && r->texts.encoder != NULL)
        LAC_TRY(derived(r, m, SAID, "said", LAC_F32, 1, &r->texts.one.dim[1]));
    LAC_TRY(derived(r, m, PATCHES, "patches", LAC_F32, 3, patches));
    return derived(r, m, HEARD, "heard", LAC_F32, 1, &one);
}

static lac_status make_phase(lac_recipe *r, const latent *m, const json_t *loss)
{
    lac_phase *p;
    LAC_TRY(lac_recipe_phase(r, &p, "denoise", "unet", NULL));
    for (int i = 0; i < N_ROLES; i++)
        if (m->net[i] != NULL && !m->net[i]->params->frozen)
            LAC_TRY(lac_phase_trains(p, m->net[i]->params));
    LAC_TRY(lac_phase_loss(p, "denoise", 1));
    if (m->brushes)
        LAC_TRY(lac_phase_loss(p, "dice", lac_config_num(loss, "dice")));
    if (m->lesson > 0)
        LAC_TRY(lac_phase_loss(p, "distill", m->lesson));
    return m->lesson > 0 && ((const lac_sem_inpainter *)m->net[SEM]->model)->c.global_token ? lac_phase_loss(p, "distill_global", m->lesson) : LAC_OK;
}

static lac_status open(lac_recipe *r, const json_t *config)
{
    const json_t *model = lac_config_at(config, "model"), *loss = lac_config_at(config, "loss");
    LAC_TRY(lac_calloc(&r->state, 1, sizeof(latent)));
    latent *m = r->state;
    LAC_TRY(lac_context(lac_inpainter_find(&m->system, lac_config_str(model, "system")), "model.system"));
    LAC_TRY(lac_context(lac_config_resolve(&m->settings, m->system->keys, lac_config_at(model, "settings"), NULL, NULL), "model.settings"));
    LAC_TRY(open_networks(r, m, model));
    LAC_TRY(check_fit(m));
    LAC_TRY(choose_visual(m, model, loss));
    silence_adapters(m, lac_config_bool(model, "ref_zero_init"));
    LAC_TRY(open_tokenizer(m, model));
    LAC_TRY(check_sizes(r, m));
    LAC_TRY(lac_objective_open(&m->objective, lac_config_at(loss, "objective")));
    m->drop = lac_config_num(loss, "prompt_dropout");
    m->drop_visual = lac_config_num(loss, "visual_dropout");
    m->drop_rule = lac_config_choice(loss, "drop", DROPS);
    m->global = lac_config_int(config, "batch.global");
    m->whole = lac_config_num(loss, "whole");
    m->recompute = lac_config_bool(model, "recompute");
    m->mask_rule = (lac_latent_mask)lac_config_choice(loss, "latent_mask", LAC_LATENT_MASKS);
    LAC_TRY(read_coarse(r, m, loss));
    LAC_TRY(lac_image_new(&m->bytes, r->size, r->size, 1));
    choose_kept(r, m, config);
    LAC_TRY(choose_texts(r, m, model));
    LAC_TRY(lac_calloc((void **)&m->ids, r->texts.encoder != NULL ? (size_t)lac_prompts_length(&m->prompts) : 0, sizeof *m->ids));
    choose_fields(r, m);
    LAC_TRY(declare(r, m));
    LAC_TRY(declare_visual(r, m));
    return make_phase(r, m, loss);
}

static void close_recipe(lac_recipe *r)
{
    latent *m = r->state;
    if (m == NULL)
        return;
    json_decref(m->settings);
    lac_image_free(&m->bytes);
    free(m->ids);
    lac_prompts_close(&m->prompts);
    lac_objective_close(&m->objective);
}

/* ---- what the host derives ---- */

static void *data_of(const latent *m, const lac_batch *b, int what) { return b->field[m->at[what]].tensor.data; }

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
    float *states = (float *)data_of(m, b, STATES) + i * length * width;
    if (r->texts.kept == NULL)
        return LAC_FAIL(LAC_ERR_STATE, "no cache of texts is open");
    LAC_TRY(lac_texts_read(r->texts.kept, text, states));
    if (m->at[SAID] < 0)
        return LAC_OK;
    LAC_TRY(lac_prompts_ids(&m->prompts, text, m->ids, NULL));
    memcpy((float *)data_of(m, b, SAID) + i * width, states + end_of(m->ids, length, ((const lac_clip_text *)m->net[TEXT]->model)->c.eos) * width, (size_t)width * sizeof *states);
    return LAC_OK;
}

static lac_status derive_one_text(const lac_recipe *r, lac_batch *b, int64_t i, const char *text)
{
    const latent *m = r->state;
    return r->texts.encoder != NULL ? derive_kept_text(r, b, i, text)
         : lac_prompts_ids(&m->prompts, text, (int32_t *)data_of(m, b, IDS) + i * lac_prompts_length(&m->prompts), NULL);
}

/* Whether a coin of that name leaves sample i without its condition. */
static bool loses(const latent *m, const lac_draws *d, int64_t i, const char *coin, double share)
{
    lac_draws whole = *d;
    whole.first = 0;
    lac_stream random = m->drop_rule == DROP_PER_BATCH ? lac_draws_at(&whole, coin, 0) : lac_draws_at(d, coin, i);
    return lac_stream_uniform(&random) < share;
}

static lac_status derive_text(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    const latent *m = r->state;
    const char *caption = data_of(m, b, CAPTION);
    if (m->net[TEXT] == NULL)
        return LAC_OK;
    for (int64_t i = 0; i < b->n; i++)
        LAC_TRY(derive_one_text(r, b, i, loses(m, d, i, "drop", m->drop) ? "" : caption + i * LAC_CAPTION_BYTES));
    return LAC_OK;
}

static lac_status derive_times(const latent *m, const lac_draws *d, lac_batch *b)
{
    float *t = data_of(m, b, TIMESTEP);
    for (int64_t i = 0; i < b->n; i++) {
        lac_stream random = lac_draws_at(d, LAC_DRAW_TIME, i);
        const int64_t step = lac_stream_below(&random, (uint32_t)m->objective.schedule.n);
        const lac_objective_rows rows = { .sample = (float *)data_of(m, b, NOISED) + 2 * i, .target = (float *)data_of(m, b, TARGET) + 2 * i,
                                          .weight = (float *)data_of(m, b, WEIGHT) + i };
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
            lac_philox_normals(&random.philox, (float *)data_of(m, b, drawn[k].field) + i * n, n);
        }
}

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
    ((int32_t *)data_of(m, b, LEVEL))[i] = whole ? 0 : level;
    LAC_TRY(lac_latent_mask_make((float *)data_of(m, b, EXACT) + i * m->h * m->h, m->h, m->h, bytes, m->mask_rule));
    return whole ? LAC_OK : lac_mask_coarsen(bytes, m->coarse[level]);
}

static lac_status derive_hole(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    latent *m = r->state;
    const int64_t pixels = r->size * r->size;
    for (int64_t i = 0; i < b->n; i++) {
        const bool whole = is_whole(m, d, i);
        const uint8_t *mask = (const uint8_t *)data_of(m, b, MASK) + i * pixels;
        float *hole = (float *)data_of(m, b, HOLE) + i * pixels;
        for (int64_t k = 0; k < pixels; k++)
            m->bytes.pixels[k] = whole || mask[k] != 0 ? 255 : 0;
        if (m->brushes)
            LAC_TRY(derive_precision(m, d, b, i, whole, &m->bytes));
        for (int64_t k = 0; k < pixels; k++)
            hole[k] = m->bytes.pixels[k] != 0;
        LAC_TRY(lac_latent_mask_make((float *)data_of(m, b, CELLS) + i * m->h * m->h, m->h, m->h, &m->bytes, m->mask_rule));
    }
    return LAC_OK;
}

/* What is kept of the surroundings, where the hole is the mask's. */
static lac_status derive_surroundings(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    const latent *m = r->state;
    const int64_t n = m->h * m->h * m->moments;
    if (!m->kept[1])
        return LAC_OK;
    for (int64_t i = 0; i < b->n; i++) {
        const bool whole = is_whole(m, d, i);
        if (whole && r->latents.whole == NULL)
            return LAC_FAIL(LAC_ERR_STATE, "no cache of latents is open");
        memcpy((float *)data_of(m, b, SURROUNDINGS) + i * n, whole ? r->latents.whole : (const float *)data_of(m, b, MOMENTS_AROUND) + i * n,
               (size_t)n * sizeof(float));
    }
    return LAC_OK;
}

static lac_status see(const latent *m, lac_batch *b, int64_t i, const uint8_t *hole, int what)
{
    return lac_visual_derive(m->net[VISION], &b->field[m->at[IMAGE]].tensor, i, hole, &b->field[m->at[what]].tensor, &b->field[m->at[PATCHES]].tensor);
}

/* After the hole. The truth has no patches of it: they are those of the picture with its hole. */
static lac_status derive_visual(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    const latent *m = r->state;
    const int64_t pixels = r->size * r->size;
    for (int64_t i = 0; m->visual >= 0 && i < b->n; i++) {
        const float *hole = (const float *)data_of(m, b, HOLE) + i * pixels;
        for (int64_t k = 0; k < pixels; k++)
            m->bytes.pixels[k] = hole[k] != 0;
        if (m->at[TRUTH] >= 0)
            LAC_TRY(see(m, b, i, NULL, TRUTH));
        if (m->at[SEEN] >= 0)
            LAC_TRY(see(m, b, i, m->bytes.pixels, SEEN));
        const bool separate = m->drop_rule == DROP_SEPARATE;
        ((float *)data_of(m, b, HEARD))[i] = !loses(m, d, i, separate ? "drop/visual" : "drop", separate ? m->drop_visual : m->drop);
    }
    return LAC_OK;
}

static lac_status derive(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    LAC_TRY(derive_text(r, d, b));
    LAC_TRY(derive_times(r->state, d, b));
    derive_noise(r->state, d, b);
    LAC_TRY(derive_hole(r, d, b));
    LAC_TRY(derive_visual(r, d, b));
    return derive_surroundings(r, d, b);
}

/* ---- a step ---- */

/* The map itself; any mask of its size is as good. */
static lac_tensor *cast(lac_tape *t, lac_tensor *map, lac_tensor *mask, lac_dtype d)
{
    return lac_composite(t, NULL, map, mask, &(lac_composite_attr){ .whole = true, .dtype = d });
}

/* Moments of pictures, and of what is around their holes. */
static lac_tensor *encode_pictures(const lac_recipe *r, lac_tape *t, lac_tensor *image, lac_tensor *mask, bool around)
{
    const latent *m = r->state;
    return lac_autoencoder_encode(t, m->net[VAE]->model, lac_composite(t, NULL, image, mask, &(lac_composite_attr){ .whole = !around, .dtype = r->dtype }));
}

/* Of the picture and, where the denoiser is told of it, of its surroundings: [2 N or N, h, w, 2z], kept or made, those to be made at once. */
static lac_tensor *moments_of(const lac_recipe *r, lac_tape *t, lac_tensor *const *f)
{
    const latent *m = r->state;
    lac_tensor *part[2];
    if (!m->kept[0] && m->inpaints) {
        part[0] = cast(t, f[IMAGE], f[HOLE], r->dtype);
        part[1] = lac_composite(t, NULL, f[IMAGE], f[HOLE], &(lac_composite_attr){ .dtype = r->dtype });
        return lac_autoencoder_encode(t, m->net[VAE]->model, lac_concat(t, part, 2, 0));
    }
    part[0] = m->kept[0] ? cast(t, f[MOMENTS], f[CELLS], r->dtype) : encode_pictures(r, t, f[IMAGE], f[HOLE], false);
    if (!m->inpaints)
        return part[0];
    part[1] = m->kept[1] ? cast(t, f[SURROUNDINGS], f[CELLS], r->dtype) : encode_pictures(r, t, f[IMAGE], f[HOLE], true);
    return lac_concat(t, part, 2, 0);
}

/* z of these: f32. */
static lac_tensor *latents_of(const lac_recipe *r, lac_tape *t, lac_tensor *const *f)
{
    const latent *m = r->state;
    lac_tensor *noise[2] = { f[POSTERIOR], f[AROUND] };
    return lac_autoencoder_latent(t, m->net[VAE]->model, moments_of(r, t, f), m->inpaints ? lac_concat(t, noise, 2, 0) : noise[0]);
}

/* What the prompt is to the denoiser, [N, T, C], and to SemInpainter, [N, C]. */
typedef struct prompt { lac_tensor *states, *pooled; } prompt;

static lac_tensor *as_kept(lac_tape *t, lac_tensor *x, lac_dtype d) { return x == NULL || d == LAC_F32 ? x : lac_scaled(t, x, 1, d); }

/* Kept or made; kept, they come as f32 and are the encoder's own values in its dtype. */
static prompt prompt_of(const lac_recipe *r, lac_tape *t, lac_tensor *const *f)
{
    const latent *m = r->state;
    if (m->net[TEXT] == NULL)
        return (prompt){ NULL, NULL };
    if (r->texts.encoder != NULL)
        return (prompt){ as_kept(t, f[STATES], r->texts.dtype), as_kept(t, f[SAID], r->texts.dtype) };
    if (m->visual != LAC_VISUAL_PREDICTED)
        return (prompt){ m->net[TEXT]->def->states(t, m->net[TEXT]->model, f[IDS]), NULL };
    const lac_clip_text_out text = lac_clip_text_forward(t, m->net[TEXT]->model, f[IDS]);
    return (prompt){ text.last, text.pooled };
}

/* What RefAdapters read, zeros where a sample does not hear it; and what SemInpainter is taught of. */
static lac_tensor *visual_of(const lac_recipe *r, lac_tape *t, lac_tensor *const *f, lac_tensor *text, lac_phase_out *out)
{
    const latent *m = r->state;
    if (m->visual < 0)
        return NULL;
    const lac_clip_vision_out eyes = lac_visual_look(t, m->net[VISION], f[m->visual == LAC_VISUAL_TRUTH ? TRUTH : SEEN]);
    lac_tensor *visual;
    if (m->visual == LAC_VISUAL_PREDICTED) {
        const lac_sem_inpainter *sem = m->net[SEM]->model;
        const lac_sem_inpainter_out said = lac_visual_said(t, sem, &eyes, f[PATCHES], text);
        visual = lac_visual_prompt(t, sem, &said, &eyes, f[PATCHES]);
        if (m->lesson > 0) {
            const lac_clip_vision_out truth = lac_visual_look(t, m->net[VISION], f[TRUTH]);
            lac_visual_teach(t, &(lac_visual_lesson){ &said, &truth, f[PATCHES], m->lesson_masked }, out->sum + 1);
        }
    } else
        visual = lac_visual_as_seen(t, &eyes);
    return visual == NULL ? NULL : lac_lincomb(t, f[HEARD], &visual, 1, r->dtype);
}

/* What the denoiser reads: the sample with noise, and beside it what it is told. around: the latent of the surroundings, or NULL. */
static lac_tensor *told(const lac_recipe *r, lac_tape *t, lac_tensor *const *f, lac_tensor *noised, lac_tensor *clean, lac_tensor *around)
{
    const latent *m = r->state;
    lac_tensor *part[3] = { noised };
    if (!m->inpaints && !m->brushes)
        return noised;
    part[1] = cast(t, f[CELLS], f[CELLS], r->dtype);
    if (m->brushes) {
        part[0] = lac_composite(t, noised, clean, f[CELLS], &(lac_composite_attr){ .dtype = r->dtype });
        return lac_concat(t, part, 2, -1);
    }
    part[2] = cast(t, around, f[CELLS], r->dtype);
    return lac_concat(t, part, 3, -1);
}

static lac_status forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *given, lac_phase_out *out)
{
    const latent *m = r->state;
    const int64_t n = given[m->at[MASK]]->dim[0];
    lac_tensor *field[N_FIELDS];
    for (int i = 0; i < N_FIELDS; i++)
        field[i] = m->at[i] >= 0 ? given[m->at[i]] : NULL;
    (void)run;
    lac_tensor *latents = latents_of(r, t, field);
    LAC_TRY(lac_tape_status(t));
    lac_tensor *clean[2] = { m->inpaints ? lac_rows(t, latents, 0, n) : latents, field[NOISE] }, *around = m->inpaints ? lac_rows(t, latents, n, n) : NULL;
    lac_tensor *noised = lac_lincomb(t, field[NOISED], clean, 2, r->dtype), *target = lac_lincomb(t, field[TARGET], clean, 2, LAC_F32);
    const prompt text = prompt_of(r, t, field);
    lac_tensor *visual = visual_of(r, t, field, text.pooled, out);
    lac_tensor *y = lac_unet_forward(t, m->net[UNET]->model, &(lac_unet_in){ told(r, t, field, noised, clean[0], around), field[TIMESTEP], text.states, .fusion = visual,
                                                                            .recompute = m->recompute, .label = field[LEVEL] });
    if (m->brushes) {
        out->sum[1] = lac_dice_loss(t, lac_slice(t, y, -1, m->z, 1), field[EXACT]);
        y = lac_slice(t, y, -1, 0, m->z);
    }
    out->sum[0] = lac_mse_loss(t, y, target, field[WEIGHT], NULL, NULL);
    return lac_tape_status(t);
}

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    const latent *m = r->state;
    (void)phase;
    to[0] = (double)(batch->n * m->h * m->h * m->z);
    if (m->brushes)
        to[1] = (double)batch->n;
    if (m->lesson > 0)
        lac_visual_count(&batch->field[m->at[PATCHES]].tensor, m->net[SEM]->model, m->global, to + 1);
}

static void inpainter(const lac_recipe *r, const json_t *config, lac_inpainter *ip)
{
    const latent *m = r->state;
    (void)config;
    *ip = (lac_inpainter){ .def = m->system, .config = m->settings, .prompts = m->prompts };
    for (int k = 0; m->system->role[k].name != NULL; k++)
        for (int i = 0; i < N_ROLES; i++)
            if (m->net[i] != NULL && strcmp(m->system->role[k].name, role[i]) == 0)
                ip->network[k] = *m->net[i];
}

static const char *const fields[] = { "image", "mask", "caption", NULL }, *const optims[] = { "unet", NULL };

const lac_recipe_def lac_recipe_latent = {
    .name = "latent", .about = "latent diffusion inpainting: a denoiser over a frozen autoencoder, told the hole, its surroundings and a text",
    .model_keys = model_keys, .loss_keys = loss_keys, .fields = fields, .optims = optims, .inpainter = inpainter, .open = open,
    .close = close_recipe, .derive = derive, .encode = encode_pictures, .forward = forward, .count = count,
};
