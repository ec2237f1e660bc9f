#include "cli/train_cost.h"

#include "cli/run_hooks.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>

/* Of one network on one rank: values, and where it is trained master, gradient, and this rank's share of moments and EMA. */
static double state_bytes(const lac_trainer *t, const lac_params *ps)
{
    double bytes = 0, floats = 0;
    for (int64_t i = 0; i < ps->n; i++)
        bytes += (double)lac_bytes(ps->param[i]->value);
    for (int p = 0; p < t->recipe.n_phases; p++)
        if (lac_trained_has(&t->recipe.phase[p].trains, ps))
            floats = 2 + (t->optim_config[p].ema > 0 ? 3.0 : 2.0) / t->comm->size;
    if (floats > 0 && ps->dtype == LAC_F32)         /* the masters are the values */
        bytes = 0;
    return bytes + 4 * floats * (double)lac_params_numel(ps);
}

static void print_kept(const char *what, const char *whose, const lac_cache_cost *c, bool known)
{
    if (c->records == 0)
        return;
    printf("  %s of %lld %s: %.1f GFLOP each, %.3f GB on disk", what, (long long)c->records, whose, 1e-9 * (double)c->flops, 1e-9 * (double)c->bytes);
    if (!known)
        printf(", whose place the weights of the run decide\n");
    else if (c->missing == 0)
        printf(" in %s, which are there\n", c->folder);
    else
        printf(" in %s; %lld are made before the first step, %.1f TFLOP\n", c->folder, (long long)c->missing, 1e-12 * (double)c->flops * (double)c->missing);
}

/* What is done beside the steps. */
static lac_status print_beside(const lac_stages *stages, int64_t k, lac_trainer *t)
{
    const lac_run_hooks hooks = lac_run_hooks_here();
    const json_t *config = stages->stage[k].config;
    const int64_t draws = lac_config_int(config, "validate.loss.draws");
    lac_run_costs c;
    LAC_TRY(lac_run_cost(stages, k, t, &hooks, &c));
    print_kept("latents", "pictures", &c.latents, c.known);
    print_kept("latents", "pictures of data.eval", &c.held_out_latents, c.known);
    print_kept("states", "texts", &c.texts, c.known);
    if (c.held_out > 0)
        printf("  the loss on %lld pictures of data.eval every %lld steps: %.1f GFLOP each%s, %.3f TFLOP\n", (long long)c.held_out,
               (long long)lac_config_int(config, "validate.loss.every"), 1e-9 * (double)(c.held_out_flops * draws), draws > 1 ? " for all draws" : "",
               1e-12 * (double)(c.held_out_flops * draws) * (double)c.held_out);
    return LAC_OK;
}

lac_status lac_train_cost_stage(const lac_stages *stages, int64_t k, lac_comm *comm, int64_t *flops)
{
    const lac_stage *stage = &stages->stage[k];
    lac_trainer t = { 0 };
    const lac_backend *b;
    lac_dtype d;
    lac_plan_stats step = { 0 };
    double state = 0;
    LAC_TRY(lac_run_device(stage->config, &b, &d));
    lac_status s = lac_trainer_open(&t, stage->recipe, stage->config, stage->name, b, d, comm);
    if (s == LAC_OK)
        s = lac_trainer_cost(&t, &step);
    for (int i = 0; s == LAC_OK && i < t.recipe.n_nets; i++) {
        const lac_params *ps = t.recipe.net[i];
        printf("  %-16s %12lld parameters%s\n", ps->name, (long long)lac_params_numel(ps), ps->frozen ? ", frozen" : "");
        state += state_bytes(&t, ps);
    }
    if (s == LAC_OK)
        printf("  stage %s: %lld steps in %s on %s; a step is %.1f GFLOP; memory %.2f GB of activations (%.1f%% over what is alive at once) and %.2f GB of state\n",
               stage->name, (long long)lac_config_int(stage->config, "steps"), lac_dtype_name(d), b->name, 1e-9 * (double)step.flops, 1e-9 * (double)step.peak_bytes,
               100 * ((double)step.peak_bytes / (double)step.lower_bound_bytes - 1), 1e-9 * state);
    if (s == LAC_OK)
        s = print_beside(stages, k, &t);
    *flops = step.flops;
    lac_trainer_close(&t);
    return s;
}

lac_status lac_train_cost(const lac_stages *stages, lac_comm *comm)
{
    json_t *config = lac_stages_json(stages);
    char *text = lac_config_text(config, JSON_INDENT(2) | JSON_SORT_KEYS);
    printf("%s\n", text ? text : "");
    free(text);
    json_decref(config);
    for (int64_t k = 0; k < stages->n; k++) {
        int64_t step;
        LAC_TRY(lac_train_cost_stage(stages, k, comm, &step));
    }
    return LAC_OK;
}
