/* trainer CONFIG.lua [key=value ...]: one run, or a sweep of them. */
#include "cli/commands.h"
#include "cli/preset.h"
#include "cli/run_set.h"
#include "cli/table_run.h"
#include "cli/train_cost.h"
#include "cli/train_list.h"
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

static lac_status print_costs(const lac_train_list *w, lac_comm *comm)
{
    lac_wants wants = { NULL };
    if (comm->rank != 0)
        return LAC_OK;
    for (int64_t i = 0; i < w->n; i++)
        lac_train_config_print(&w->stages[i]);
    lac_status s = lac_train_cost(w, &wants, comm);
    if (s == LAC_OK)
        s = lac_wants_print(&wants, w);
    lac_wants_free(&wants);
    return s;
}

static lac_status train_sweep(lac_train_list *w, lac_comm *comm)
{
    LAC_TRY(lac_train_list_all(w, comm));
    if (comm->rank == 0)
        LAC_TRY(lac_sweep_table(stdout, w->row, w->n));
    return lac_train_list_verdict(w);
}

static lac_status train_all(lac_experiment *e, const train_options *o, lac_comm *comm)
{
    lac_train_list w = { .n = 0 };
    lac_run_set set = { NULL };
    int64_t *own = NULL, n;
    lac_status s = lac_run_set_add(&set, e->config, "", &own, &n);
    free(own);
    if (s != LAC_OK) {
        lac_run_set_free(&set);
        return s;
    }
    s = lac_train_list_open(&w, set.run, set.n, e);
    if (s == LAC_OK)
        s = o->dry_run ? print_costs(&w, comm) : set.n > 1 ? train_sweep(&w, comm) : lac_train_list_one(&w, 0, comm);
    lac_train_list_close(&w);
    return s;
}

static lac_status make_table(lac_experiment *e, const train_options *o, lac_comm *comm)
{
    lac_table_file f;
    LAC_TRY(lac_table_file_open(&f, e));
    const lac_status s = o->dry_run ? lac_table_cost(&f, comm) : lac_table_run(&f, comm);
    lac_table_file_close(&f);
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
    if (s == LAC_OK && o->fork != NULL && lac_table_file_is(e.config))
        s = LAC_FAIL(LAC_ERR_ARG, "--fork is for a run, '%s' is a table", words->word[0]);
    if (s == LAC_OK && o->fork != NULL)
        s = apply_fork(e.config, o->fork);
    if (s == LAC_OK)
        s = lac_table_file_is(e.config) ? make_table(&e, o, comm) : train_all(&e, o, comm);
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
