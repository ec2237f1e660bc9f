/* trainer CONFIG.lua [key=value ...]: one run, or a sweep of them. */
#include "cli/commands.h"
#include "cli/lua_host.h"
#include "cli/resources.h"
#include "cli/run_hooks.h"
#include "cli/run_report.h"
#include "cli/sweep.h"
#include "core/comm/comm.h"
#include "core/memory.h"
#include "core/threads.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct train_options { bool dry_run; const char *fork; } train_options;

static void help_key(const char *path, const lac_key *k)
{
    char name[96];
    snprintf(name, sizeof name, "%s%s%s", path, path[0] ? "." : "", k->name);
    printf("  %-26s %-12s %s%s%s%s\n", name, k->value == NULL ? "required" : k->value[0] ? k->value : "-", k->help ? k->help : "",
           k->choices ? " (" : "", k->choices ? k->choices : "", k->choices ? ")" : "");
}

static lac_status run_folder(const lac_stages *stages, char **folder)
{
    const json_t *c = stages->stage[0].config;
    return lac_format(folder, "%s/%s", lac_config_str(c, "runs"), lac_config_str(c, "name"));
}

static lac_status print_cost(const lac_stage *stage, lac_comm *comm)
{
    lac_trainer t = { 0 };
    const lac_backend *b;
    lac_dtype d;
    int64_t peak = 0, flops = 0, state = 0;
    LAC_TRY(lac_run_device(stage->config, &b, &d));
    lac_status s = lac_trainer_open(&t, stage->recipe, stage->config, stage->name, b, d, comm);
    if (s == LAC_OK)
        s = lac_trainer_cost(&t, &peak, &flops);
    for (int i = 0; s == LAC_OK && i < t.recipe.n_nets; i++) {
        printf("  %-16s %12lld parameters\n", t.recipe.net[i]->name, (long long)lac_params_numel(t.recipe.net[i]));
        state += 16 * lac_params_numel(t.recipe.net[i]);       /* master, gradient, two moments */
    }
    if (s == LAC_OK)
        printf("  stage %s: %lld steps in %s on %s; a step is %.1f GFLOP; memory %.2f GB of activations and %.2f GB of state\n", stage->name,
               (long long)lac_config_int(stage->config, "steps"), lac_dtype_name(d), b->name, 1e-9 * (double)flops, 1e-9 * (double)peak, 1e-9 * (double)state);
    lac_trainer_close(&t);
    return s;
}

static lac_status dry_run(const lac_stages *stages, lac_comm *comm)
{
    json_t *config = lac_stages_json(stages);
    char *text = json_dumps(config, JSON_INDENT(2) | JSON_SORT_KEYS);
    printf("%s\n", text ? text : "");
    free(text);
    json_decref(config);
    for (int64_t k = 0; k < stages->n; k++)
        LAC_TRY(print_cost(&stages->stage[k], comm));
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

static lac_status train_one(json_t *given, lac_experiment *e, const train_options *o, lac_comm *comm, char **done)
{
    lac_stages stages = { 0 };
    const lac_run_hooks hooks = lac_run_hooks_here();
    char *folder = NULL;
    LAC_TRY(lac_stages_resolve(&stages, given, lac_experiment_where, e));
    comm->timeout = lac_config_num(stages.stage[0].config, "comm.timeout");
    lac_status s = run_folder(&stages, &folder);
    if (s == LAC_OK && o->dry_run)
        s = comm->rank == 0 ? dry_run(&stages, comm) : LAC_OK;
    else if (s == LAC_OK) {
        s = lac_run(&stages, folder, comm, &hooks);
        lac_progress_end();
        if (comm->rank == 0 && (s == LAC_OK || s == LAC_ERR_STOPPED))
            s = report(folder, s);
    }
    *done = folder;
    lac_stages_free(&stages);
    return s;
}

/* The last validation of a run, or its last loss, from log.jsonl. */
static void print_result(const char *folder)
{
    char *path, line[8192], last[8192] = "", val[8192] = "";
    if (lac_format(&path, "%s/log.jsonl", folder) != LAC_OK)
        return;
    FILE *f = fopen(path, "r");
    free(path);
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        strcpy(last, line);
        if (strstr(line, "\"validate.") != NULL)
            strcpy(val, line);
    }
    if (f != NULL)
        fclose(f);
    json_t *j = json_loads(val[0] ? val : last, 0, NULL), *value;
    const char *key;
    printf("| %s |", folder);
    json_object_foreach(j, key, value)
        if (strcmp(key, "step") == 0 || strncmp(key, "validate.", 9) == 0 || (!val[0] && strncmp(key, "loss", 4) == 0))
            printf(" %s %.5g |", key, json_number_value(value));
    printf("\n");
    json_decref(j);
}

static lac_status train_all(lac_experiment *e, const train_options *o, lac_comm *comm)
{
    lac_sweep_run *runs;
    int64_t n;
    LAC_TRY(lac_sweep_expand(e->config, &runs, &n));
    char **folder = NULL;
    lac_status s = lac_calloc((void **)&folder, (size_t)n, sizeof *folder);
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        if (n > 1 && comm->rank == 0)
            printf("run %lld of %lld: %s\n", (long long)i + 1, (long long)n, runs[i].name);
        s = train_one(runs[i].config, e, o, comm, &folder[i]);
    }
    for (int64_t i = 0; s == LAC_OK && n > 1 && comm->rank == 0 && !o->dry_run && i < n; i++)
        print_result(folder[i]);
    for (int64_t i = 0; folder != NULL && i < n; i++)
        free(folder[i]);
    free(folder);
    lac_sweep_free(runs, n);
    return s;
}

static lac_status load(lac_experiment *e, const lac_words *words)
{
    char *root = NULL;
    const lac_status found = lac_resource(&root, "configs-lua");
    const char *const roots[] = { root };
    lac_status s = lac_experiment_load(e, words->word[0], roots, found == LAC_OK ? 1 : 0, &lac_lua_default_limits);
    for (int i = 1; s == LAC_OK && i < words->n; i++)
        s = lac_experiment_override(e, words->word[i]);
    free(root);
    return s;
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

/* One of several: what ends it for the others too, unless all end alike. Of what all fail at, the first rank tells. */
static int finish(lac_status s, lac_comm *comm)
{
    if (comm == NULL || comm->size == 1)
        return lac_finish(s);
    if (s != LAC_OK && s != LAC_ERR_STOPPED)
        comm->abort(comm, lac_error_message());
    if (comm->rank == 0 || s == LAC_ERR_TIMEOUT)
        return lac_finish(lac_context(s, "rank %d", comm->rank));
    return lac_exit_code(s);
}

static int run_on_ranks(const lac_words *words, const train_options *o)
{
    lac_comm *comm = NULL;
    lac_status s = lac_comm_open(&comm, 600);
    if (s == LAC_OK)
        s = train(words, o, comm);
    const int code = finish(s, comm);
    lac_comm_free(comm);
    return code;
}

int lac_cmd_train(int argc, char **argv)
{
    train_options o = { false, NULL };
    bool help = false, keys = false;
    const lac_option options[] = {
        { "dry-run", 0, NULL, LAC_OPTION_FLAG, &o.dry_run, "print the resolved config, parameters, FLOP and memory; train nothing" },
        { "fork", 0, "NAME", LAC_OPTION_STRING, &o.fork, "begin run NAME from the newest weights of the config's own run" },
        { "keys", 0, NULL, LAC_OPTION_FLAG, &keys, "every key of a config with its default" },
        { NULL },
    };
    const lac_command command = { "trainer", "CONFIG.lua [key=value ...]", 0, -1,
        "Trains what the config describes, into runs/NAME; goes on by itself where an earlier call ended.\n"
        "Started by mpirun or srun it trains on all ranks together.\n"
        "Exit status: 0 done, 75 stopped by a signal and saved, 76 another rank was lost, else an error.", options };
    lac_words words = { NULL, 0 };
    lac_status s = lac_options_parse(&command, argc, argv, &words, &help);
    if (s == LAC_OK && help)
        lac_options_help(stdout, &command);
    else if (s == LAC_OK && keys)
        lac_stages_help(help_key);
    const int code = s == LAC_OK && !help && !keys ? run_on_ranks(&words, &o) : lac_finish(s);
    lac_words_free(&words);
    return code;
}
