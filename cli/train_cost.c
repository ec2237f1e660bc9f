#include "cli/train_cost.h"

#include "cli/run_hooks.h"
#include "core/memory.h"
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLOPS_TEXT = 32 };

/* "127.973 TFLOP" */
static const char *flops_text(double flops, char text[FLOPS_TEXT])
{
    static const char unit[] = "GTPEZ";
    int k = 0;
    for (flops *= 1e-9; flops >= 1000 && unit[k + 1] != '\0'; k++)
        flops *= 1e-3;
    snprintf(text, FLOPS_TEXT, "%.3f %cFLOP", flops, unit[k]);
    return text;
}

/* ---- a stage ---- */

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
    for (int i = 0; i < LAC_LATENT_SORTS; i++) {
        const char *what = i == LAC_LATENT_FEATURES ? "features" : "latents";
        print_kept(what, "pictures", &c.latents[i], c.known);
        print_kept(what, "pictures of data.eval", &c.held_out_latents[i], c.known);
    }
    print_kept("states", "texts", &c.texts, c.known);
    if (c.held_out > 0)
        printf("  the loss on %lld pictures of data.eval every %lld steps: %.1f GFLOP each%s, %.3f TFLOP\n", (long long)c.held_out,
               (long long)lac_config_int(config, "validate.loss.every"), 1e-9 * (double)(c.held_out_flops * draws), draws > 1 ? " for all draws" : "",
               1e-12 * (double)(c.held_out_flops * draws) * (double)c.held_out);
    return LAC_OK;
}

/* Whether where its latents and texts are kept can be told: their encoders' weights are known then, or asked for. */
static bool wants_weights(const lac_recipe *r, int64_t k, unsigned missing)
{
    return (missing & LAC_MISSING_TOKENIZER) == 0 && (r->texts.encoder != NULL || (lac_latents_any(r) && k == 0 && (missing & LAC_MISSING_INIT) == 0));
}

/* On memory that is not there, unless weights have to be looked at. */
static lac_status open_trainer(lac_trainer *t, const lac_stages *stages, int64_t k, unsigned missing, const lac_backend *b, lac_backend *blank, lac_dtype d, lac_comm *comm)
{
    const lac_stage *stage = &stages->stage[k];
    *blank = lac_backend_blank(b);
    LAC_TRY(lac_trainer_open(t, stage->recipe, stage->config, stage->name, b->host ? blank : b, d, comm));
    if (!b->host || !wants_weights(&t->recipe, k, missing))
        return LAC_OK;
    lac_trainer_close(t);
    return lac_trainer_open(t, stage->recipe, stage->config, stage->name, b, d, comm);
}

static void print_networks(const lac_trainer *t)
{
    for (int i = 0; i < t->recipe.n_nets; i++)
        printf("  %-16s %12lld parameters%s\n", t->recipe.net[i]->name, (long long)lac_params_numel(t->recipe.net[i]), t->recipe.net[i]->frozen ? ", frozen" : "");
}

static void print_steps(const lac_stage *stage, const lac_trainer *t, const lac_plan_stats *step)
{
    const int64_t steps = lac_config_int(stage->config, "steps");
    char one[FLOPS_TEXT], all[FLOPS_TEXT];
    double state = 0;
    for (int i = 0; i < t->recipe.n_nets; i++)
        state += state_bytes(t, t->recipe.net[i]);
    printf("  stage %s: %lld steps in %s on %s; a step is %s%s, all of them are %s for %lld samples; memory %.2f GB of activations (%.1f%% over what is alive at once) and %.2f GB of "
           "state\n", stage->name, (long long)steps, lac_dtype_name(t->recipe.dtype), t->recipe.backend->name, flops_text((double)step->flops, one), t->comm->size > 1 ? " on each rank" : "",
           flops_text((double)step->flops * t->comm->size * (double)steps, all), (long long)(steps * lac_config_int(stage->config, "batch.global")),
           1e-9 * (double)step->peak_bytes, 100 * ((double)step->peak_bytes / (double)step->lower_bound_bytes - 1), 1e-9 * state);
}

/* *flops: of all its steps on all ranks. */
static lac_status print_stage(const lac_stages *stages, int64_t k, lac_wants *wants, lac_comm *comm, double *flops)
{
    const lac_stage *stage = &stages->stage[k];
    lac_trainer t = { 0 };
    const lac_backend *b;
    lac_backend blank;
    lac_dtype d;
    lac_plan_stats step = { 0 };
    unsigned missing;
    LAC_TRY(lac_wants_add(wants, stage->config, &missing));
    LAC_TRY(lac_run_device(stage->config, &b, &d));
    lac_status s = open_trainer(&t, stages, k, missing, b, &blank, d, comm);
    if (s == LAC_OK)
        s = lac_trainer_cost(&t, &step);
    if (s == LAC_OK) {
        print_networks(&t);
        print_steps(stage, &t, &step);
    }
    if (s == LAC_OK && (missing & LAC_MISSING_DATA) == 0 && (t.recipe.texts.encoder == NULL || (missing & LAC_MISSING_TOKENIZER) == 0))
        s = print_beside(stages, k, &t);
    *flops = (double)step.flops * comm->size * (double)lac_config_int(stage->config, "steps");
    lac_trainer_close(&t);
    return s;
}

/* ---- runs ---- */

/* Steps done; 0 where there is no run. */
static lac_status steps_done(const char *folder, int64_t *done)
{
    char *ckpt, *path = NULL;
    lac_checkpoint about = { 0 };
    *done = 0;
    LAC_TRY(lac_format(&ckpt, "%s/ckpt", folder));
    lac_status s = access(ckpt, F_OK) == 0 ? lac_checkpoint_find(&path, ckpt, NULL, NULL) : LAC_OK;
    if (s == LAC_OK && path != NULL && (s = lac_checkpoint_about(&about, path)) == LAC_OK) {
        *done = about.step;
        lac_checkpoint_clear(&about);
    }
    free(path);
    free(ckpt);
    return s;
}

static int64_t steps_of(const lac_stages *stages)
{
    int64_t n = 0;
    for (int64_t k = 0; k < stages->n; k++)
        n += lac_config_int(stages->stage[k].config, "steps");
    return n;
}

/* What a run costs does not depend on its name and seed. */
static json_t *cost_of(const lac_stages *stages)
{
    json_t *config = json_array();
    for (int64_t k = 0; k < stages->n; k++) {
        json_t *own = json_copy(stages->stage[k].config);
        json_object_del(own, "seed");
        json_object_del(own, "name");
        json_array_append_new(config, own);
    }
    return config;
}

static bool is_like(const lac_train_list *w, int64_t i, int64_t k)
{
    json_t *a = cost_of(&w->stages[i]), *b = cost_of(&w->stages[k]);
    const bool same = json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return same;
}

static lac_status print_stages(const lac_stages *stages, lac_wants *wants, lac_comm *comm, double *flops)
{
    *flops = 0;
    for (int64_t k = 0; k < stages->n; k++) {
        double own;
        LAC_TRY(print_stage(stages, k, wants, comm, &own));
        *flops += own;
    }
    return LAC_OK;
}

/* Of steps that are still to be done. */
typedef struct bill { double flops; int64_t steps, samples; } bill;

/* flops[i]: of run i as a whole. */
static lac_status print_run(const lac_train_list *w, int64_t i, lac_wants *wants, lac_comm *comm, double *flops, bill *left)
{
    const int64_t steps = steps_of(&w->stages[i]);
    int64_t done, like = 0;
    LAC_TRY(steps_done(w->row[i].folder, &done));
    printf("run %lld of %lld: %s, ", (long long)i + 1, (long long)w->n, w->row[i].folder);
    if (done >= steps && steps > 0)
        return printf("done\n"), LAC_OK;
    if (done > 0)
        printf("goes on at step %lld of ", (long long)done);
    printf("%lld steps", (long long)steps);
    while (like < i && (flops[like] == 0 || !is_like(w, like, i)))
        like++;
    printf(like < i ? ", each as those of %s\n" : "\n", w->row[like].folder);
    if (like < i)
        flops[i] = flops[like];
    else
        LAC_TRY(print_stages(&w->stages[i], wants, comm, &flops[i]));
    left->flops += steps > 0 ? flops[i] * (double)(steps - done) / (double)steps : 0;
    left->steps += steps - done;
    left->samples += (steps - done) * lac_config_int(w->stages[i].stage[0].config, "batch.global");
    return LAC_OK;
}

lac_status lac_train_cost(const lac_train_list *w, lac_wants *wants, lac_comm *comm)
{
    double *flops;
    bill left = { 0 };
    char text[FLOPS_TEXT];
    LAC_TRY(lac_calloc((void **)&flops, (size_t)LAC_MAX(w->n, 1), sizeof *flops));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < w->n; i++)
        s = print_run(w, i, wants, comm, flops, &left);
    free(flops);
    if (s == LAC_OK && w->n > 0)
        printf("steps to come: %lld of %lld samples, %s; where 100 TFLOP/s are kept up that is %.3g hours\n", (long long)left.steps, (long long)left.samples, flops_text(left.flops, text),
               left.flops / 1e14 / 3600);
    return s;
}

void lac_train_config_print(const lac_stages *stages)
{
    json_t *config = lac_stages_json(stages);
    char *text = lac_config_text(config, JSON_INDENT(2) | JSON_SORT_KEYS);
    printf("%s\n", text ? text : "");
    free(text);
    json_decref(config);
}
