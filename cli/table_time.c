#include "cli/table_time.h"

#include "cli/bench_inpaint.h"
#include "cli/row_settings.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Rows that paint, in order. */
typedef struct racing { lac_bench_model model[LAC_BENCH_MODELS]; lac_model_how how[LAC_BENCH_MODELS]; const char *row[LAC_BENCH_MODELS]; int n; json_t *methods; } racing;

static lac_status add(racing *x, const lac_table_file_row *r, const char *word)
{
    if (x->n == LAC_BENCH_MODELS)
        return LAC_FAIL(LAC_ERR_CONFIG, "more than %d rows take turns", LAC_BENCH_MODELS);
    const char *system = lac_config_str(r->told, "system");
    lac_model_how *how = &x->how[x->n];
    *how = (lac_model_how){ .precision = "auto", .device = "auto", .system = system[0] != '\0' ? system : NULL };
    x->model[x->n] = (lac_bench_model){ word, how };
    x->row[x->n++] = r->name;
    json_object_set_new(x->methods, r->name, json_object());        /* in the rows' order */
    return lac_row_settings(&how->set, r->told);
}

static lac_status leave_out(racing *x, const char *row, const char *run, const char *reason)
{
    return json_object_set_new(x->methods, row, json_pack("{s:{}, s:[{s:s, s:s}]}", "metrics", "missing", "run", run, "reason", reason)) == 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_MEM, "out of memory: a table");
}

static lac_status add_row(racing *x, const lac_table_file *f, const lac_table_file_row *r)
{
    const char *weights = lac_config_str(r->told, "weights");
    if (weights[0] != '\0')
        return add(x, r, weights);
    if (r->n_runs == 0)
        return leave_out(x, r->name, lac_config_str(r->told, "baseline"), "a baseline is not timed");
    const lac_sweep_row *run = &f->list.row[r->run[0]];
    return run->failed ? leave_out(x, r->name, f->list.run[r->run[0]].name, "its training failed") : add(x, r, run->folder);
}

static json_t *metric(const json_t *spread, json_int_t rounds, const char *recipe)
{
    return json_pack("{s:O, s:O, s:O, s:I, s:I, s:s, s:[], s:i}", "value", json_object_get(spread, "median"), "low", json_object_get(spread, "min"), "high", json_object_get(spread, "max"), "n", rounds,
                     "backgrounds", rounds, "recipe", recipe, "undefined", "better", -1);
}

static lac_status add_found(json_t *methods, const char *row, const json_t *told, json_int_t rounds)
{
    const char *part;
    json_t *seconds, *metrics = json_object();
    json_object_set_new(metrics, "seconds", metric(json_object_get(told, "seconds"), rounds, "median of a picture by itself"));
    json_object_set_new(metrics, "ratio", metric(json_object_get(told, "ratio"), rounds, "to the first row's time of the same round, median"));
    json_object_foreach(json_object_get(told, "parts"), part, seconds) {
        char *name;
        LAC_TRY(lac_format(&name, "s in %s", part[0] != '\0' ? part : "the sampler"));
        json_object_set_new(metrics, name, json_pack("{s:O, s:n, s:n, s:I, s:I, s:s, s:[], s:i}", "value", seconds, "low", "high", "n", rounds, "backgrounds", rounds, "recipe",
                                                     "seconds in its kernels, of one picture more", "undefined", "better", -1));
        free(name);
    }
    return json_object_set_new(methods, row, json_pack("{s:o, s:[], s:{s:O, s:O, s:O}}", "metrics", metrics, "missing", "model", "precision", json_object_get(told, "precision"), "device",
                                                       json_object_get(told, "device"), "config", json_object_get(told, "config"))) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: a table");
}

static lac_status race_all(racing *x, const json_t *measure, json_t **summary)
{
    const json_t *time = lac_config_at(measure, "time");
    const char *prompt = lac_config_str(time, "prompt");
    const lac_bench_inpaint_options o = { .size = lac_config_int(time, "size"), .batch = 1, .rounds = lac_config_int(time, "rounds"), .prompt = prompt[0] != '\0' ? prompt : NULL };
    json_t *found = NULL;
    lac_status s = x->n > 0 ? lac_bench_inpaint_race(x->model, x->n, &o, &found) : LAC_OK;
    for (int i = 0; s == LAC_OK && i < x->n; i++)
        s = add_found(x->methods, x->row[i], json_array_get(json_object_get(found, "models"), (size_t)i), (json_int_t)o.rounds);
    json_decref(found);
    LAC_TRY(s);
    *summary = json_pack("{s:s, s:s, s:I, s:I, s:I, s:{s:s}, s:O, s:[]}", "manifest", "noise", "masks", "a square in the middle", "height", (json_int_t)o.size, "width", (json_int_t)o.size, "images",
                         (json_int_t)o.rounds, "interval", "unit", "round", "methods", x->methods, "differences");
    return *summary != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: a table");
}

lac_status lac_table_time(const lac_table_file *f, const json_t *measure, json_t **summary)
{
    racing x = { .methods = json_object() };
    lac_status s = x.methods != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: a table");
    *summary = NULL;
    for (int64_t i = 0; s == LAC_OK && i < f->n_rows; i++)
        s = add_row(&x, f, &f->row[i]);
    if (s == LAC_OK)
        s = race_all(&x, measure, summary);
    for (int i = 0; i < x.n; i++)
        lac_row_settings_free(&x.how[i].set);
    json_decref(x.methods);
    return lac_context(s, "measure '%s'", lac_config_str(measure, "name"));
}
