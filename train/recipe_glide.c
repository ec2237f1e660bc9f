/* GLIDE's inpainting in pixels (Nichol et al. 2021, arXiv:2112.10741; models/glide/glide.h): the base learns on the small picture, the upsampler on the whole one, each with
 *
 *     x_t = alpha x + sigma noise,   (e, v) = unet([x_t | picture keep | keep | and for the upsampler the small picture], t, text)
 *     loss = mean of (e - target)^2 + vlb times the mean of the variational bound's term, in bits a value (autograd/ops/vlb_loss)
 *
 * in a phase of its own, so that both, or one of them, learn in a step. The text's encoder is frozen or moves with the base. Noise schedules and what is predicted are those
 * of the inpainter's schedulers. What is drawn, timesteps, noise and which prompts are left out, is derived on the host (train/recipe.h). */
#include "train/recipe.h"

#include "autograd/ops/concat/concat.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/slice/slice.h"
#include "autograd/ops/vlb_loss/vlb_loss.h"
#include "core/memory.h"
#include "models/diffusion/objective.h"
#include "models/glide/glide.h"
#include "models/unet/unet.h"

#include <string.h>

enum { BASE = LAC_GLIDE_BASE, UPSAMPLER = LAC_GLIDE_UPSAMPLER, TEXT = LAC_GLIDE_TEXT, N_ROLES, N_LEARNERS = 2, CHANNELS = LAC_GLIDE_SAYS / 2 };

/* Of a batch: of the loader, then derived; behind them those of each learner that is trained. */
enum { IMAGE, MASK, CAPTION, IDS, N_SHARED };
enum { TIMESTEP, NOISED, TARGET, BOUNDS, NOISE, N_OWN };

/* What is a learner's by name. */
static const struct words { const char *role, *phase, *loss, *bound, *time, *noise, *field[N_OWN]; } words[N_LEARNERS] = {
    { "unet", "base", "base", "base_vlb", LAC_DRAW_TIME, LAC_DRAW_NOISE, { "timestep", "noised", "target", "bounds", "noise" } },
    { "upsampler", "upsampler", "upsampler", "upsampler_vlb", "upsampler/time", "upsampler/noise",
      { "upsampler_timestep", "upsampler_noised", "upsampler_target", "upsampler_bounds", "upsampler_noise" } },
};

typedef struct learner {
    lac_objective objective;
    int64_t side;                               /* of its pictures */
    int first;                                  /* where its fields stand in a batch; 0: it is frozen, there are none */
} learner;

typedef struct glide {
    const lac_network *net[N_ROLES];
    learner learner[N_LEARNERS];
    json_t *settings;                           /* of the inpainter, resolved */
    lac_prompts prompts;
    int64_t factor;
    double drop;
    bool recompute;
} glide;

static const lac_key model_keys[] = {
    { "settings", LAC_KEY_TABLE, "{}", .help = "of the inpainter glide: factor, schedulers, steps, guidance (docs/glide.md)" },
    { "unet", LAC_KEY_TABLE, "{}", .sub = lac_recipe_network_keys, .help = "the base, which paints small pictures" },
    { "upsampler", LAC_KEY_TABLE, "{}", .sub = lac_recipe_network_keys, .help = "which makes them large" },
    { "text_encoder", LAC_KEY_TABLE, "{}", .sub = lac_recipe_network_keys, .help = "the text's encoder, which both hear" },
    { "tokenizer", LAC_KEY_STR, "\"\"", .help = "folder of its tokenizer, or one of the program's own: data/stamps/tokenizer" },
    { "prompts", LAC_KEY_TABLE, "{}", .sub = lac_prompts_keys, .help = "how texts become ids" },
    { "train_unet", LAC_KEY_BOOL, "true", .help = "the base is trained" },
    { "train_upsampler", LAC_KEY_BOOL, "true", .help = "the upsampler is trained" },
    { "train_text", LAC_KEY_BOOL, "false", .help = "the text's encoder is trained along with the base" },
    { "recompute", LAC_KEY_BOOL, "false", .help = "the UNets' layers run again in backward: less memory, a third more work" },
    { NULL },
};

static const lac_key loss_keys[] = {
    { "prompt_dropout", LAC_KEY_NUM, "0.2", .min = 0, .max = 1, .help = "share of the samples whose prompt is empty: what guidance compares with" },
    { "vlb", LAC_KEY_NUM, "1", .min = 0, .max = 1e6, .help = "weight of the variational bound's term, which the variance learns from: 0.001 of its sum over 1000 timesteps" },
    { NULL },
};

/* ---- networks ---- */

static lac_status open_network(lac_recipe *r, glide *m, int i, const json_t *given, bool trained)
{
    const lac_inpainter_role *role = &lac_inpainter_glide.role[i];
    const lac_network_def *def;
    LAC_TRY(lac_role_find(role, lac_config_str(given, "network"), &def));
    LAC_TRY(lac_recipe_open_network(r, role->name, def, lac_config_at(given, "config"), &m->net[i]));
    m->net[i]->params->frozen = !trained;
    return LAC_OK;
}

/* The inpainter itself says whether they fit. */
static lac_status check_fit(const glide *m)
{
    json_t *all = json_object();
    for (int i = 0; i < N_ROLES; i++)
        json_object_set_new(all, lac_inpainter_glide.role[i].name, json_pack("{s:s, s:O}", "network", m->net[i]->def->name, "config", m->net[i]->config));
    const lac_status s = lac_inpainter_glide.fits(all);
    json_decref(all);
    return lac_context(s, "model");
}

static lac_status open_networks(lac_recipe *r, glide *m, const json_t *model)
{
    static const char *const train[N_ROLES] = { "train_unet", "train_upsampler", "train_text" };
    for (int i = 0; i < N_ROLES; i++) {
        const char *name = lac_inpainter_glide.role[i].name;
        LAC_TRY(lac_context(open_network(r, m, i, lac_config_at(model, name), lac_config_bool(model, train[i])), "model.%s", name));
    }
    return check_fit(m);
}

/* ---- opening ---- */

/* Its noise schedule and what it predicts are its sampler's. */
static lac_status open_learner(const lac_recipe *r, glide *m, int which)
{
    lac_sampler s;
    LAC_TRY(lac_context(lac_glide_sampler(&s, m->settings, (lac_glide_role)which), "model.settings"));
    m->learner[which] = (learner){ .objective = { s.schedule, s.prediction, -1 }, .side = which == BASE ? r->size / m->factor : r->size };
    s.schedule = (lac_noise_schedule){ 0 };
    lac_sampler_close(&s);
    return LAC_OK;
}

static lac_status declare(lac_recipe *r, learner *l, const struct words *w)
{
    const int64_t map[3] = { l->side, l->side, CHANNELS }, two[1] = { 2 }, four[1] = { 4 };
    l->first = (int)N_SHARED - 1 + r->n_derived;
    LAC_TRY(lac_recipe_derive(r, w->field[TIMESTEP], LAC_F32, 0, NULL));
    LAC_TRY(lac_recipe_derive(r, w->field[NOISED], LAC_F32, 1, two));
    LAC_TRY(lac_recipe_derive(r, w->field[TARGET], LAC_F32, 1, two));
    LAC_TRY(lac_recipe_derive(r, w->field[BOUNDS], LAC_F32, 1, four));
    return lac_recipe_derive(r, w->field[NOISE], LAC_F32, 3, map);
}

static lac_status make_phase(lac_recipe *r, const glide *m, int which, const json_t *loss)
{
    const struct words *w = &words[which];
    lac_phase *p;
    LAC_TRY(lac_recipe_phase(r, &p, w->phase, w->role, m->net[which]->params));
    if (which == BASE && !m->net[TEXT]->params->frozen)
        LAC_TRY(lac_phase_trains(p, m->net[TEXT]->params));
    LAC_TRY(lac_phase_loss(p, w->loss, 1));
    return lac_phase_loss(p, w->bound, lac_config_num(loss, "vlb"));
}

static lac_status open(lac_recipe *r, const json_t *config)
{
    const json_t *model = lac_config_at(config, "model"), *loss = lac_config_at(config, "loss");
    LAC_TRY(lac_calloc(&r->state, 1, sizeof(glide)));
    glide *m = r->state;
    LAC_TRY(lac_context(lac_config_resolve(&m->settings, lac_inpainter_glide.keys, lac_config_at(model, "settings"), NULL, NULL), "model.settings"));
    LAC_TRY(lac_context(lac_glide_factor(m->settings, &m->factor), "model.settings"));
    if (r->size % m->factor != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "data.train.size must be a multiple of %lld, found %lld", (long long)m->factor, (long long)r->size);
    LAC_TRY(open_networks(r, m, model));
    LAC_TRY(lac_recipe_tokenizer(r, &m->prompts, model));
    LAC_TRY(lac_context(lac_prompts_fit(&m->prompts, m->net[TEXT]), "model.text_encoder"));
    m->drop = lac_config_num(loss, "prompt_dropout");
    m->recompute = lac_config_bool(model, "recompute");
    LAC_TRY(lac_recipe_derive(r, "ids", LAC_I32, 1, (int64_t[]){ lac_prompts_length(&m->prompts) }));
    for (int i = 0; i < N_LEARNERS; i++) {
        LAC_TRY(open_learner(r, m, i));
        if (!m->net[i]->params->frozen) {
            LAC_TRY(declare(r, &m->learner[i], &words[i]));
            LAC_TRY(make_phase(r, m, i, loss));
        }
    }
    return m->net[TEXT]->params->frozen || m->learner[BASE].first > 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "model.train_text: the text's encoder moves with the base, expected train_unet = true");
}

static void close_recipe(lac_recipe *r)
{
    glide *m = r->state;
    if (m == NULL)
        return;
    json_decref(m->settings);
    lac_prompts_close(&m->prompts);
    for (int i = 0; i < N_LEARNERS; i++)
        lac_objective_close(&m->learner[i].objective);
}

/* ---- what the host derives ---- */

static float *floats_of(const lac_batch *b, const learner *l, int what) { return b->field[l->first + what].tensor.data; }

static lac_status derive_texts(const glide *m, const lac_draws *d, lac_batch *b)
{
    const char *caption = b->field[CAPTION].tensor.data;
    const int64_t length = lac_prompts_length(&m->prompts);
    for (int64_t i = 0; i < b->n; i++) {
        lac_stream random = lac_draws_at(d, "drop", i);
        const char *text = lac_stream_uniform(&random) < m->drop ? "" : caption + i * LAC_CAPTION_BYTES;
        LAC_TRY(lac_prompts_ids(&m->prompts, text, (int32_t *)b->field[IDS].tensor.data + i * length, NULL));
    }
    return LAC_OK;
}

static lac_status derive_learner(const learner *l, const struct words *w, const lac_draws *d, lac_batch *b)
{
    const int64_t each = l->side * l->side * CHANNELS;
    for (int64_t i = 0; i < b->n; i++) {
        lac_stream random = lac_draws_at(d, w->time, i);
        const lac_stream noise = lac_draws_at(d, w->noise, i);
        const int64_t t = lac_stream_below(&random, (uint32_t)l->objective.schedule.n);
        floats_of(b, l, TIMESTEP)[i] = (float)t;
        LAC_TRY(lac_objective_fill(&l->objective, &t, 1, &(lac_objective_rows){ .sample = floats_of(b, l, NOISED) + 2 * i, .target = floats_of(b, l, TARGET) + 2 * i,
                                                                               .variance = floats_of(b, l, BOUNDS) + 4 * i }));
        lac_philox_normals(&noise.philox, floats_of(b, l, NOISE) + i * each, each);
    }
    return LAC_OK;
}

static lac_status derive(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    const glide *m = r->state;
    LAC_TRY(derive_texts(m, d, b));
    for (int i = 0; i < N_LEARNERS; i++)
        if (m->learner[i].first > 0)
            LAC_TRY(derive_learner(&m->learner[i], &words[i], d, b));
    return LAC_OK;
}

/* ---- a step ---- */

static lac_status forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *field, lac_phase_out *out)
{
    const glide *m = r->state;
    const int which = strcmp(run->name, words[BASE].phase) == 0 ? BASE : UPSAMPLER;
    lac_tensor *const *own = field + m->learner[which].first;
    const lac_glide_view full = { field[IMAGE], field[MASK] }, small = lac_glide_smaller(t, full, m->factor), seen = which == BASE ? small : full;
    LAC_TRY(lac_tape_status(t));
    lac_tensor *pair[2] = { seen.picture, own[NOISE] }, *target = lac_lincomb(t, own[TARGET], pair, 2, LAC_F32);
    lac_tensor *told[2] = { lac_lincomb(t, own[NOISED], pair, 2, r->dtype), lac_glide_beside(t, seen, which == BASE ? NULL : small.picture, r->dtype) };
    lac_tensor *text = m->net[TEXT]->def->states(t, m->net[TEXT]->model, field[IDS]);
    lac_tensor *y = lac_unet_forward(t, m->net[which]->model, &(lac_unet_in){ lac_concat(t, told, 2, -1), own[TIMESTEP], text, .recompute = m->recompute });
    lac_tensor *e = lac_slice(t, y, -1, 0, CHANNELS), *v = lac_slice(t, y, -1, CHANNELS, CHANNELS);
    LAC_TRY(lac_tape_status(t));
    out->sum[0] = lac_mse_loss(t, e, target, NULL, NULL, NULL);
    out->sum[1] = lac_vlb_loss(t, &(lac_vlb_loss_in){ v, lac_detach(t, e), target, seen.picture, own[BOUNDS] });
    return lac_tape_status(t);
}

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    const glide *m = r->state;
    const learner *l = &m->learner[strcmp(r->phase[phase].name, words[BASE].phase) == 0 ? BASE : UPSAMPLER];
    to[0] = to[1] = (double)(batch->n * l->side * l->side * CHANNELS);
}

static void inpainter(const lac_recipe *r, const json_t *config, lac_inpainter *ip)
{
    const glide *m = r->state;
    (void)config;
    *ip = (lac_inpainter){ .def = &lac_inpainter_glide, .config = m->settings, .prompts = m->prompts };
    for (int i = 0; i < N_ROLES; i++)
        ip->network[i] = *m->net[i];
}

static const char *const fields[] = { "image", "mask", "caption", NULL }, *const optims[] = { "unet", "upsampler", NULL };

const lac_recipe_def lac_recipe_glide = {
    .name = "glide", .about = "GLIDE in pixels: a base that paints small pictures and an upsampler, told the hole, its surroundings and a text",
    .model_keys = model_keys, .loss_keys = loss_keys, .fields = fields, .optims = optims, .inpainter = inpainter, .open = open,
    .close = close_recipe, .derive = derive, .forward = forward, .count = count,
};
