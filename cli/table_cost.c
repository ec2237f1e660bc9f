/* What a table would take: `trainer TABLE.lua --dry-run`. */
#include "cli/locate.h"
#include "cli/protocol.h"
#include "cli/table_run.h"
#include "cli/train_cost.h"
#include "core/memory.h"
#include "data/eval_set.h"
#include "eval/metric.h"
#include "train/checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* FLOP of all steps of a run, printed stage by stage. */
static lac_status print_stages(const lac_stages *stages, lac_comm *comm, double *flops)
{
    *flops = 0;
    for (int64_t k = 0; k < stages->n; k++) {
        int64_t step;
        LAC_TRY(lac_train_cost_stage(stages, k, comm, &step));
        *flops += (double)step * (double)lac_config_int(stages->stage[k].config, "steps");
    }
    return LAC_OK;
}

/* flops[i]: of run i as a whole; *left: of what is to come. */
static lac_status print_run(const lac_train_list *w, int64_t i, lac_comm *comm, double *flops, double *left)
{
    const int64_t steps = steps_of(&w->stages[i]);
    int64_t done, like = 0;
    LAC_TRY(steps_done(w->row[i].folder, &done));
    printf("run %lld of %lld: %s, ", (long long)i + 1, (long long)w->n, w->row[i].folder);
    if (done >= steps)
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
        LAC_TRY(print_stages(&w->stages[i], comm, &flops[i]));
    *left += flops[i] * (double)(steps - done) / (double)steps;
    return LAC_OK;
}

static lac_status print_runs(const lac_train_list *w, lac_comm *comm)
{
    double *flops, left = 0;
    lac_status s = lac_calloc((void **)&flops, (size_t)LAC_MAX(w->n, 1), sizeof *flops);
    for (int64_t i = 0; s == LAC_OK && i < w->n; i++)
        s = print_run(w, i, comm, flops, &left);
    free(flops);
    if (s == LAC_OK && w->n > 0)
        printf("steps to come: %.3f TFLOP\n", 1e-12 * left);
    return s;
}

/* ---- measures ---- */

static void print_set(const json_t *protocol, int64_t limit)
{
    lac_eval_set *set = NULL;
    const json_t *data = json_object_get(protocol, "data");
    if (lac_eval_set_open(&set, data, limit, lac_locate, NULL) != LAC_OK) {
        const char *pack = lac_config_str(protocol, "pack");
        printf("  missing: %s%s%s\n", lac_error_message(), pack[0] != '\0' ? "; made by " : "", pack);
        return;
    }
    printf("  %lld pictures of '%s'\n", (long long)lac_eval_set_count(set), lac_config_str(data, "set"));
    lac_eval_set_close(set);
}

static void print_weights(const lac_table_file *f, const char *metric)
{
    lac_metric m;
    if (lac_metric_find(&m, metric) != LAC_OK) {
        printf("  %s\n", lac_error_message());
        return;
    }
    for (int i = 0; m.features != NULL && m.features->weights != NULL && m.features->weights[i] != NULL; i++)
        if (json_object_get(json_object_get(f->table, "weights"), m.features->weights[i]) == NULL)
            printf("  missing: %s wants weights '%s': table.weights.%s=FILE\n", metric, m.features->weights[i], m.features->weights[i]);
}

/* Of metrics' networks: a file or run that is not there, and that no run of the table will be. */
static void print_files(const lac_table_file *f)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(f->table, "weights"), name, value) {
        const char *path = json_string_value(value);
        if (path != NULL && !lac_table_file_has(f, path))
            printf("missing: weights '%s' of %s\n", path, name);
    }
}

static lac_status print_measure(const lac_table_file *f, const json_t *measure)
{
    json_t *protocol, *metric;
    size_t i;
    int64_t n = 0;
    for (int64_t k = 0; k < f->n_rows; k++)
        n += LAC_MAX(f->row[k].n_runs, 1);
    LAC_TRY(lac_table_file_protocol(measure, &protocol));
    printf("measure '%s', of %lld models\n", lac_config_str(measure, "name"), (long long)n);
    print_set(protocol, lac_config_int(measure, "limit"));
    json_array_foreach(json_object_get(protocol, "metrics"), i, metric)
        print_weights(f, json_string_value(metric));
    json_decref(protocol);
    return LAC_OK;
}

static void print_row(const lac_table_file *f, const lac_table_file_row *r)
{
    const char *weights = lac_config_str(r->told, "weights");
    if (weights[0] != '\0')
        printf("row '%s': %s%s\n", r->name, weights, lac_table_file_has(f, weights) ? "" : ", which is missing");
    else if (r->n_runs > 0)
        printf("row '%s': %lld runs\n", r->name, (long long)r->n_runs);
    else
        printf("row '%s': %s\n", r->name, lac_config_str(r->told, "baseline"));
}

lac_status lac_table_cost(const lac_table_file *f, lac_comm *comm)
{
    const json_t *measures = json_object_get(f->table, "measures");
    if (comm->rank != 0)
        return LAC_OK;
    for (int64_t i = 0; i < f->n_rows; i++)
        print_row(f, &f->row[i]);
    LAC_TRY(print_runs(&f->list, comm));
    for (size_t i = 0; i < json_array_size(measures); i++)
        LAC_TRY(print_measure(f, json_array_get(measures, i)));
    print_files(f);
    return LAC_OK;
}
