/* What a table would take: `trainer TABLE.lua --dry-run`. */
#include "cli/locate.h"
#include "cli/protocol.h"
#include "cli/table_run.h"
#include "cli/train_cost.h"
#include "data/eval_set.h"
#include "eval/metric.h"

/* ---- measures ---- */

static lac_status print_set(const json_t *measure, const json_t *protocol, lac_wants *wants)
{
    lac_eval_set *set = NULL;
    const json_t *data = json_object_get(protocol, "data");
    const char *name = lac_config_str(data, "set");
    bool there;
    const char *through = lac_config_str(protocol, "through");
    if (through[0] != '\0')
        LAC_TRY(lac_wants_one(wants, "weights", lac_config_str(measure, "name"), through, NULL));
    LAC_TRY(lac_wants_one(wants, "set", lac_config_str(measure, "name"), name, &there));
    if (!there)
        return printf("  set '%s' is missing\n", name), LAC_OK;
    if (lac_eval_set_open(&set, data, lac_config_int(measure, "limit"), lac_locate, NULL) != LAC_OK)
        return printf("  missing: %s\n", lac_error_message()), LAC_OK;
    printf("  %lld pictures of '%s'\n", (long long)lac_eval_set_count(set), name);
    lac_eval_set_close(set);
    return LAC_OK;
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

/* Of metrics' networks. */
static lac_status add_files(const lac_table_file *f, lac_wants *wants)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(f->table, "weights"), name, value)
        if (json_is_string(value))
            LAC_TRY(lac_wants_one(wants, "weights", name, json_string_value(value), NULL));
    return LAC_OK;
}

static lac_status print_measure(const lac_table_file *f, const json_t *measure, lac_wants *wants)
{
    json_t *protocol, *metric;
    size_t i;
    int64_t n = 0;
    const json_t *time = lac_config_at(measure, "time");
    if (time != NULL)
        return printf("measure '%s': %lld rounds of a picture of %lldx%lld\n", lac_config_str(measure, "name"), (long long)lac_config_int(time, "rounds"), (long long)lac_config_int(time, "size"),
                      (long long)lac_config_int(time, "size")), LAC_OK;
    for (int64_t k = 0; k < f->n_rows; k++)
        n += LAC_MAX(f->row[k].n_runs, 1);
    LAC_TRY(lac_table_file_protocol(measure, &protocol));
    printf("measure '%s', of %lld models\n", lac_config_str(measure, "name"), (long long)n);
    const lac_status s = print_set(measure, protocol, wants);
    json_array_foreach(json_object_get(protocol, "metrics"), i, metric)
        print_weights(f, json_string_value(metric));
    json_decref(protocol);
    return s;
}

static lac_status print_row(const lac_table_file *f, const lac_table_file_row *r, lac_wants *wants)
{
    const char *weights = lac_config_str(r->told, "weights");
    if (weights[0] != '\0') {
        printf("row '%s': %s%s\n", r->name, weights, lac_table_file_has(f, weights) ? "" : ", which is missing");
        return lac_wants_one(wants, "weights", r->name, weights, NULL);
    }
    if (r->n_runs > 0)
        printf("row '%s': %lld runs\n", r->name, (long long)r->n_runs);
    else
        printf("row '%s': %s\n", r->name, lac_config_str(r->told, "baseline"));
    return LAC_OK;
}

static lac_status print_all(const lac_table_file *f, lac_wants *wants, lac_comm *comm)
{
    const json_t *measures = json_object_get(f->table, "measures");
    for (int64_t i = 0; i < f->n_rows; i++)
        LAC_TRY(print_row(f, &f->row[i], wants));
    LAC_TRY(lac_train_cost(&f->list, wants, comm));
    for (size_t i = 0; i < json_array_size(measures); i++)
        LAC_TRY(print_measure(f, json_array_get(measures, i), wants));
    LAC_TRY(add_files(f, wants));
    return lac_wants_print(wants, &f->list);
}

lac_status lac_table_cost(const lac_table_file *f, lac_comm *comm)
{
    lac_wants wants = { NULL };
    const lac_status s = comm->rank == 0 ? print_all(f, &wants, comm) : LAC_OK;
    lac_wants_free(&wants);
    return s;
}
