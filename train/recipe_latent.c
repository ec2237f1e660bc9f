/* Latent diffusion inpainting (arXiv:2112.10752; Stable Diffusion's inpainting, catdiff.md 3.5): a denoiser over latents of a frozen autoencoder, told the
 * hole, the picture around it and a text; and the text's encoder, frozen or trained along.
 *
 *     z = E(x),  x_t = alpha z + sigma noise,  loss = mean of weight_t (unet([x_t | hole | E(x with its hole filled)], t, text) - target)^2
 *
 * of the system "ldm" with [x_t | E(x with its hole filled) | hole], the hole -1 and 1: as its inpainter reads them.
 *
 * A denoiser whose input is no wider than the latent is told neither hole nor surroundings: plain text-to-image training. One that reads the hole alone, and how exact
 * it is, sees the surroundings clean and says where the object is (SmartBrush, arXiv:2212.05034; catdiff.md 3.6):
 *
 *     x = m_s x_t + (1 - m_s) z,  loss = mean of weight_t (unet([x | m_s], t, text, s) - target)^2 + 0.01 dice(the channel beside, m)
 *
 * m_s is the object's mask m made coarser, by a level s from its outline to its box (core/image/coarse_mask.h). What is drawn, timestep, noise,
 * the posterior's samples, which prompts are left out and which pictures are hole altogether, is derived on the host (train/recipe.h). */
#include "train/recipe_latent_internal.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static const lac_key model_keys[] = {
    { "system", LAC_KEY_STR, "\"sd-inpaint\"", .help = "the inpainter that it is for (lacuna inpaint --help)" },
    { "settings", LAC_KEY_TABLE, "{}", .help = "of that inpainter: sampler, steps, guidance" },
    { "unet", LAC_KEY_TABLE, "{}", .sub = lac_recipe_network_keys, .help = "the denoiser" },
    { "vae", LAC_KEY_TABLE, "{}", .sub = lac_recipe_network_keys, .help = "the autoencoder, frozen" },
    { "text_encoder", LAC_KEY_TABLE, "{}", .sub = lac_recipe_network_keys, .help = "the text's encoder" },
    { "tokenizer", LAC_KEY_STR, "\"\"", .help = "folder of its tokenizer, or one of the program's own: data/stamps/tokenizer" },
    { "prompts", LAC_KEY_TABLE, "{}", .sub = lac_prompts_keys, .help = "how texts become ids" },
    { "clip_vision", LAC_KEY_TABLE, "{}", .sub = lac_recipe_network_keys, .help = "CLIP's image tower, frozen, of a system with RefAdapters" },
    { "sem_inpainter", LAC_KEY_TABLE, "{}", .sub = lac_recipe_network_keys, .help = "what CLIP would see of the object to come" },
    { "visual", LAC_KEY_STR, "\"auto\"", .choices = LAC_VISUALS, .help = "what RefAdapters read: CLIP's features of the whole picture (truth), of the one with its hole (masked), SemInpainter's (predicted); auto: the last there is" },
    { "train_unet", LAC_KEY_BOOL, "true", .help = "the denoiser is trained" },
    { "train_sem_inpainter", LAC_KEY_BOOL, "false", .help = "SemInpainter is trained along, by the denoiser's loss" },
    { "ref_zero_init", LAC_KEY_BOOL, "true", .help = "fresh RefAdapters say nothing: their last layer is zero" },
    { "train_text", LAC_KEY_BOOL, "false", .help = "the text's encoder is trained along" },
    { "cache", LAC_KEY_STR, "\"off\"", .choices = "off|pictures|latents", .help = "what the autoencoder makes of pictures, and with latents of their surroundings if masks are fixed, is made once" },
    { "cache_texts", LAC_KEY_BOOL, "false", .help = "what the text's encoder, frozen, makes of the captions is made once" },
    { "cache_features", LAC_KEY_STR, "\"off\"", .choices = LAC_VISUAL_CACHES, .help = LAC_VISUAL_CACHE_HELP },
    { "cache_folder", LAC_KEY_STR, "\"cache\"", .help = "where all these lie" },
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
    { "known", LAC_KEY_BOOL, "true", .help = "smartbrush: the denoiser's loss is of the known cells too, as the publication's formula, though what they are given has no noise" },
    { "coarse", LAC_KEY_LIST, "[8, 16]", .of = LAC_KEY_NUM, .min = 0, .max = 1e4, .help = "smartbrush: blur of the masks of precision 1 and 2, in pixels of a picture of 512" },
    { "latent_mask", LAC_KEY_STR, "\"nearest\"", .choices = LAC_LATENT_MASKS, .help = "which cells of the latent are hole" },
    { NULL },
};

/* ---- opening ---- */

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

static lac_status make_phase(lac_recipe *r, const latent *m, const json_t *loss)
{
    lac_phase *p;
    LAC_TRY(lac_recipe_phase(r, &p, "denoise", "unet", NULL));
    for (int i = 0; i < N_ROLES; i++)
        if (m->net[i] != NULL && !m->net[i]->params->frozen)
            LAC_TRY(lac_phase_trains(p, m->net[i]->params));
    LAC_TRY(lac_phase_loss(p, "denoise", 1));
    if (latent_brushes(m))
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
    LAC_TRY(latent_open_networks(r, m, model));
    LAC_TRY(latent_check_fit(m));
    LAC_TRY(latent_choose_visual(m, model, loss));
    latent_silence_adapters(m, lac_config_bool(model, "ref_zero_init"));
    LAC_TRY(latent_open_tokenizer(r, m, model));
    LAC_TRY(latent_check_sizes(r, m));
    LAC_TRY(lac_objective_open(&m->objective, lac_config_at(loss, "objective")));
    m->drop = lac_config_num(loss, "prompt_dropout");
    m->drop_visual = lac_config_num(loss, "visual_dropout");
    m->drop_rule = lac_config_choice(loss, "drop", DROPS);
    m->global = lac_config_int(config, "batch.global");
    m->whole = lac_config_num(loss, "whole");
    m->known = lac_config_bool(loss, "known");
    m->recompute = lac_config_bool(model, "recompute");
    m->fill = (lac_hole_fill)lac_config_choice(m->settings, "hole_fill", LAC_HOLE_FILLS);
    m->mask_rule = (lac_latent_mask)lac_config_choice(loss, "latent_mask", LAC_LATENT_MASKS);
    LAC_TRY(read_coarse(r, m, loss));
    LAC_TRY(lac_image_new(&m->bytes, r->size, r->size, 1));
    LAC_TRY(latent_choose_kept(r, m, config));
    LAC_TRY(latent_choose_texts(r, m, model));
    LAC_TRY(lac_calloc((void **)&m->ids, r->texts.encoder != NULL ? (size_t)lac_prompts_length(&m->prompts) : 0, sizeof *m->ids));
    latent_choose_fields(r, m);
    LAC_TRY(latent_declare(r, m));
    LAC_TRY(latent_declare_visual(r, m));
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

/* ---- a step, and use ---- */

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    const latent *m = r->state;
    (void)phase;
    to[0] = (double)(batch->n * m->h * m->h * m->z);
    if (latent_brushes(m))
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
            if (m->net[i] != NULL && strcmp(m->system->role[k].name, latent_role[i]) == 0)
                ip->network[k] = *m->net[i];
}

static const char *const fields[] = { "image", "mask", "caption", NULL }, *const optims[] = { "unet", NULL };

const lac_recipe_def lac_recipe_latent = {
    .name = "latent", .about = "latent diffusion inpainting: a denoiser over a frozen autoencoder, told the hole, its surroundings and a text",
    .model_keys = model_keys, .loss_keys = loss_keys, .fields = fields, .optims = optims, .inpainter = inpainter, .open = open,
    .close = close_recipe, .derive = latent_derive, .forward = latent_forward, .count = count,
};
