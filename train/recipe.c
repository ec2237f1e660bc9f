#include "train/recipe.h"

#include "core/memory.h"
#include "core/named.h"
#include "core/resource.h"
#include "data/mask_source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static lac_named recipes = { "recipe", LAC_ERR_CONFIG, {
#define LAC_RECIPE(name) &lac_recipe_##name,
#include "train/recipes.def"
#undef LAC_RECIPE
} };

const lac_key lac_recipe_network_keys[] = {
    { "network", LAC_KEY_STR, "\"\"", .help = "which; \"\": the first that the system takes" },
    { "config", LAC_KEY_TABLE, "{}", .help = "its published config" },
    { NULL },
};

lac_status lac_recipe_register(const lac_recipe_def *def) { return lac_named_add(&recipes, def); }
lac_status lac_recipe_find(const lac_recipe_def **def, const char *name) { return LAC_NAMED_FIND(&recipes, name, def); }
const lac_recipe_def *lac_recipe_at(int i) { return recipes.entry[i]; }

lac_status lac_recipe_tokenizer(const lac_recipe *r, lac_prompts *p, const json_t *model)
{
    const char *folder = lac_config_str(model, "tokenizer");
    const json_t *prompts = lac_config_at(model, "prompts");
    char *own = NULL;
    *p = (lac_prompts){ 0 };
    if (folder[0] == '\0')
        return LAC_FAIL(LAC_ERR_CONFIG, "model.tokenizer: the text encoder wants one, a folder");
    lac_status s = access(folder, F_OK) != 0 ? lac_resource(&own, folder) : LAC_OK;
    if (s == LAC_OK)
        s = lac_prompts_open(p, own != NULL ? own : folder, prompts);
    else if (r->backend->blank)
        s = lac_prompts_open_none(p, prompts);
    free(own);
    return lac_context(s, "model.tokenizer");
}

bool lac_recipe_masks_of_record(const json_t *config)
{
    const json_t *mix = lac_config_at(config, "data.train.mix");
    bool all = json_array_size(mix) > 0 || lac_mask_source_of_record(lac_config_str(config, "data.train.mask"));
    for (size_t i = 0; i < json_array_size(mix); i++) {
        const char *own = lac_config_str(json_array_get(mix, i), "mask");
        all &= lac_mask_source_of_record(own[0] != '\0' ? own : lac_config_str(config, "data.train.mask"));
    }
    return all;
}

static bool has_parameters(const lac_params *ps)
{
    bool any = false;
    for (int64_t i = 0; i < ps->n; i++)
        any |= ps->param[i]->role != LAC_ROLE_BUFFER;
    return any;
}

static lac_status check_phases(const lac_recipe *r)
{
    bool any = false;
    for (int p = 0; p < r->n_phases; p++)
        any |= r->phase[p].trains.n > 0;
    return any ? LAC_OK : LAC_FAIL(LAC_ERR_STATE, "no phase trains anything");
}

/* One that is neither would move nowhere and be saved nowhere. */
static lac_status check_trained(const lac_recipe *r, const lac_params *ps)
{
    bool trained = !has_parameters(ps);
    for (int p = 0; p < r->n_phases; p++)
        trained |= lac_trained_has(&r->phase[p].trains, ps);
    return trained || ps->frozen ? LAC_OK : LAC_FAIL(LAC_ERR_STATE, "no phase trains the network '%s', and it is not frozen", ps->name);
}

lac_status lac_recipe_open(lac_recipe *r, const lac_recipe_def *def, const json_t *config, const lac_backend *b, lac_dtype d)
{
    *r = (lac_recipe){ .def = def, .fields = def->fields, .backend = b, .dtype = d, .size = lac_config_int(config, "data.train.size") };
    LAC_TRY(lac_context(def->open(r, config), "recipe '%s'", def->name));
    for (int i = 0; i < r->n_nets; i++)
        LAC_TRY(lac_context(check_trained(r, r->net[i]), "recipe '%s'", def->name));
    LAC_TRY(lac_context(check_phases(r), "recipe '%s'", def->name));
    for (int i = 0; i < r->n_nets; i++)
        LAC_TRY(lac_params_init(r->net[i], (uint64_t)lac_config_int(config, "seed")));
    return LAC_OK;
}

void lac_recipe_close(lac_recipe *r)
{
    if (r->def != NULL && r->def->close != NULL)
        r->def->close(r);
    for (int i = 0; i < r->n_nets; i++)
        lac_network_close(&r->network[i]);
    free(r->state);
    *r = (lac_recipe){ 0 };
}

static lac_status check_room(const lac_recipe *r, const char *name)
{
    return r->n_nets < LAC_MAX_NETS ? LAC_OK : LAC_FAIL(LAC_ERR_STATE, "network '%s': a recipe has at most %d", name, LAC_MAX_NETS);
}

lac_status lac_recipe_network(lac_recipe *r, const char *name, lac_params **ps)
{
    LAC_TRY(check_room(r, name));
    LAC_TRY(lac_params_new(ps, name, r->backend, r->dtype));
    r->network[r->n_nets] = (lac_network){ .params = *ps };
    r->net[r->n_nets++] = *ps;
    return LAC_OK;
}

lac_status lac_recipe_open_network(lac_recipe *r, const char *name, const lac_network_def *def, const json_t *config, const lac_network **n)
{
    LAC_TRY(check_room(r, name));
    lac_network *own = &r->network[r->n_nets];
    LAC_TRY(lac_network_make(own, def, name, config, r->backend, r->dtype));
    r->net[r->n_nets++] = own->params;
    *n = own;
    return LAC_OK;
}

lac_status lac_recipe_frozen(lac_recipe *r, const char *name, lac_params **ps)
{
    LAC_TRY(lac_recipe_network(r, name, ps));
    (*ps)->frozen = true;
    return LAC_OK;
}

lac_status lac_recipe_phase(lac_recipe *r, lac_phase **p, const char *name, const char *optim, lac_params *trains)
{
    if (r->n_phases == LAC_MAX_PHASES)
        return LAC_FAIL(LAC_ERR_STATE, "phase '%s': a step has at most %d", name, LAC_MAX_PHASES);
    *p = &r->phase[r->n_phases++];
    **p = (lac_phase){ .name = name, .optim = optim };
    return trains != NULL ? lac_phase_trains(*p, trains) : LAC_OK;
}

lac_status lac_phase_trains(lac_phase *p, lac_params *ps)
{
    if (p->trains.n == LAC_MAX_TRAINED)
        return LAC_FAIL(LAC_ERR_STATE, "network '%s': phase '%s' trains at most %d", ps->name, p->name, LAC_MAX_TRAINED);
    p->trains.ps[p->trains.n++] = ps;
    return LAC_OK;
}

lac_status lac_phase_loss_in(lac_phase *p, const char *mode, const char *name, double weight)
{
    if (p->n_losses == LAC_MAX_LOSSES)
        return LAC_FAIL(LAC_ERR_STATE, "loss '%s': phase '%s' has at most %d", name, p->name, LAC_MAX_LOSSES);
    p->loss[p->n_losses].mode = mode;
    p->loss[p->n_losses].name = name;
    p->loss[p->n_losses++].weight = weight;
    return LAC_OK;
}

lac_status lac_phase_shown_in(lac_phase *p, const char *mode, const char *name)
{
    if (p->n_shown == LAC_MAX_SHOWN)
        return LAC_FAIL(LAC_ERR_STATE, "number '%s': phase '%s' shows at most %d", name, p->name, LAC_MAX_SHOWN);
    p->shown[p->n_shown].mode = mode;
    p->shown[p->n_shown++].name = name;
    return LAC_OK;
}

lac_status lac_recipe_derive(lac_recipe *r, const char *name, lac_dtype d, int ndim, const int64_t *dim)
{
    if (r->n_derived == LAC_MAX_DERIVED)
        return LAC_FAIL(LAC_ERR_STATE, "field '%s': a recipe derives at most %d", name, LAC_MAX_DERIVED);
    r->derived[r->n_derived].def = (lac_field_def){ .name = name, .about = "derived", .dtype = d, .use = LAC_FIELD_PLAIN };
    r->derived[r->n_derived].one.ndim = ndim;
    if (ndim > 0)               /* a number has no dims, and then none are named */
        memcpy(r->derived[r->n_derived].one.dim, dim, (size_t)ndim * sizeof *dim);
    r->n_derived++;
    return LAC_OK;
}

lac_status lac_phase_loss(lac_phase *p, const char *name, double weight) { return lac_phase_loss_in(p, NULL, name, weight); }
lac_status lac_phase_shown(lac_phase *p, const char *name) { return lac_phase_shown_in(p, NULL, name); }
const char *lac_recipe_mode(const lac_recipe *r, int64_t step) { return r->def->mode != NULL ? r->def->mode(r, step) : ""; }

lac_params *lac_recipe_find_network(const lac_recipe *r, const char *name)
{
    for (int i = 0; i < r->n_nets; i++)
        if (strcmp(r->net[i]->name, name) == 0)
            return r->net[i];
    return NULL;
}
