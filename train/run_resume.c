/* Opening a stage's trainer, fresh, from weights or from a checkpoint. */
#include "train/run_internal.h"

#include "core/cpu/features.h"
#include "core/memory.h"
#include "core/threads.h"
#include "train/init.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* EMA and moments begin anew: the optimizers restart from what was loaded. */
lac_status run_init_weights(run *r)
{
    const json_t *list = lac_config_at(r->config, "init");
    for (size_t i = 0; i < json_array_size(list); i++)
        LAC_TRY(lac_init_entry(&r->trainer, json_array_get(list, i)));
    for (int p = 0; json_array_size(list) > 0 && p < r->trainer.recipe.n_phases; p++)
        LAC_TRY(lac_optim_restart_ema(r->trainer.optim[p]));
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
            LAC_TRY(lac_init_again(t, i, stages, k));
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
