/* Opening a stage's trainer, fresh, from weights or from a checkpoint. */
#include "train/run_internal.h"

#include "core/cpu/features.h"
#include "core/file/folder.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "core/threads.h"
#include "models/network_format.h"
#include "train/frozen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

lac_status lac_run_device(const json_t *config, const lac_backend **b, lac_dtype *d)
{
    const char *precision = lac_config_str(config, "precision");
    LAC_TRY(lac_backend_get(b, lac_config_str(config, "device")));
    const bool cpu = strcmp((*b)->name, "cpu") == 0;
    if (strcmp(precision, "auto") == 0)
        *d = !cpu || lac_cpu_has_amx_bf16() ? LAC_BF16 : LAC_F32;
    else
        *d = strcmp(precision, "bf16") == 0 ? LAC_BF16 : LAC_F32;
    if (cpu && *d == LAC_BF16 && !lac_cpu_has_avx512_bf16())
        return LAC_FAIL(LAC_ERR_CONFIG, "precision bf16 needs a CPU with avx512_bf16 or AMX, this is %s", lac_cpu_model());
    return LAC_OK;
}

lac_status run_open_trainer(lac_trainer *t, const lac_stage *stage, lac_comm *comm)
{
    const lac_backend *b;
    lac_dtype d;
    const int64_t threads = lac_config_int(stage->config, "threads");
    LAC_TRY(lac_run_device(stage->config, &b, &d));
    if (threads > 0)
        lac_threads_set((int)threads);
    return lac_trainer_open(t, stage->recipe, stage->config, stage->name, b, d, comm);
}

/* From another run's folder: its network of the same name. */
static lac_status init_from_run(lac_params *ps, const char *from, bool strict)
{
    lac_loaded other;
    LAC_TRY(lac_run_load(&other, from, NULL));
    const lac_params *source = lac_recipe_find_network(&other.trainer.recipe, ps->name);
    lac_status s = source || !strict ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "run '%s' has no network '%s'", from, ps->name);
    for (int64_t i = 0; s == LAC_OK && source != NULL && i < ps->n; i++) {
        const lac_param *q = lac_params_find(source, ps->param[i]->name);
        const bool fits = q != NULL && lac_same_shape(q->value, ps->param[i]->value);
        float *x = NULL;
        if (!fits && strict)
            s = LAC_FAIL(LAC_ERR_KEY, "'%s' is missing or of another shape in run '%s'", ps->param[i]->name, from);
        if (s == LAC_OK && fits)
            s = lac_malloc((void **)&x, (size_t)lac_numel(q->value) * sizeof *x);
        if (x != NULL && (s = lac_param_get(q, x)) == LAC_OK)
            s = lac_param_set(ps->param[i], x);
        free(x);
    }
    lac_loaded_close(&other);
    return s;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A run's folder, and no published model's. */
static bool is_run(const json_t *entry)
{
    char checkpoints[4096];
    snprintf(checkpoints, sizeof checkpoints, "%s/ckpt", lac_config_str(entry, "from"));
    return is_folder(checkpoints);
}

static bool names(const json_t *entry, const lac_params *ps)
{
    const char *name = lac_config_str(entry, "network");
    return strcmp(name, "all") == 0 || strcmp(name, ps->name) == 0;
}

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* A file of several networks (lacuna export --all, a model of several) has their names before the keys: is that so of this network's? */
static bool is_among_several(const lac_params *ps, const lac_weights *w, const char *prefix)
{
    bool several = false;
    for (int64_t i = 0; i < lac_weights_count(w); i++)
        several |= begins(lac_weights_name(w, i), prefix);
    for (int64_t i = 0; i < ps->n; i++)
        several &= !begins(ps->param[i]->name, prefix);
    return several;
}

/* In whichever of the network's formats they are; own names where not all need be there. */
static lac_status init_from_weights(const lac_network *n, const lac_weights *w, const json_t *entry)
{
    char own[96];
    const char *prefix = "";
    const lac_network_format *format = NULL;
    const bool strict = lac_config_bool(entry, "strict");
    int64_t taken;
    snprintf(own, sizeof own, "%s.", n->params->name);
    if (strcmp(lac_config_str(entry, "network"), "all") == 0 || is_among_several(n->params, w, own))
        prefix = own;
    else if (n->def != NULL)
        lac_network_format_of(n->def, w, &format, &prefix);
    if (strict && format != NULL)
        return lac_network_read(n->params, w, format, prefix);
    LAC_TRY(lac_params_load(n->params, w, prefix, strict, &taken));
    return taken > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "no key matches");
}

/* A file, a folder of diffusers or transformers, or a pipeline's, which has one for each network under its name. */
static lac_status init_from_path(const lac_network *n, const json_t *entry)
{
    const char *from = lac_config_str(entry, "from");
    lac_weights *w;
    char *inner;
    LAC_TRY(lac_format(&inner, "%s/%s", from, n->params->name));
    const bool part = is_folder(inner);
    lac_status s = lac_weights_open(&w, part ? inner : from);
    free(inner);
    LAC_TRY(s);
    s = init_from_weights(n, w, entry);
    lac_weights_close(w);
    return s;
}

static lac_status init_network(lac_trainer *t, int net, const json_t *entry)
{
    const lac_network *n = &t->recipe.network[net];
    const char *from = lac_config_str(entry, "from");
    const bool strict = lac_config_bool(entry, "strict"), run = is_run(entry);
    LAC_TRY(lac_context(run ? init_from_run(n->params, from, strict) : init_from_path(n, entry), "init from '%s'", from));
    lac_frozen_loaded(t, net, run, strict);
    return LAC_OK;
}

static lac_status init_entry(lac_trainer *t, const json_t *entry)
{
    int n = 0;
    for (int i = 0; i < t->recipe.n_nets; i++)
        if (names(entry, t->recipe.net[i])) {
            LAC_TRY(init_network(t, i, entry));
            n++;
        }
    return n > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "init from '%s': there is no network '%s'", lac_config_str(entry, "from"), lac_config_str(entry, "network"));
}

/* EMA and moments begin anew: the optimizers restart from what was loaded. */
lac_status run_init_weights(run *r)
{
    const json_t *list = lac_config_at(r->config, "init");
    for (size_t i = 0; i < json_array_size(list); i++)
        LAC_TRY(init_entry(&r->trainer, json_array_get(list, i)));
    for (int p = 0; json_array_size(list) > 0 && p < r->trainer.recipe.n_phases; p++)
        LAC_TRY(lac_optim_restart_ema(r->trainer.optim[p]));
    return LAC_OK;
}

/* What the stages up to k took from files for a frozen network, from the last entry on that says all of it; n counts the entries. */
static lac_status make_again(lac_trainer *t, int net, const lac_stages *stages, int64_t k)
{
    int64_t n = 0, last = 0;
    for (int pass = 0; pass < 2; pass++, n = 0)
        for (int64_t i = 0; i <= k; i++) {
            const json_t *list = lac_config_at(stages->stage[i].config, "init");
            for (size_t j = 0; j < json_array_size(list); j++, n++) {
                const json_t *entry = json_array_get(list, j);
                if (!names(entry, t->recipe.net[net]) || is_run(entry))
                    continue;
                if (pass == 0 && lac_config_bool(entry, "strict"))
                    last = n;
                if (pass == 1 && n >= last)
                    LAC_TRY(init_network(t, net, entry));
            }
        }
    return LAC_OK;
}

/* Frozen networks: which of them the checkpoint holds; the others are made again. */
static lac_status restore_frozen(lac_trainer *t, const lac_stages *stages, int64_t k, const char *path)
{
    for (int i = 0; i < t->recipe.n_nets; i++) {
        char sum[128];
        bool has;
        if (!t->recipe.net[i]->frozen)
            continue;
        snprintf(sum, sizeof sum, "%s/sum", t->recipe.net[i]->name);
        LAC_TRY(lac_checkpoint_holds(path, sum, &has));
        if (has)
            LAC_TRY(make_again(t, i, stages, k));
        t->keeps[i] = !has;
    }
    return LAC_OK;
}

lac_status run_restore(lac_trainer *t, const lac_stages *stages, int64_t k, const char *path)
{
    lac_state s = { 0 };
    lac_status status = restore_frozen(t, stages, k, path);
    if (status == LAC_OK)
        status = lac_trainer_state(t, &s);
    if (status == LAC_OK)
        status = lac_checkpoint_load(path, stages->stage[k].recipe->name, &s);
    if (status == LAC_OK)
        status = lac_trainer_restored(t);
    lac_trainer_state_end(t);
    lac_state_free(&s);
    return status;
}

static lac_status find_stage(lac_loaded *r, const lac_checkpoint *about)
{
    for (int64_t k = 0; k < r->stages.n; k++)
        if (strcmp(r->stages.stage[k].name, about->stage) == 0)
            r->stage = &r->stages.stage[k];
    return r->stage != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "the checkpoint is of stage '%s', its config has none of that name", about->stage);
}

/* In f32 on the CPU, whatever it was trained in and on: what is read here are masters and buffers, which are f32 everywhere, so that every
 * machine opens every run. */
static lac_status open_for_use(lac_loaded *r)
{
    const lac_backend *cpu;
    LAC_TRY(lac_backend_get(&cpu, "cpu"));
    return lac_trainer_open(&r->trainer, r->stage->recipe, r->stage->config, r->stage->name, cpu, LAC_F32, r->comm);
}

static lac_status load_checkpoint(lac_loaded *r, const char *path)
{
    lac_checkpoint about;
    LAC_TRY(lac_checkpoint_about(&about, path));
    json_t *config = json_loads(about.config, 0, NULL);
    lac_status s = config != NULL ? lac_stages_resolve(&r->stages, config, NULL, NULL) : LAC_FAIL(LAC_ERR_FORMAT, "its config is not JSON");
    if (s == LAC_OK)
        s = find_stage(r, &about);
    if (s == LAC_OK)
        s = lac_comm_alone(&r->comm);
    if (s == LAC_OK)
        s = open_for_use(r);
    if (s == LAC_OK)
        s = run_restore(&r->trainer, &r->stages, r->stage - r->stages.stage, path);
    if (s == LAC_OK)
        s = lac_trainer_swap_ema(&r->trainer);
    r->step = about.step;
    json_decref(config);
    lac_checkpoint_clear(&about);
    return s;
}

lac_status lac_run_load(lac_loaded *r, const char *folder, const char *checkpoint)
{
    char *found = NULL, *ckpt = NULL;
    *r = (lac_loaded){ 0 };
    lac_status s = lac_format(&ckpt, "%s/ckpt", folder);
    if (s == LAC_OK && checkpoint == NULL)
        s = lac_checkpoint_find(&found, ckpt, NULL, NULL);
    if (s == LAC_OK && checkpoint == NULL && found == NULL)
        s = LAC_FAIL(LAC_ERR_IO, "there is no checkpoint in '%s'", ckpt);
    if (s == LAC_OK)
        s = lac_context(load_checkpoint(r, checkpoint ? checkpoint : found), "loading '%s'", checkpoint ? checkpoint : found);
    free(found);
    free(ckpt);
    if (s != LAC_OK)
        lac_loaded_close(r);
    return s;
}

void lac_loaded_close(lac_loaded *r)
{
    lac_trainer_close(&r->trainer);
    lac_comm_free(r->comm);
    lac_stages_free(&r->stages);
    *r = (lac_loaded){ 0 };
}
