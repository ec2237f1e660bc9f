#include "train/stages.h"

#include "core/memory.h"
#include "core/print.h"
#include "train/init.h"
#include "train/optim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const lac_key source_keys[] = {
    { "set", LAC_KEY_STR, NULL, .help = "packed set: a path, or a name below the sets folder" },
    { "split", LAC_KEY_STR, "\"train\"", .help = "of the set" },
    { "weight", LAC_KEY_NUM, "1", .min = 1e-6, .max = 1e6, .help = "share of the pictures" },
    { "mask", LAC_KEY_STR, "\"\"", .help = "of its pictures, in place of data.train.mask" },
    { NULL },
};

#define VIEW_KEYS(crop)                                                                                                              \
    { "size", LAC_KEY_INT, NULL, .min = 8, .max = 8192, .help = "side of the pictures" },                                            \
    { "crop", LAC_KEY_STR, crop, .choices = "random|center|squash", .help = "squash: the whole picture" },                           \
    { "shorter", LAC_KEY_INT, "0", .min = 0, .max = 65536, .help = "shorter side before the crop; 0: as it is" }

static const lac_key train_data_keys[] = {
    { "set", LAC_KEY_STR, "\"stamps\"", .help = "packed set: a path, or a name below the sets folder" },
    { "split", LAC_KEY_STR, "\"train\"", .help = "of the set" },
    { "mix", LAC_KEY_LIST, "[]", .sub = source_keys, .help = "several sets by weight, in place of set and split" },
    VIEW_KEYS("\"random\""),
    { "shorter_max", LAC_KEY_INT, "0", .min = 0, .max = 65536, .help = "shorter is drawn up to this" },
    { "flip", LAC_KEY_BOOL, "false", .help = "left-right, every second sample" },
    { "turn", LAC_KEY_NUM, "0", .min = 0, .max = 1, .help = "share of the samples turned by 90, 180 or 270 degrees" },
    { "tint", LAC_KEY_NUM, "0", .min = 0, .max = 1, .help = "share of the samples whose colours are changed at random" },
    { "mask", LAC_KEY_STR, "\"union\"", .help = "a generator (rect, brush, brush-paper, union, lama-...), file:PATH, object, object+N, object-box: one of the picture's own, or whole, none; A|B: one of these" },
    { "around", LAC_KEY_BOOL, "false", .help = "windows are laid so that an object of the picture is in them, but of a set whose own mask is of no object" },
    { "threads", LAC_KEY_INT, "2", .min = 1, .max = 64, .help = "that decode" },
    { NULL },
};

static const lac_key eval_data_keys[] = {
    { "set", LAC_KEY_STR, "\"stamps\"", .help = "packed set" },
    { "split", LAC_KEY_STR, "\"val\"", .help = "of the set" },
    VIEW_KEYS("\"center\""),
    { "mask", LAC_KEY_STR, "\"union\"", .help = "file:PATH of fixed masks, a generator, object, object+N or object-box" },
    { "prompt", LAC_KEY_STR, "\"\"", .help = "for every picture, where the model takes one; \"\": each record's own" },
    { NULL },
};

static const lac_key data_keys[] = {
    { "train", LAC_KEY_TABLE, NULL, .sub = train_data_keys, .help = "what is trained on" },
    { "eval", LAC_KEY_TABLE, "", .sub = eval_data_keys, .help = "what samples, validation and `lacuna eval` look at" },
    { NULL },
};

static const lac_key batch_keys[] = {
    { "global", LAC_KEY_INT, NULL, .min = 1, .max = 1e6, .help = "pictures of a step, over all ranks" },
    { "micro", LAC_KEY_INT, "0", .min = 0, .max = 1e6, .help = "most at once on one rank; 0: all" },
    { NULL },
};

static const lac_key sample_keys[] = {
    { "every", LAC_KEY_INT, "0", .min = 0, .max = 1e9, .help = "steps between grids; 0: none" },
    { "images", LAC_KEY_INT, "8", .min = 1, .max = 256, .help = "pictures of the grid, the same each time" },
    { NULL },
};

static const lac_key validate_loss_keys[] = {
    { "every", LAC_KEY_INT, "0", .min = 0, .max = 1e9, .help = "steps between two; 0: none" },
    { "limit", LAC_KEY_INT, "0", .min = 0, .max = 1e9, .help = "pictures; 0: all of data.eval" },
    { "draws", LAC_KEY_INT, "1", .min = 1, .max = 1e6, .help = "how often every picture is taken, with a timestep and noise of its own each time" },
    { NULL },
};

static const lac_key validate_keys[] = {
    { "every", LAC_KEY_INT, "0", .min = 0, .max = 1e9, .help = "steps between validations; 0: none" },
    { "limit", LAC_KEY_INT, "0", .min = 0, .max = 1e9, .help = "pictures; 0: all of data.eval" },
    { "metrics", LAC_KEY_LIST, "[\"l1-pm1@hole\"]", .of = LAC_KEY_STR, .help = "the first one decides what is best" },
    { "loss", LAC_KEY_TABLE, "{}", .sub = validate_loss_keys, .help = "the recipe's own loss on data.eval, by the same draws each time" },
    { "keep_best", LAC_KEY_BOOL, "true", .help = "weights of the best validation stay in ckpt/best.safetensors" },
    { NULL },
};

static const lac_key log_keys[] = {
    { "every", LAC_KEY_INT, "10", .min = 1, .max = 1e9, .help = "steps between lines of log.jsonl" },
    { "tensorboard", LAC_KEY_BOOL, "true", .help = "scalars and grids for TensorBoard" },
    { NULL },
};

static const lac_key checkpoint_keys[] = {
    { "every", LAC_KEY_INT, "1000", .min = 1, .max = 1e9, .help = "steps between checkpoints; one more at the end" },
    { "keep", LAC_KEY_INT, "2", .min = 1, .max = 1000, .help = "newest ones kept" },
    { NULL },
};

static const lac_key comm_keys[] = {
    { "timeout", LAC_KEY_NUM, "600", .min = 1, .max = 1e6, .help = "seconds that a rank waits for the others before it gives up (status 76)" },
    { "bucket", LAC_KEY_NUM, "32", .min = 1e-3, .max = 1e5, .help = "MiB of gradients that are reduced at once, while backward goes on" },
    { NULL },
};

static const lac_key debug_keys[] = {
    { "sum_order", LAC_KEY_INT, "0", .min = 0, .max = 1e9, .help = "another order of a batch's samples in all sums: a run that differs by rounding" },
    { "direct", LAC_KEY_BOOL, "false", .help = "convolutions by direct summation, without Winograd" },
    { "graph", LAC_KEY_BOOL, "true", .help = "on a GPU: the calls of a step are captured once and replayed; false: made each time" },
    { "ranges", LAC_KEY_BOOL, "false", .help = "on a GPU: modules and ops named to its profiler (NVTX); every call is then made each time" },
    { NULL },
};

static lac_key optim_keys[LAC_MAX_PHASES + 1], run_keys[32];

static const lac_key *keys_of(const lac_recipe_def *recipe)
{
    int n = 0, o = 0;
    for (const char *const *name = recipe->optims; *name != NULL && o < LAC_MAX_PHASES; name++)
        optim_keys[o++] = (lac_key){ *name, LAC_KEY_TABLE, "{}", .sub = lac_optim_keys, .help = "optimizer" };
    optim_keys[o] = (lac_key){ NULL };
    const lac_key all[] = {
        { "name", LAC_KEY_STR, NULL, .help = "of the run: its folder below `runs`" },
        { "stage", LAC_KEY_STR, "\"main\"", .help = "name of this stage" },
        { "recipe", LAC_KEY_STR, NULL, .help = "how it learns" },
        { "seed", LAC_KEY_INT, "1", .min = 0, .max = 9e15, .help = "of everything random" },
        { "steps", LAC_KEY_INT, NULL, .min = 0, .max = 1e12, .help = "to train for; may be raised when a run goes on" },
        { "device", LAC_KEY_STR, "\"auto\"", .choices = "auto|cpu|cuda", .help = "auto: cuda where it is" },
        { "precision", LAC_KEY_STR, "\"auto\"", .choices = "auto|f32|bf16", .help = "auto: bf16 on CUDA and on CPUs with AMX, else f32" },
        { "threads", LAC_KEY_INT, "0", .min = 0, .max = 1024, .help = "0: one a physical core" },
        { "runs", LAC_KEY_STR, "\"runs\"", .help = "folder of all runs" },
        { "batch", LAC_KEY_TABLE, NULL, .sub = batch_keys, .help = "how many pictures a step sees" },
        { "data", LAC_KEY_TABLE, NULL, .sub = data_keys, .help = "pictures and masks" },
        { "model", LAC_KEY_TABLE, "{}", .sub = recipe->model_keys, .help = "networks" },
        { "loss", LAC_KEY_TABLE, "{}", .sub = recipe->loss_keys, .help = "weights and forms" },
        { "optim", LAC_KEY_TABLE, "{}", .sub = optim_keys, .help = "one optimizer a network" },
        { "init", LAC_KEY_LIST, "[]", .sub = lac_init_keys, .help = "weights to start from: the run's, or a stage's own" },
        { "sample", LAC_KEY_TABLE, "{}", .sub = sample_keys, .help = "grids while training" },
        { "validate", LAC_KEY_TABLE, "{}", .sub = validate_keys, .help = "scores while training" },
        { "log", LAC_KEY_TABLE, "{}", .sub = log_keys, .help = "what is written down" },
        { "checkpoint", LAC_KEY_TABLE, "{}", .sub = checkpoint_keys, .help = "what is saved" },
        { "comm", LAC_KEY_TABLE, "{}", .sub = comm_keys, .help = "between ranks" },
        { "debug", LAC_KEY_TABLE, "{}", .sub = debug_keys, .help = "to look into differences" },
        { "profile", LAC_KEY_INT, "0", .min = 0, .max = 1000, .help = "steps to write a Chrome trace of, from the third of a call on" },
        { "stages", LAC_KEY_LIST, "", .help = "tables laid over this one, trained one after the other" },
        { "sweep", LAC_KEY_TABLE, "", .help = "grid over dotted keys" },
    };
    for (size_t i = 0; i < LAC_COUNT(all); i++)
        run_keys[n++] = all[i];
    run_keys[n] = (lac_key){ NULL };
    return run_keys;
}

static void help_table(void (*line)(const char *path, const lac_key *key), const char *path, const lac_key *keys)
{
    char below[256];
    for (const lac_key *k = keys; k != NULL && k->name != NULL; k++) {
        line(path, k);
        snprintf(below, sizeof below, "%s%s%s%s", path, path[0] ? "." : "", k->name, k->type & LAC_KEY_LIST ? ".*" : "");
        help_table(line, below, k->sub);
    }
}

void lac_stages_help(const lac_recipe_def *recipe, void (*line)(const char *path, const lac_key *key)) { help_table(line, "", keys_of(recipe)); }

/* A run's folder lies below `runs`, whatever its name. */
static lac_status check_run_name(const char *name)
{
    bool good = name[0] != '\0' && name[0] != '/' && strlen(name) < 512;
    for (const char *at = strstr(name, ".."); good && at != NULL; at = strstr(at + 1, ".."))
        good = !((at == name || at[-1] == '/') && (at[2] == '\0' || at[2] == '/'));
    return good ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'name' must be a folder's name below `runs`, found '%s'", name);
}

static lac_status resolve_one(lac_stage *s, const json_t *given, lac_config_where *where, void *context)
{
    const char *recipe = json_string_value(json_object_get(given, "recipe"));
    char at[128] = "";
    if (recipe == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "'recipe' is missing: which system is to be trained");
    const lac_status found = lac_recipe_find(&s->recipe, recipe);
    if (found != LAC_OK && where != NULL)
        where(context, "recipe", at, sizeof at);
    LAC_TRY(at[0] ? lac_context(found, "%s", at) : found);
    LAC_TRY(lac_config_resolve(&s->config, keys_of(s->recipe), given, where, context));
    LAC_TRY(check_run_name(lac_config_str(s->config, "name")));
    return lac_strdup(&s->name, lac_config_str(s->config, "stage"));
}

/* Tables merge key by key; anything else is replaced. */
static int lay_over(json_t *to, const json_t *from)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)from, key, value) {
        json_t *mine = json_object_get(to, key);
        const bool merge = json_is_object(mine) && json_is_object(value);
        if (merge ? lay_over(mine, value) : json_object_set_new(to, key, json_deep_copy(value)))
            return -1;
    }
    return 0;
}

static lac_status resolve_stage(lac_stage *s, const json_t *given, const json_t *over, int64_t k, lac_config_where *where, void *context)
{
    char name[32];
    if (over != NULL && !json_is_object(over))
        return LAC_FAIL(LAC_ERR_CONFIG, "'stages' must be a list of tables");
    json_t *table = json_deep_copy(given);
    snprintf(name, sizeof name, "stage-%lld", (long long)k + 1);
    lac_status status = table != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    json_object_del(table, "stages");
    json_object_del(table, "sweep");
    if (k > 0)          /* the run's `init` is where its first stage begins; later ones have the stage before, or an `init` of their own */
        json_object_del(table, "init");
    if (status == LAC_OK && over != NULL && (json_object_set_new(table, "stage", json_string(name)) != 0 || lay_over(table, over) != 0))
        status = LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    if (status == LAC_OK)
        status = resolve_one(s, table, where, context);
    json_decref(table);
    return over != NULL ? lac_context(status, "stage %lld", (long long)k + 1) : status;
}

/* Stages are told apart by name: in checkpoints, and in what is drawn at random. */
static lac_status check_name(const lac_stages *run, int64_t k)
{
    for (int64_t i = 0; i < k; i++)
        if (strcmp(run->stage[i].name, run->stage[k].name) == 0)
            return LAC_FAIL(LAC_ERR_CONFIG, "stages %lld and %lld are both named '%s'", (long long)i + 1, (long long)k + 1, run->stage[k].name);
    return LAC_OK;
}

lac_status lac_stages_resolve(lac_stages *run, const json_t *given, lac_config_where *where, void *context)
{
    const json_t *stages = json_object_get(given, "stages");
    const int64_t n = json_is_array(stages) && json_array_size(stages) > 0 ? (int64_t)json_array_size(stages) : 1;
    *run = (lac_stages){ 0 };
    LAC_TRY(lac_calloc((void **)&run->stage, (size_t)n, sizeof *run->stage));
    run->n = n;
    for (int64_t k = 0; k < n; k++) {
        lac_status s = resolve_stage(&run->stage[k], given, stages ? json_array_get(stages, (size_t)k) : NULL, k, where, context);
        if (s == LAC_OK)
            s = check_name(run, k);
        if (s != LAC_OK) {
            lac_stages_free(run);
            return s;
        }
    }
    return LAC_OK;
}

void lac_stages_free(lac_stages *run)
{
    for (int64_t k = 0; k < run->n; k++) {
        free(run->stage[k].name);
        json_decref(run->stage[k].config);
    }
    free(run->stage);
    *run = (lac_stages){ 0 };
}

json_t *lac_stages_json(const lac_stages *run)
{
    if (run->n == 1)
        return json_incref(run->stage[0].config);
    json_t *all = json_object(), *list = json_array();
    for (int64_t k = 0; k < run->n; k++)
        json_array_append(list, run->stage[k].config);
    json_object_set_new(all, "stages", list);
    return all;
}

static bool may_change(const char *path)
{
    static const char *const free_keys[] = { "name", "steps", "sample", "validate", "log", "checkpoint", "comm", "profile", "threads", "runs",
                                             "data.eval", "data.train.threads", "model.cache_folder", "debug.graph", "debug.ranges", "sweep" };
    for (size_t i = 0; i < LAC_COUNT(free_keys); i++) {
        const size_t n = strlen(free_keys[i]);
        if (strncmp(path, free_keys[i], n) == 0 && (path[n] == '\0' || path[n] == '.'))
            return true;
    }
    return false;
}

/* Where differences go; `stage` stands before each path: "" where a run has but one. */
typedef struct differences { FILE *to; char stage[32]; } differences;

static void print_difference(const differences *d, const json_t *a, const json_t *b, const char *path)
{
    char *before = lac_config_text(a, JSON_COMPACT), *now = lac_config_text(b, JSON_COMPACT);
    fprintf(d->to, "%s%s%s was %s, is %s", ftell(d->to) > 0 ? "; " : "", d->stage, path, before ? before : "?", now ? now : "?");
    free(before);
    free(now);
}

static void compare(const differences *d, const json_t *a, const json_t *b, const char *path)
{
    const char *key;
    json_t *value;
    char below[256];
    if (may_change(path))
        return;
    if (!json_is_object(a) || !json_is_object(b)) {
        if (!json_equal(a, b))
            print_difference(d, a, b, path);
        return;
    }
    json_object_foreach((json_t *)a, key, value) {
        snprintf(below, sizeof below, "%s%s%s", path, path[0] ? "." : "", key);
        compare(d, value, json_object_get(b, key), below);
    }
    json_object_foreach((json_t *)b, key, value)
        if (json_object_get(a, key) == NULL) {
            snprintf(below, sizeof below, "%s%s%s", path, path[0] ? "." : "", key);
            compare(d, NULL, value, below);
        }
}

int64_t lac_stages_json_count(const json_t *run)
{
    const json_t *list = json_object_get(run, "stages");
    return list != NULL ? (int64_t)json_array_size(list) : 1;
}

const json_t *lac_stages_json_at(const json_t *run, int64_t k)
{
    const json_t *list = json_object_get(run, "stages");
    return list != NULL ? json_array_get(list, (size_t)k) : run;
}

static lac_status list_differences(const json_t *before, const json_t *now, char **text)
{
    const int64_t n = lac_stages_json_count(before), m = lac_stages_json_count(now);
    lac_print p;
    LAC_TRY(lac_print_open(&p, "comparing configs"));
    differences d = { p.to, "" };
    if (n != m)
        fprintf(d.to, "it had %lld stage%s, now it has %lld", (long long)n, n == 1 ? "" : "s", (long long)m);
    for (int64_t k = 0; n == m && k < n; k++) {
        if (n > 1)
            snprintf(d.stage, sizeof d.stage, "stages.%lld.", (long long)k + 1);
        compare(&d, lac_stages_json_at(before, k), lac_stages_json_at(now, k), "");
    }
    return lac_print_close(&p, LAC_OK, text);
}

lac_status lac_stages_differences(const json_t *before, const json_t *now, char **text)
{
    lac_stages run;
    *text = NULL;
    LAC_TRY(lac_context(lac_stages_resolve(&run, before, NULL, NULL), "the config that the run was begun with"));
    json_t *then = lac_stages_json(&run);
    const lac_status s = list_differences(then, now, text);
    json_decref(then);
    lac_stages_free(&run);
    return s;
}
