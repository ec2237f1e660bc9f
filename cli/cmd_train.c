/* trainer CONFIG.lua [key=value ...]: one run, or a sweep of them. */
#include "cli/commands.h"
#include "cli/preset.h"
#include "cli/run_hooks.h"
#include "cli/run_report.h"
#include "cli/sweep.h"
#include "cli/sweep_table.h"
#include "core/comm/comm.h"
#include "core/memory.h"
#include "core/threads.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct train_options { bool dry_run; const char *fork; } train_options;

static void help_key(const char *path, const lac_key *k)
{
    char name[320];
    snprintf(name, sizeof name, "%s%s%s", path, path[0] ? "." : "", k->name);
    printf("  %-39s %-12s %s%s%s%s\n", name, k->value == NULL ? "required" : k->value[0] ? k->value : "-", k->help ? k->help : "",
           k->choices ? " (" : "", k->choices ? k->choices : "", k->choices ? ")" : "");
}

static lac_status run_folder(const lac_stages *stages, char **folder)
{
    const json_t *c = stages->stage[0].config;
    return lac_format(folder, "%s/%s", lac_config_str(c, "runs"), lac_config_str(c, "name"));
}

/* trainer --keys [RECIPE]: of the first recipe there is, where none is named. */
static lac_status print_keys(const lac_words *words)
{
    const lac_recipe_def *recipe = lac_recipe_at(0);
    if (words->n > 1)
        return LAC_FAIL(LAC_ERR_ARG, "--keys wants one recipe's name, or none");
    LAC_TRY(words->n == 1 ? lac_recipe_find(&recipe, words->word[0]) : LAC_OK);
    printf("recipe \"%s\": %s\n", recipe->name, recipe->about);
    lac_stages_help(recipe, help_key);
    for (int i = 0; words->n == 0 && lac_recipe_at(i) != NULL; i++)
        if (lac_recipe_at(i) != recipe)
            printf("others: trainer --keys %s\n", lac_recipe_at(i)->name);
    return LAC_OK;
}

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

static lac_status print_cost(const lac_stages *stages, int64_t k, lac_comm *comm)
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
    lac_trainer_close(&t);
    return s;
}

static lac_status dry_run(const lac_stages *stages, lac_comm *comm)
{
    json_t *config = lac_stages_json(stages);
    char *text = lac_config_text(config, JSON_INDENT(2) | JSON_SORT_KEYS);
    printf("%s\n", text ? text : "");
    free(text);
    json_decref(config);
    for (int64_t k = 0; k < stages->n; k++)
        LAC_TRY(print_cost(stages, k, comm));
    return LAC_OK;
}

/* A new run from another's newest checkpoint, under a name of its own: every network's weights go over, the step counter starts anew. */
static lac_status apply_fork(json_t *given, const char *name)
{
    const char *runs = json_string_value(json_object_get(given, "runs")), *from = json_string_value(json_object_get(given, "name"));
    char *folder;
    if (from == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "--fork wants a config with a name");
    LAC_TRY(lac_format(&folder, "%s/%s", runs ? runs : "runs", from));
    json_t *init = json_pack("[{s:s, s:s}]", "from", folder, "network", "all");
    free(folder);
    json_object_del(json_array_get(json_object_get(given, "stages"), 0), "init");       /* it begins with these weights, and no others */
    if (init == NULL || json_object_set_new(given, "init", init) != 0 || json_object_set_new(given, "name", json_string(name)) != 0)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: --fork");
    return LAC_OK;
}

/* Done or stopped, a run has a report. */
static lac_status report(const char *folder, lac_status s)
{
    char message[4096];
    lac_error_copy(message, sizeof message);
    const lac_status reported = lac_write_report(folder);
    if (s == LAC_ERR_STOPPED)
        return LAC_FAIL(s, "%s", message);
    if (reported == LAC_OK)
        printf("%s/report.html\n", folder);
    return reported;
}

static lac_status train_one(const lac_stages *stages, const char *folder, const train_options *o, lac_comm *comm)
{
    const lac_run_hooks hooks = lac_run_hooks_here();
    comm->timeout = lac_config_num(stages->stage[0].config, "comm.timeout");
    comm->bucket = (size_t)(lac_config_num(stages->stage[0].config, "comm.bucket") * (1 << 20));
    if (o->dry_run)
        return comm->rank == 0 ? dry_run(stages, comm) : LAC_OK;
    const lac_status s = lac_run(stages, folder, comm, &hooks);
    lac_progress_end();
    return comm->rank == 0 && (s == LAC_OK || s == LAC_ERR_STOPPED) ? report(folder, s) : s;
}

typedef struct sweep {
    lac_sweep_run *run;
    lac_stages *stages;
    lac_sweep_row *row;
    int64_t n, failed;
    lac_status first;           /* what the first failure was */
    char why[4096];
} sweep;

static void close_sweep(sweep *w)
{
    for (int64_t i = 0; w->stages != NULL && i < w->n; i++)
        lac_stages_free(&w->stages[i]);
    for (int64_t i = 0; w->row != NULL && i < w->n; i++)
        free(w->row[i].folder);
    free(w->stages);
    free(w->row);
    lac_sweep_free(w->run, w->n);
}

/* Every run's config is checked before the first one trains. */
static lac_status open_sweep(sweep *w, lac_experiment *e)
{
    LAC_TRY(lac_sweep_expand(e->config, &w->run, &w->n));
    LAC_TRY(lac_calloc((void **)&w->stages, (size_t)w->n, sizeof *w->stages));
    LAC_TRY(lac_calloc((void **)&w->row, (size_t)w->n, sizeof *w->row));
    for (int64_t i = 0; i < w->n; i++) {
        LAC_TRY(lac_stages_resolve(&w->stages[i], w->run[i].config, lac_experiment_where, e));
        LAC_TRY(run_folder(&w->stages[i], &w->row[i].folder));
    }
    return LAC_OK;
}

static void note_failure(sweep *w, lac_sweep_row *row, lac_status s, lac_comm *comm)
{
    row->failed = true;
    if (comm->rank == 0)
        printf("%s failed: %s\n", row->folder, lac_error_message());
    if (w->failed++ == 0) {
        w->first = s;
        lac_error_copy(w->why, sizeof w->why);
    }
}

/* One run of several that fails leaves the others their turn; among several ranks only where all of them fail alike. The message is the
 * first one's. */
static lac_status train_sweep(sweep *w, const train_options *o, lac_comm *comm)
{
    for (int64_t i = 0; i < w->n; i++) {
        if (comm->rank == 0)
            printf("run %lld of %lld: %s\n", (long long)i + 1, (long long)w->n, w->run[i].name);
        const lac_status s = train_one(&w->stages[i], w->row[i].folder, o, comm);
        if (s == LAC_ERR_STOPPED || (s != LAC_OK && s != LAC_ERR_NONFINITE && comm->size > 1))
            return s;
        if (s != LAC_OK)
            note_failure(w, &w->row[i], s, comm);
    }
    if (!o->dry_run && comm->rank == 0)
        LAC_TRY(lac_sweep_table(stdout, w->row, w->n));
    return w->failed == 0 ? LAC_OK
         : LAC_FAIL(w->first, "%lld of %lld runs failed, the first with: %s", (long long)w->failed, (long long)w->n, w->why);
}

static lac_status train_all(lac_experiment *e, const train_options *o, lac_comm *comm)
{
    sweep w = { .n = 0 };
    lac_status s = open_sweep(&w, e);
    if (s == LAC_OK)
        s = w.n > 1 ? train_sweep(&w, o, comm) : train_one(&w.stages[0], w.row[0].folder, o, comm);
    close_sweep(&w);
    return s;
}

static lac_status load(lac_experiment *e, const lac_words *words)
{
    LAC_TRY(lac_experiment_open(e, words->word[0]));
    return lac_preset_override(e, words, 1);
}

static lac_status train(const lac_words *words, const train_options *o, lac_comm *comm)
{
    lac_experiment e = { 0 };
    if (words->n < 1)
        return LAC_FAIL(LAC_ERR_ARG, "trainer wants a config: trainer CONFIG.lua [key=value ...]");
    lac_status s = load(&e, words);
    if (s == LAC_OK && o->fork != NULL)
        s = apply_fork(e.config, o->fork);
    if (s == LAC_OK)
        s = train_all(&e, o, comm);
    lac_experiment_free(&e);
    return s;
}

static int run_on_ranks(const lac_words *words, const train_options *o)
{
    lac_comm *comm = NULL;
    lac_status s = lac_comm_open(&comm, 600);
    if (s == LAC_OK)
        s = train(words, o, comm);
    const int code = lac_finish_rank(s, comm, false);
    lac_comm_free(comm);
    return code;
}

int lac_cmd_train(int argc, char **argv)
{
    train_options o = { false, NULL };
    bool keys = false;
    const lac_option options[] = {
        { "dry-run", 0, NULL, LAC_OPTION_FLAG, &o.dry_run, "print the resolved config, parameters, FLOP and memory; train nothing" },
        { "fork", 0, "NAME", LAC_OPTION_STRING, &o.fork, "begin run NAME from the newest weights of the config's own run" },
        { "keys", 0, NULL, LAC_OPTION_FLAG, &keys, "every key of a config with its default: trainer --keys [RECIPE]" },
        { NULL },
    };
    const lac_command command = { "trainer", "CONFIG.lua [key=value ...]", 0, -1,
        "Trains what the config describes, into runs/NAME; goes on by itself where an earlier call ended.\n"
        "Started by mpirun, srun or torchrun, or with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT set, it trains on all ranks together.\n"
        "Exit status: 0 done, 75 stopped by a signal and saved, 76 another rank was lost, else an error.", options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go && keys)
        s = print_keys(&words);
    const int code = go && !keys ? run_on_ranks(&words, &o) : lac_finish(s);
    lac_words_free(&words);
    return code;
}
