#include "core/comm/lane.h"
#include "train/frozen.h"

#include <math.h>
#include <stdio.h>

/* This rank's share of the global batch, and the largest divisor of it that batch.micro allows. */
static lac_status divide_batch(lac_trainer *t, const json_t *config)
{
    const int64_t global = lac_config_int(config, "batch.global"), most = lac_config_int(config, "batch.micro");
    if (global % t->comm->size != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "batch.global = %lld does not divide among %d ranks", (long long)global, t->comm->size);
    t->share = t->micro = global / t->comm->size;
    while (most > 0 && (t->micro > most || t->share % t->micro != 0))
        t->micro--;
    return LAC_OK;
}

lac_status lac_trainer_open(lac_trainer *t, const lac_recipe_def *def, const json_t *config, const char *stage, const lac_backend *b,
                            lac_dtype d, lac_comm *comm)
{
    *t = (lac_trainer){ .comm = comm, .stage = stage, .seed = lac_config_int(config, "seed") };
    for (int i = 0; i < LAC_MAX_PHASES * LAC_MAX_LOSSES; i++)
        t->loss[i / LAC_MAX_LOSSES][i % LAC_MAX_LOSSES] = NAN;
    for (int i = 0; i < LAC_MAX_PHASES * LAC_MAX_SHOWN; i++)
        t->shown[i / LAC_MAX_SHOWN][i % LAC_MAX_SHOWN] = NAN;
    LAC_TRY(lac_recipe_open(&t->recipe, def, config, b, d));
    LAC_TRY(divide_batch(t, config));
    LAC_TRY(lac_derived_open(&t->derived, &t->recipe, stage, (uint64_t)t->seed, comm->rank * t->share, t->share));
    LAC_TRY(lac_tape_new(&t->tape, b));
    lac_tape_deterministic(t->tape, lac_config_bool(config, "debug.direct"));
    if (comm->size > 1) {
        lac_lane *lane;
        LAC_TRY(lac_comm_lane(comm, b, &lane));
        lac_tape_lane(t->tape, lane);
    }
    lac_tape_ranges(t->tape, lac_config_bool(config, "debug.ranges"));
    t->replays = (lac_replays){ .backend = b, .off = !lac_config_bool(config, "debug.graph") };
    LAC_TRY(lac_staging_open(&t->staging, b, t->recipe.n_phases, t->share / t->micro));
    for (int p = 0; p < t->recipe.n_phases; p++) {
        char key[64];
        if (t->recipe.phase[p].trains.n == 0)
            continue;
        snprintf(key, sizeof key, "optim.%s", t->recipe.phase[p].optim);
        LAC_TRY(lac_context(lac_optim_config_read(&t->optim_config[p], lac_config_at(config, key)), "%s", key));
        LAC_TRY(lac_context(lac_optim_new(&t->optim[p], &t->recipe.phase[p].trains, &t->optim_config[p], t->staging.bad,
                                          &t->staging.in->phase[p].update, comm), "%s", key));
    }
    return LAC_OK;
}

void lac_trainer_close(lac_trainer *t)
{
    lac_staging_finish(&t->staging);
    lac_replays_free(&t->replays);
    for (int p = 0; p < LAC_MAX_PHASES; p++) {
        lac_optim_free(t->optim[p]);
        lac_optim_config_free(&t->optim_config[p]);
    }
    lac_staging_close(&t->staging);
    lac_derived_close(&t->derived);
    lac_tape_free(t->tape);
    lac_frozen_state_end(t);
    lac_recipe_close(&t->recipe);
    *t = (lac_trainer){ 0 };
}

double lac_trainer_total(const lac_trainer *t)
{
    int p = t->recipe.n_phases - 1;
    double sum = 0;
    while (p > 0 && (t->optim[p] == NULL || t->recipe.phase[p].mode != NULL))
        p--;
    for (int i = 0; i < t->recipe.phase[p].n_losses; i++)
        if (t->recipe.phase[p].loss[i].mode == NULL || !isnan(t->loss[p][i]))       /* it may stand still: NaN */
            sum += t->recipe.phase[p].loss[i].weight * t->loss[p][i];
    return sum;
}

/* What the optimizers hold, what is frozen, and every network's buffers. */
lac_status lac_trainer_state(lac_trainer *t, lac_state *s)
{
    LAC_TRY(lac_trainer_settle(t));
    for (int p = 0; p < t->recipe.n_phases; p++)
        LAC_TRY(lac_optim_state(t->optim[p], s));
    LAC_TRY(lac_frozen_state(t, s));
    for (int i = 0; i < t->recipe.n_nets; i++)
        for (int64_t k = 0; k < t->recipe.net[i]->n; k++) {
            const lac_param *q = t->recipe.net[i]->param[k];
            if (q->role == LAC_ROLE_BUFFER)
                LAC_TRY(lac_state_add(s, t->recipe.backend, q->value->dtype, q->value->ndim, q->value->dim, q->value->data, "%s/buffer/%s", t->recipe.net[i]->name, q->name));
        }
    return LAC_OK;
}

lac_status lac_trainer_restored(lac_trainer *t)
{
    for (int p = 0; p < t->recipe.n_phases; p++)
        LAC_TRY(lac_optim_restored(t->optim[p]));
    LAC_TRY(lac_frozen_restored(t));
    for (int i = 0; i < t->recipe.n_nets; i++)
        for (int64_t k = 0; k < t->recipe.net[i]->n; k++)
            lac_param_changed(t->recipe.net[i]->param[k]);
    return LAC_OK;
}

void lac_trainer_state_end(lac_trainer *t)
{
    for (int p = 0; p < t->recipe.n_phases; p++)
        lac_optim_state_end(t->optim[p]);
    lac_frozen_state_end(t);
}

lac_status lac_trainer_swap_ema(lac_trainer *t)
{
    LAC_TRY(lac_trainer_settle(t));
    for (int p = 0; p < t->recipe.n_phases; p++)
        LAC_TRY(lac_optim_swap_ema(t->optim[p]));
    return LAC_OK;
}
