#include "cli/table_file.h"

#include "cli/protocol.h"
#include "cli/run_set.h"
#include "core/memory.h"
#include "eval/baseline.h"
#include "eval/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const lac_key row_keys[] = {
    { "name", LAC_KEY_STR, NULL, .help = "what the row is called" },
    { "config", LAC_KEY_TABLE, "", .help = "trained, once for each seed" },
    { "seeds", LAC_KEY_LIST, "[]", .of = LAC_KEY_INT, .help = "of config; empty: the table's" },
    { "weights", LAC_KEY_STR, "\"\"", .help = "in place of config: a model file, or a run that is there" },
    { "baseline", LAC_KEY_STR, "\"\"", .help = "in place of config: one of lacuna eval's" },
    { "system", LAC_KEY_STR, "\"\"", .help = "with weights: another inpainter that uses these networks" },
    { "settings", LAC_KEY_TABLE, "{}", .help = "keys of its inpainter: sampler, steps, ..." },
    { NULL },
};

static const lac_key published_keys[] = {
    { "name", LAC_KEY_STR, NULL, .help = "the method, or the difference" },
    { "source", LAC_KEY_STR, NULL, .help = "where the numbers stand" },
    { "values", LAC_KEY_TABLE, NULL, .help = "metric = number, in this program's units" },
    { NULL },
};

static const lac_key time_keys[] = {
    { "size", LAC_KEY_INT, "512", .min = 8, .max = 8192, .help = "side of the picture" },
    { "rounds", LAC_KEY_INT, "20", .min = 1, .max = 64, .help = "in which each row paints it once, after two that are not counted" },
    { "prompt", LAC_KEY_STR, "\"\"", .help = "what all are told to paint; empty: nothing" },
    { NULL },
};

static const lac_key measure_keys[] = {
    { "name", LAC_KEY_STR, NULL, .help = "heading, and name of its files" },
    { "protocol", LAC_KEY_STR, "\"\"", .help = "of configs-lua/protocols, or a file" },
    { "time", LAC_KEY_TABLE, "", .sub = time_keys, .help = "in place of pictures and metrics: seconds a picture, the rows taking turns" },
    { "data", LAC_KEY_TABLE, "{}", .help = "as a protocol's; over the protocol's own" },
    { "through", LAC_KEY_STR, "\"\"", .help = "in place of the protocol's: an autoencoder that makes the pictures anew" },
    { "metrics", LAC_KEY_LIST, "[]", .of = LAC_KEY_STR, .help = "in place of the protocol's" },
    { "sampling", LAC_KEY_TABLE, "{}", .help = "over the protocol's: keys of inpainters that have them" },
    { "seed", LAC_KEY_INT, "", .min = 0, .max = 1e15, .help = "of what models draw, and of resamples" },
    { "limit", LAC_KEY_INT, "0", .min = 0, .max = 1e9, .help = "pictures, the first of the split; 0: all" },
    { "pictures", LAC_KEY_INT, "0", .min = 0, .max = 1000, .help = "of each row's first run kept for the page, the first of the set" },
    { "published", LAC_KEY_LIST, "[]", .sub = published_keys },
    { "published_differences", LAC_KEY_LIST, "[]", .sub = published_keys },
    { NULL },
};

static const lac_key pair_keys[] = { { "a", LAC_KEY_STR, NULL, .help = "a row" }, { "b", LAC_KEY_STR, NULL, .help = "the row that is taken from it" }, { NULL } };

static const lac_key table_keys[] = {
    { "caption", LAC_KEY_STR, "\"\"", .help = "above the table" },
    { "first", LAC_KEY_LIST, "[]", .of = LAC_KEY_TABLE, .help = "configs of runs that others begin from, in order" },
    { "rows", LAC_KEY_LIST, NULL, .sub = row_keys },
    { "seeds", LAC_KEY_LIST, "[]", .of = LAC_KEY_INT, .help = "of rows that say none; empty: their config's own" },
    { "differences", LAC_KEY_LIST, "[]", .sub = pair_keys, .help = "a less b, two rows" },
    { "weights", LAC_KEY_TABLE, "{}", .help = "of metrics' networks: NAME = FILE or run" },
    { "measures", LAC_KEY_LIST, NULL, .sub = measure_keys },
    { "notes", LAC_KEY_LIST, "[]", .of = LAC_KEY_STR, .help = "below the table" },
    { "batch", LAC_KEY_INT, "8", .min = 1, .max = 4096, .help = "pictures scored at once" },
    { "out", LAC_KEY_STR, "\"\"", .help = "folder of results; empty: runs/tables/NAME" },
    { NULL },
};

static const lac_key file_keys[] = { { "name", LAC_KEY_STR, NULL, .help = "of the table" }, { "table", LAC_KEY_TABLE, NULL, .sub = table_keys }, { NULL } };

bool lac_table_file_is(const json_t *given) { return json_object_get(given, "table") != NULL; }

/* ---- which runs ---- */

typedef struct gathering { lac_table_file *f; lac_run_set set; } gathering;

/* The runs of a config, with seeds or without; *at [*n], fresh. */
static lac_status add_config(gathering *g, json_t *config, const char *place, int64_t **at, int64_t *n)
{
    LAC_TRY(lac_run_set_add(&g->set, config, place, at, n));
    return g->set.run[(*at)[0]].name[0] != '\0' ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "its config has no name");
}

static lac_status add_first(gathering *g)
{
    size_t i;
    json_t *config;
    json_array_foreach(lac_config_at(g->f->table, "first"), i, config) {
        int64_t *at = NULL, n;
        char place[48];
        snprintf(place, sizeof place, "table.first.%d", (int)i + 1);
        json_t *own = json_deep_copy(config);
        const lac_status s = add_config(g, own, place, &at, &n);
        json_decref(own);
        free(at);
        LAC_TRY(lac_context(s, "'%s'", place));
    }
    return LAC_OK;
}

static lac_status add_seeds(json_t *config, const json_t *row, const json_t *table)
{
    const json_t *own = json_object_get(row, "seeds"), *seeds = json_array_size(own) > 0 ? own : json_object_get(table, "seeds");
    if (json_array_size(seeds) == 0)
        return LAC_OK;
    if (json_object_get(config, "sweep") != NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "its config sweeps: a row's runs differ by their seeds alone");
    return json_object_set_new(config, "sweep", json_pack("{s:O}", "seed", seeds)) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: seeds");
}

/* One of the three that say what a row is. */
static lac_status check_row(const json_t *row)
{
    const char *baseline = lac_config_str(row, "baseline");
    const int n = (json_object_get(row, "config") != NULL) + (lac_config_str(row, "weights")[0] != '\0') + (baseline[0] != '\0');
    if (n != 1)
        return LAC_FAIL(LAC_ERR_CONFIG, "it wants one of 'config', 'weights' and 'baseline', found %d", n);
    if (lac_config_str(row, "system")[0] != '\0' && lac_config_str(row, "weights")[0] == '\0')
        return LAC_FAIL(LAC_ERR_CONFIG, "'system' goes with 'weights'");
    return baseline[0] == '\0' || lac_baseline_find(baseline) != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "there is no baseline '%s'", baseline);
}

static lac_status add_row(gathering *g, int64_t i)
{
    lac_table_file_row *r = &g->f->row[i];
    char place[48];
    LAC_TRY(check_row(r->told));
    if (json_object_get(r->told, "config") == NULL)
        return LAC_OK;
    snprintf(place, sizeof place, "table.rows.%d.config", (int)i + 1);
    json_t *config = json_deep_copy(json_object_get(r->told, "config"));
    lac_status s = add_seeds(config, r->told, g->f->table);
    if (s == LAC_OK)
        s = add_config(g, config, place, &r->run, &r->n_runs);
    json_decref(config);
    return s;
}

static lac_status add_rows(gathering *g)
{
    lac_table_file *f = g->f;
    const json_t *rows = json_object_get(f->table, "rows");
    if (json_array_size(rows) == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'table.rows' is empty");
    LAC_TRY(lac_calloc((void **)&f->row, json_array_size(rows), sizeof *f->row));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *told = json_array_get(rows, i);
        f->row[f->n_rows++] = (lac_table_file_row){ .name = lac_config_str(told, "name"), .told = told };
        for (size_t k = 0; k < i; k++)
            if (strcmp(f->row[k].name, f->row[i].name) == 0)
                return LAC_FAIL(LAC_ERR_CONFIG, "two rows are called '%s'", f->row[i].name);
        LAC_TRY(lac_context(add_row(g, (int64_t)i), "row '%s'", f->row[i].name));
    }
    return LAC_OK;
}

/* ---- the rest ---- */

static bool is_row(const lac_table_file *f, const char *name)
{
    for (int64_t i = 0; i < f->n_rows; i++)
        if (strcmp(f->row[i].name, name) == 0)
            return true;
    return false;
}

static lac_status check_differences(const lac_table_file *f)
{
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(f->table, "differences"), i, pair)
        for (int side = 0; side < 2; side++)
            if (!is_row(f, lac_config_str(pair, side == 0 ? "a" : "b")))
                return LAC_FAIL(LAC_ERR_CONFIG, "'table.differences.%d': there is no row '%s'", (int)i + 1, lac_config_str(pair, side == 0 ? "a" : "b"));
    return LAC_OK;
}

/* As a protocol, with metrics that there are. */
static lac_status check_measure(const json_t *measure)
{
    const char *name = lac_config_str(measure, "name");
    json_t *protocol, *metric;
    size_t i;
    lac_metric m;
    lac_status s = LAC_OK;
    if (name[strcspn(name, "/")] != '\0')
        return LAC_FAIL(LAC_ERR_CONFIG, "measure '%s': a file is called so, which wants a name without '/'", name);
    if (lac_config_at(measure, "time") != NULL)
        return LAC_OK;
    LAC_TRY(lac_table_file_protocol(measure, &protocol));
    json_array_foreach(json_object_get(protocol, "metrics"), i, metric)
        s = s == LAC_OK ? lac_metric_find(&m, json_string_value(metric)) : s;
    json_decref(protocol);
    if (s != LAC_ERR_ARG)
        return s;
    char why[512];
    lac_error_copy(why, sizeof why);
    return LAC_FAIL(LAC_ERR_CONFIG, "measure '%s': %s", name, why);
}

static lac_status check_measures(const lac_table_file *f)
{
    const json_t *measures = json_object_get(f->table, "measures");
    size_t i;
    json_t *m;
    if (json_array_size(measures) == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'table.measures' is empty");
    json_array_foreach(measures, i, m) {
        const char *name = lac_config_str(m, "name");
        for (size_t k = 0; k < i; k++)
            if (strcmp(lac_config_str(json_array_get(measures, k), "name"), name) == 0)
                return LAC_FAIL(LAC_ERR_CONFIG, "two measures are called '%s'", name);
        LAC_TRY(check_measure(m));
    }
    return LAC_OK;
}

static lac_status lay_over(json_t *under, const json_t *measure)
{
    static const char *const tables[] = { "data", "sampling" };
    for (size_t i = 0; i < LAC_COUNT(tables); i++) {
        json_t *own = json_object_get(under, tables[i]);
        if (own == NULL)
            json_object_set_new(under, tables[i], own = json_object());
        json_object_update(own, json_object_get(measure, tables[i]));
    }
    if (json_array_size(json_object_get(measure, "metrics")) > 0)
        json_object_set(under, "metrics", json_object_get(measure, "metrics"));
    if (json_array_size(json_object_get(measure, "published")) > 0)
        json_object_set(under, "published", json_object_get(measure, "published"));
    if (lac_config_str(measure, "through")[0] != '\0')
        json_object_set(under, "through", json_object_get(measure, "through"));
    if (json_object_get(measure, "seed") != NULL)
        json_object_set(under, "seed", json_object_get(measure, "seed"));
    return LAC_OK;
}

lac_status lac_table_file_protocol(const json_t *measure, json_t **protocol)
{
    const char *word = lac_config_str(measure, "protocol"), *name = lac_config_str(measure, "name");
    json_t *under = NULL;
    if (word[0] != '\0')
        LAC_TRY(lac_context(lac_protocol_open(&under, word), "measure '%s'", name));
    else
        under = json_pack("{s:s}", "about", name);
    json_t *called = json_incref(json_object_get(under, "name"));
    json_object_del(under, "name");
    lac_status s = under != NULL ? lay_over(under, measure) : LAC_FAIL(LAC_ERR_MEM, "out of memory: a measure");
    if (s == LAC_OK)
        s = lac_context(lac_config_resolve(protocol, lac_protocol_keys, under, NULL, NULL), "measure '%s'", name);
    if (s == LAC_OK && called != NULL)
        json_object_set(*protocol, "name", called);
    json_decref(called);
    json_decref(under);
    return s;
}

/* ---- opening ---- */

static lac_status open(lac_table_file *f, lac_experiment *e)
{
    gathering g = { .f = f };
    LAC_TRY(lac_config_resolve(&f->file, file_keys, e->config, lac_experiment_where, e));
    f->table = json_object_get(f->file, "table");
    f->name = lac_config_str(f->file, "name");
    lac_status s = add_first(&g);
    if (s == LAC_OK)
        s = add_rows(&g);
    if (s == LAC_OK)
        s = check_differences(f);
    if (s == LAC_OK)
        s = check_measures(f);
    if (s != LAC_OK) {
        lac_run_set_free(&g.set);
        return s;
    }
    return lac_train_list_open(&f->list, g.set.run, g.set.n, e);
}

lac_status lac_table_file_open(lac_table_file *f, lac_experiment *e)
{
    *f = (lac_table_file){ .file = NULL };
    const lac_status s = open(f, e);
    if (s != LAC_OK)
        lac_table_file_close(f);
    return s;
}

void lac_table_file_close(lac_table_file *f)
{
    for (int64_t i = 0; i < f->n_rows; i++)
        free(f->row[i].run);
    free(f->row);
    lac_train_list_close(&f->list);
    json_decref(f->file);
    *f = (lac_table_file){ .file = NULL };
}

bool lac_table_file_has(const lac_table_file *f, const char *path)
{
    for (int64_t i = 0; i < f->list.n; i++)
        if (strcmp(f->list.row[i].folder, path) == 0)
            return true;
    return access(path, F_OK) == 0;
}
