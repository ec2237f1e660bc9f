/* Latent diffusion inpainting (arXiv:2112.10752; Stable Diffusion's inpainting, catdiff.md 3.5): a denoiser over latents of a frozen autoencoder, told the
 * hole, the picture around it and a text; and the text's encoder, frozen or trained along.
 *
 *     z = E(x),  x_t = alpha z + sigma noise,  loss = mean of weight_t (unet([x_t | hole | E(x with its hole filled)], t, text) - target)^2
 *
 * A denoiser whose input is no wider than the latent is told neither hole nor surroundings: plain text-to-image training. What is drawn, timestep, noise,
 * the posterior's samples, which prompts are left out and which pictures are hole altogether, is derived on the host (train/recipe.h). */
#include "train/recipe.h"

#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "core/memory.h"
#include "core/resource.h"
#include "models/autoencoder/autoencoder.h"
#include "models/clip/text.h"
#include "models/diffusion/objective.h"
#include "models/latent/condition.h"
#include "models/unet/unet.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UNET, VAE, TEXT, N_ROLES };
static const char *const role[N_ROLES] = { "unet", "vae", "text_encoder" };

enum { IMAGE, MASK, CAPTION, N_FIELDS };
enum { IDS = N_FIELDS, TIMESTEP, NOISED, TARGET, WEIGHT, NOISE, POSTERIOR, AROUND, HOLE, CELLS };

typedef struct latent {
    const lac_network *net[N_ROLES];            /* TEXT: NULL where the denoiser takes none */
    const lac_inpainter_def *system;
    json_t *settings;                           /* of the inpainter, resolved */
    lac_prompts prompts;
    lac_objective objective;
    lac_latent_mask mask_rule;
    double drop, whole;
    bool recompute;
    int64_t h, z;                               /* side and channels of the latents */
    lac_image bytes;                            /* a mask as derive hands it on */
    bool inpaints;                              /* it is told hole and surroundings */
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
    { "train_text", LAC_KEY_BOOL, "false", .help = "the text's encoder is trained along" },
    { "recompute", LAC_KEY_BOOL, "false", .help = "the denoiser's layers run again in backward: less memory, a third more work" },
    { NULL },
};

static const lac_key loss_keys[] = {
    { "objective", LAC_KEY_TABLE, "{}", .sub = lac_objective_keys, .help = "schedule, prediction, weights by timestep" },
    { "prompt_dropout", LAC_KEY_NUM, "0.1", .min = 0, .max = 1, .help = "share of the samples whose prompt is empty: what guidance compares with" },
    { "whole", LAC_KEY_NUM, "0", .min = 0, .max = 1, .help = "share of the samples that are hole altogether" },
    { "latent_mask", LAC_KEY_STR, "\"nearest\"", .choices = LAC_LATENT_MASKS, .help = "which cells of the latent are hole" },
    { NULL },
};

/* ---- networks ---- */

/* What the system takes for that role where the config does not say. */
static lac_status network_of(const lac_inpainter_def *system, int i, const json_t *given, const lac_network_def **def)
{
    const lac_inpainter_role *r = system->role;
    char first[64];
    while (r->name != NULL && strcmp(r->name, role[i]) != 0)
        r++;
    *def = NULL;
    if (r->name == NULL)
        return LAC_OK;
    snprintf(first, sizeof first, "%.*s", (int)strcspn(r->networks, "|"), r->networks);
    const char *name = lac_config_str(given, "network");
    return lac_network_find(def, name[0] != '\0' ? name : first);
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
    m->net[VAE]->params->frozen = true;
    if (m->net[TEXT] != NULL)
        m->net[TEXT]->params->frozen = !lac_config_bool(model, "train_text");
    return LAC_OK;
}

static lac_status open_tokenizer(latent *m, const json_t *model)
{
    const char *folder = lac_config_str(model, "tokenizer");
    char *own = NULL;
    if (m->net[TEXT] == NULL)
        return LAC_OK;
    if (folder[0] == '\0')
        return LAC_FAIL(LAC_ERR_CONFIG, "model.tokenizer: the text encoder wants one, a folder");
    if (access(folder, F_OK) != 0)
        LAC_TRY(lac_context(lac_resource(&own, folder), "model.tokenizer"));
    const lac_status s = lac_prompts_open(&m->prompts, own != NULL ? own : folder, lac_config_at(model, "prompts"));
    free(own);
    return lac_context(s, "model.tokenizer");
}

static lac_status check_sizes(const lac_recipe *r, latent *m)
{
    const lac_autoencoder *vae = m->net[VAE]->model;
    const int64_t in = ((const lac_unet *)m->net[UNET]->model)->config.in;
    if (r->size % vae->factor != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "data.train.size must be a multiple of %lld, found %lld", (long long)vae->factor, (long long)r->size);
    m->h = r->size / vae->factor;
    m->z = vae->z;
    m->inpaints = in != m->z;
    return in == m->z || in == 2 * m->z + 1 ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "model.unet: in_channels is %lld, expected %lld, or %lld with hole and surroundings", (long long)in, (long long)m->z,
                    (long long)(2 * m->z + 1));
}

/* ---- opening ---- */

static lac_status declare(lac_recipe *r, const latent *m)
{
    const int64_t map[3] = { m->h, m->h, m->z }, two[1] = { 2 }, cells[3] = { m->h, m->h, 1 }, pixels[3] = { r->size, r->size, 1 };
    const int64_t ids[1] = { m->net[TEXT] != NULL ? lac_prompts_length(&m->prompts) : 1 };
    LAC_TRY(lac_recipe_derive(r, "ids", LAC_I32, 1, ids));
    LAC_TRY(lac_recipe_derive(r, "timestep", LAC_F32, 0, NULL));
    LAC_TRY(lac_recipe_derive(r, "noised", LAC_F32, 1, two));
    LAC_TRY(lac_recipe_derive(r, "target", LAC_F32, 1, two));
    LAC_TRY(lac_recipe_derive(r, "weight", LAC_F32, 0, NULL));
    LAC_TRY(lac_recipe_derive(r, "noise", LAC_F32, 3, map));
    LAC_TRY(lac_recipe_derive(r, "posterior", LAC_F32, 3, map));
    LAC_TRY(lac_recipe_derive(r, "around", LAC_F32, 3, map));
    LAC_TRY(lac_recipe_derive(r, "hole", LAC_F32, 3, pixels));
    return lac_recipe_derive(r, "cells", LAC_F32, 3, cells);
}

static lac_status make_phase(lac_recipe *r, const latent *m)
{
    lac_phase *p;
    LAC_TRY(lac_recipe_phase(r, &p, "denoise", "unet", m->net[UNET]->params));
    if (m->net[TEXT] != NULL && !m->net[TEXT]->params->frozen)
        LAC_TRY(lac_phase_trains(p, m->net[TEXT]->params));
    return lac_phase_loss(p, "denoise", 1);
}

static lac_status open(lac_recipe *r, const json_t *config)
{
    const json_t *model = lac_config_at(config, "model"), *loss = lac_config_at(config, "loss");
    LAC_TRY(lac_calloc(&r->state, 1, sizeof(latent)));
    latent *m = r->state;
    LAC_TRY(lac_context(lac_inpainter_find(&m->system, lac_config_str(model, "system")), "model.system"));
    LAC_TRY(lac_context(lac_config_resolve(&m->settings, m->system->keys, lac_config_at(model, "settings"), NULL, NULL), "model.settings"));
    LAC_TRY(open_networks(r, m, model));
    LAC_TRY(open_tokenizer(m, model));
    LAC_TRY(check_sizes(r, m));
    LAC_TRY(lac_objective_open(&m->objective, lac_config_at(loss, "objective")));
    m->drop = lac_config_num(loss, "prompt_dropout");
    m->whole = lac_config_num(loss, "whole");
    m->recompute = lac_config_bool(model, "recompute");
    m->mask_rule = (lac_latent_mask)lac_config_choice(loss, "latent_mask", LAC_LATENT_MASKS);
    LAC_TRY(lac_image_new(&m->bytes, r->size, r->size, 1));
    LAC_TRY(declare(r, m));
    return make_phase(r, m);
}

static void close_recipe(lac_recipe *r)
{
    latent *m = r->state;
    if (m == NULL)
        return;
    json_decref(m->settings);
    lac_image_free(&m->bytes);
    lac_prompts_close(&m->prompts);
    lac_objective_close(&m->objective);
}

/* ---- what the host derives ---- */

static lac_status derive_text(const latent *m, const lac_draws *d, lac_batch *b)
{
    const char *caption = b->field[CAPTION].tensor.data;
    int32_t *ids = b->field[IDS].tensor.data;
    if (m->net[TEXT] == NULL)
        return LAC_OK;
    for (int64_t i = 0; i < b->n; i++) {
        lac_stream random = lac_draws_at(d, "drop", i);
        const bool dropped = lac_stream_uniform(&random) < m->drop;
        LAC_TRY(lac_prompts_ids(&m->prompts, dropped ? "" : caption + i * LAC_CAPTION_BYTES, ids + i * lac_prompts_length(&m->prompts)));
    }
    return LAC_OK;
}

static lac_status derive_times(const latent *m, const lac_draws *d, lac_batch *b)
{
    float *t = b->field[TIMESTEP].tensor.data;
    for (int64_t i = 0; i < b->n; i++) {
        lac_stream random = lac_draws_at(d, LAC_DRAW_TIME, i);
        const int64_t step = lac_stream_below(&random, (uint32_t)m->objective.schedule.n);
        const lac_objective_rows rows = { .sample = (float *)b->field[NOISED].tensor.data + 2 * i, .target = (float *)b->field[TARGET].tensor.data + 2 * i,
                                          .weight = (float *)b->field[WEIGHT].tensor.data + i };
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
            lac_philox_normals(&random.philox, (float *)b->field[drawn[k].field].tensor.data + i * n, n);
        }
}

static lac_status derive_hole(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    latent *m = r->state;
    const int64_t pixels = r->size * r->size;
    for (int64_t i = 0; i < b->n; i++) {
        lac_stream random = lac_draws_at(d, "whole", i);
        const bool whole = lac_stream_uniform(&random) < m->whole;
        const uint8_t *mask = (const uint8_t *)b->field[MASK].tensor.data + i * pixels;
        float *hole = (float *)b->field[HOLE].tensor.data + i * pixels;
        for (int64_t k = 0; k < pixels; k++) {
            hole[k] = whole || mask[k] != 0;
            m->bytes.pixels[k] = hole[k] != 0 ? 255 : 0;
        }
        LAC_TRY(lac_latent_mask_make((float *)b->field[CELLS].tensor.data + i * m->h * m->h, m->h, m->h, &m->bytes, m->mask_rule));
    }
    return LAC_OK;
}

static lac_status derive(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    LAC_TRY(derive_text(r->state, d, b));
    LAC_TRY(derive_times(r->state, d, b));
    derive_noise(r->state, d, b);
    return derive_hole(r, d, b);
}

/* ---- a step ---- */

/* The map itself; any mask of its size is as good. */
static lac_tensor *cast(lac_tape *t, lac_tensor *map, lac_tensor *mask, lac_dtype d)
{
    return lac_composite(t, NULL, map, mask, &(lac_composite_attr){ .whole = true, .dtype = d });
}

/* z of the picture and, where the denoiser is told of it, of its surroundings: f32 [2 N or N, h, w, z]. */
static lac_tensor *encode(const lac_recipe *r, lac_tape *t, lac_tensor *const *field)
{
    const latent *m = r->state;
    const lac_autoencoder *vae = m->net[VAE]->model;
    lac_tensor *pictures[2] = { cast(t, field[IMAGE], field[HOLE], r->dtype), NULL }, *noises[2] = { field[POSTERIOR], field[AROUND] };
    if (!m->inpaints)
        return lac_autoencoder_latent(t, vae, lac_autoencoder_encode(t, vae, pictures[0]), noises[0]);
    pictures[1] = lac_composite(t, NULL, field[IMAGE], field[HOLE], &(lac_composite_attr){ .dtype = r->dtype });
    return lac_autoencoder_latent(t, vae, lac_autoencoder_encode(t, vae, lac_concat(t, pictures, 2, 0)), lac_concat(t, noises, 2, 0));
}

static lac_status forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *field, lac_phase_out *out)
{
    const latent *m = r->state;
    const int64_t n = field[IMAGE]->dim[0];
    (void)run;
    lac_tensor *latents = encode(r, t, field);
    LAC_TRY(lac_tape_status(t));
    lac_tensor *clean[2] = { m->inpaints ? lac_rows(t, latents, 0, n) : latents, field[NOISE] };
    lac_tensor *noised = lac_lincomb(t, field[NOISED], clean, 2, r->dtype), *target = lac_lincomb(t, field[TARGET], clean, 2, LAC_F32);
    if (m->inpaints) {
        lac_tensor *told[3] = { noised, cast(t, field[CELLS], field[CELLS], r->dtype), cast(t, lac_rows(t, latents, n, n), field[CELLS], r->dtype) };
        noised = lac_concat(t, told, 3, -1);
    }
    lac_tensor *text = m->net[TEXT] != NULL ? lac_clip_text_forward(t, m->net[TEXT]->model, field[IDS]).last : NULL;
    lac_tensor *y = lac_unet_forward(t, m->net[UNET]->model, &(lac_unet_in){ noised, field[TIMESTEP], text, m->recompute });
    out->sum[0] = lac_mse_loss(t, y, target, field[WEIGHT], NULL, NULL);
    return lac_tape_status(t);
}

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    const latent *m = r->state;
    (void)phase;
    to[0] = (double)(batch->n * m->h * m->h * m->z);
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
    .close = close_recipe, .derive = derive, .forward = forward, .count = count,
};
