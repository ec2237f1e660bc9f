/* Networks of the recipe `latent`, and whether they fit. */
#include "train/recipe_latent_internal.h"

#include "models/unet/unet.h"

#include <string.h>

const char *const latent_role[N_ROLES] = { "unet", "vae", "text_encoder", "clip_vision", "sem_inpainter" };

/* What the system takes for that role where the config does not say. */
static lac_status network_of(const lac_inpainter_def *system, int i, const json_t *given, const lac_network_def **def)
{
    const lac_inpainter_role *r = system->role;
    while (r->name != NULL && strcmp(r->name, latent_role[i]) != 0)
        r++;
    *def = NULL;
    return r->name != NULL ? lac_role_find(r, lac_config_str(given, "network"), def) : LAC_OK;
}

lac_status latent_open_networks(lac_recipe *r, latent *m, const json_t *model)
{
    for (int i = 0; i < N_ROLES; i++) {
        const lac_network_def *def;
        const json_t *given = lac_config_at(model, latent_role[i]);
        LAC_TRY(lac_context(network_of(m->system, i, given, &def), "model.%s", latent_role[i]));
        if (def != NULL)
            LAC_TRY(lac_recipe_open_network(r, latent_role[i], def, lac_config_at(given, "config"), &m->net[i]));
    }
    if (m->net[UNET] == NULL || m->net[VAE] == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.system: '%s' has no %s", m->system->name, latent_role[m->net[UNET] == NULL ? UNET : VAE]);
    const bool trained[N_ROLES] = { [UNET] = lac_config_bool(model, "train_unet"), [TEXT] = lac_config_bool(model, "train_text"), [SEM] = lac_config_bool(model, "train_sem_inpainter") };
    for (int i = 0; i < N_ROLES; i++) {
        if (m->net[i] != NULL)
            m->net[i]->params->frozen = !trained[i];
        else if (trained[i])
            return LAC_FAIL(LAC_ERR_CONFIG, "model: '%s' has no %s to train", m->system->name, latent_role[i]);
    }
    return LAC_OK;
}

/* The system itself says whether they fit. */
lac_status latent_check_fit(const latent *m)
{
    json_t *all = json_object();
    for (int i = 0; i < N_ROLES; i++)
        if (m->net[i] != NULL)
            json_object_set_new(all, latent_role[i], json_pack("{s:s, s:O}", "network", m->net[i]->def->name, "config", m->net[i]->config));
    const lac_status s = m->net[VISION] != NULL ? m->system->fits(all) : LAC_OK;
    json_decref(all);
    return lac_context(s, "model: '%s'", m->system->name);
}

lac_status latent_open_tokenizer(const lac_recipe *r, latent *m, const json_t *model)
{
    if (m->net[TEXT] == NULL)
        return LAC_OK;
    LAC_TRY(lac_recipe_tokenizer(r, &m->prompts, model));
    return lac_context(lac_prompts_fit(&m->prompts, m->net[TEXT]), "model.text_encoder");
}

/* ---- channels and sizes ---- */

static lac_status check_channels(latent *m, const lac_unet_config *unet)
{
    const int64_t labels = latent_brushes(m) ? LAC_PRECISION_LEVELS : 0, out = latent_brushes(m) ? m->z + 1 : m->z;
    if (latent_brushes(m) && unet->in != m->z + 1)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.unet: in_channels is %lld, expected %lld, with the hole", (long long)unet->in, (long long)m->z + 1);
    if (!latent_brushes(m) && unet->in != m->z && !latent_inpaints(m))
        return LAC_FAIL(LAC_ERR_CONFIG, "model.unet: in_channels is %lld, expected %lld, or %lld with hole and surroundings", (long long)unet->in, (long long)m->z,
                        (long long)(2 * m->z + 1));
    if (unet->out != out)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.unet: out_channels is %lld, expected %lld", (long long)unet->out, (long long)out);
    return unet->labels == labels ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "model.unet: %lld num_class_embeds, expected %lld for '%s'", (long long)unet->labels, (long long)labels, m->system->name);
}

static lac_beside beside_of(const latent *m, const lac_unet_config *unet)
{
    if (m->system == &lac_inpainter_smartbrush)
        return LAC_BESIDE_MASK;
    if (unet->in != 2 * m->z + 1)
        return LAC_BESIDE_NONE;
    return m->system == &lac_inpainter_ldm ? LAC_BESIDE_MASK_LAST : LAC_BESIDE_MASK_FIRST;
}

lac_status latent_check_sizes(const lac_recipe *r, latent *m)
{
    const lac_autoencoder *vae = m->net[VAE]->model;
    const lac_unet_config *unet = &((const lac_unet *)m->net[UNET]->model)->config;
    if (r->size % vae->factor != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "data.train.size must be a multiple of %lld, found %lld", (long long)vae->factor, (long long)r->size);
    m->h = r->size / vae->factor;
    m->z = vae->z;
    m->beside = beside_of(m, unet);
    return check_channels(m, unet);
}
