#include "eval/summary.h"

#include "core/file/atomic.h"
#include "core/memory.h"
#include "eval/bins.h"
#include "eval/lines.h"
#include "eval/set_value.h"

#include <lac_version.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }
static json_t *text(const char *s) { return s != NULL ? json_string(s) : json_null(); }

static json_t *undefined_list(const lac_score *s, int64_t m, int64_t k)
{
    json_t *list = json_array();
    for (int64_t i = 0; lac_metric_of_pictures(s->metric[k].def) && i < s->n_rows; i++) {
        const lac_value *v = &s->row[i].value[m * s->n_metrics + k];
        if (v->reason != NULL)
            json_array_append_new(list, json_pack("{s:s, s:s}", "id", s->row[i].id, "reason", v->reason));
    }
    return list;
}

static void add_word(json_t *to, const char *key, const char *word)
{
    if (word != NULL)
        json_object_set_new(to, key, json_string(word));
}

json_t *lac_score_metric_weights(const lac_score *s, int64_t k)
{
    const lac_features_def *net = s->metric[k].features;
    return net != NULL && net->weights != NULL ? lac_eval_weights_json(s->features[s->network[k]].weights, net->weights) : NULL;
}

static lac_status add_metric(const lac_score *s, int64_t m, int64_t k, uint64_t seed, json_t *metrics)
{
    lac_set_value found;
    LAC_TRY(lac_score_set_value(s, m, -1, k, true, seed, &found));
    json_t *metric = json_pack("{s:o, s:o, s:o, s:I, s:I, s:s, s:o}", "value", number(found.v.value), "low", number(found.v.low),
                               "high", number(found.v.high), "n", (json_int_t)found.v.n, "backgrounds", (json_int_t)found.v.n_groups,
                               "recipe", s->recipe[k], "undefined", undefined_list(s, m, k));
    add_word(metric, "reason", found.undefined);
    json_t *weights = lac_score_metric_weights(s, k);
    if (weights != NULL)
        json_object_set_new(metric, "weights", weights);
    add_word(metric, "interval", found.no_interval);
    json_object_set_new(metrics, s->metric_name[k], metric);
    return LAC_OK;
}

static int bin_of_row(const lac_score_row *row) { return lac_bin_of(row->holes, row->height * row->width); }

static json_t *bin_list(const lac_score *s)
{
    json_t *list = json_array();
    for (int b = 0; b < LAC_BINS; b++) {
        int64_t n = 0;
        for (int64_t i = 0; i < s->n_rows; i++)
            n += bin_of_row(&s->row[i]) == b;
        json_array_append_new(list, json_pack("{s:f, s:f, s:I, s:{}}", "from", b / 10.0, "to", (b + 1) / 10.0,
                                              "images", (json_int_t)n, "metrics"));
    }
    return list;
}

static lac_status add_bins(const lac_score *s, int64_t m, int64_t k, json_t *list)
{
    double *value;
    int *bin_of = NULL;
    lac_bin bin[LAC_BINS];
    LAC_TRY(lac_score_values(s, m, k, &value));
    const lac_status status = lac_calloc((void **)&bin_of, (size_t)s->n_rows, sizeof *bin_of);
    for (int64_t i = 0; status == LAC_OK && i < s->n_rows; i++)
        bin_of[i] = bin_of_row(&s->row[i]);
    if (status == LAC_OK)
        lac_bin_values(bin, value, bin_of, s->n_rows);
    for (int b = 0; status == LAC_OK && b < LAC_BINS; b++)
        if (bin[b].n > 0)
            json_object_set_new(json_object_get(json_array_get(list, (size_t)b), "metrics"), s->metric_name[k],
                                json_pack("{s:o, s:o, s:I}", "mean", number(bin[b].mean), "std", number(bin[b].std),
                                          "n", (json_int_t)bin[b].n));
    free(bin_of);
    free(value);
    return status;
}

/* Bins without a picture are left out. */
static void drop_empty_bins(json_t *list)
{
    for (size_t b = json_array_size(list); b-- > 0;)
        if (json_integer_value(json_object_get(json_array_get(list, b), "images")) == 0)
            json_array_remove(list, b);
}

static lac_status add_method(const lac_score *s, int64_t m, uint64_t seed, json_t *methods)
{
    json_t *metrics = json_object(), *area = bin_list(s);
    lac_status status = LAC_OK;
    for (int64_t k = 0; status == LAC_OK && k < s->n_metrics; k++) {
        status = add_metric(s, m, k, seed, metrics);
        if (status == LAC_OK && s->metric[k].def->of_set == NULL)
            status = add_bins(s, m, k, area);
    }
    drop_empty_bins(area);
    json_object_set_new(methods, s->method[m], json_pack("{s:o, s:o}", "metrics", metrics, "area", area));
    return status;
}

static lac_status add_difference(const lac_score *s, int64_t a, int64_t b, int64_t k, uint64_t seed, json_t *list)
{
    lac_set_value found;
    LAC_TRY(lac_score_set_value(s, a, b, k, true, seed, &found));
    const lac_interval v = found.v;
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I}", "metric", s->metric_name[k], "a", s->method[a],
                                          "b", s->method[b], "value", number(v.value), "low", number(v.low), "high", number(v.high),
                                          "n", (json_int_t)v.n));
    return LAC_OK;
}

static lac_status add_differences(const lac_score *s, uint64_t seed, json_t *list)
{
    for (int64_t k = 0; k < s->n_metrics; k++)
        for (int64_t a = 0; a < s->n_methods; a++)
            for (int64_t b = a + 1; b < s->n_methods; b++)
                LAC_TRY(add_difference(s, a, b, k, seed, list));
    return LAC_OK;
}

static json_t *common_side(const lac_score *s, bool width)
{
    int64_t side = -1;
    for (int64_t i = 0; i < s->n_rows; i++) {
        const int64_t here = width ? s->row[i].width : s->row[i].height;
        if (side >= 0 && here != side)
            return json_null();
        side = here;
    }
    return side >= 0 ? json_integer(side) : json_null();
}

json_t *lac_score_summary_head(const lac_score *s, const lac_score_origin *o)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:O?, s:{s:s, s:f, s:i, s:s, s:I}}",
                     "set", text(o->set), "split", text(o->split), "manifest", text(o->manifest), "selection", text(o->selection), "masks", text(o->masks), "prompt", text(o->prompt),
                     "seed", (json_int_t)o->seed, "version", LAC_VERSION, "revision", LAC_REVISION, "view", text(o->view),
                     "height", common_side(s, false), "width", common_side(s, true), "images", (json_int_t)s->n_rows,
                     "backgrounds", (json_int_t)s->backgrounds.n, "objects", (json_int_t)s->objects.n, "pictures", text(o->pictures), "protocol", text(o->protocol), "published", o->published,
                     "interval", "kind", "percentile bootstrap", "level", 0.95, "resamples", (int)LAC_BOOTSTRAP_RESAMPLES,
                     "unit", "background", "seed", (json_int_t)o->seed);
}

lac_status lac_score_summary(const lac_score *s, const lac_score_origin *origin, json_t **summary)
{
    json_t *root = lac_score_summary_head(s, origin), *methods = json_object(), *differences = json_array();
    lac_status status = root != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory for the summary of %lld pictures", (long long)s->n_rows);
    for (int64_t m = 0; status == LAC_OK && m < s->n_methods; m++) {
        json_t *model = json_object_get(origin->models, s->method[m]);
        status = add_method(s, m, origin->seed, methods);
        if (status == LAC_OK && model != NULL)
            json_object_set(json_object_get(methods, s->method[m]), "model", model);
    }
    if (status == LAC_OK)
        status = add_differences(s, origin->seed, differences);
    json_object_set_new(root, "methods", methods);
    json_object_set_new(root, "differences", differences);
    if (status == LAC_OK)
        *summary = root;
    else
        json_decref(root);
    return status;
}

static json_t *line_of(const lac_score *s, const lac_score_row *row, int64_t m)
{
    json_t *values = json_object(), *undefined = json_object();
    for (int64_t k = 0; k < s->n_metrics; k++) {
        const lac_value *v = &row->value[m * s->n_metrics + k];
        json_object_set_new(values, s->metric_name[k], number(v->value));
        if (v->reason != NULL)
            json_object_set_new(undefined, s->metric_name[k], json_string(v->reason));
    }
    json_t *line = json_pack("{s:s, s:s, s:s, s:o, s:f, s:o, s:o}", "id", row->id, "method", s->method[m],
                     "background", s->backgrounds.name[row->background],
                     "object", text(row->object >= 0 ? s->objects.name[row->object] : NULL),
                     "area", (double)row->holes / (double)(row->height * row->width), "values", values, "undefined", undefined);
    add_word(line, "label", row->label);
    add_word(line, "prompt", row->prompt);
    return line;
}

lac_status lac_score_save_lines(const lac_score *s, const char *stem)
{
    static const char *const words[] = { "method", "background", "object", "label", "area", NULL };
    lac_lines lines;
    LAC_TRY(lac_lines_open(&lines, stem, words, s->metric, (const char *const *)s->metric_name, s->n_metrics));
    lac_status status = LAC_OK;
    for (int64_t i = 0; status == LAC_OK && i < s->n_rows; i++)
        for (int64_t m = 0; status == LAC_OK && m < s->n_methods; m++)
            status = lac_lines_put(&lines, line_of(s, &s->row[i], m));
    return lac_lines_close(&lines, status);
}

static lac_status write_summary(const lac_score *s, const lac_score_origin *origin, const char *path)
{
    json_t *summary;
    LAC_TRY(lac_score_summary(s, origin, &summary));
    char *bytes = json_dumps(summary, JSON_INDENT(1));
    json_decref(summary);
    if (bytes == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory for '%s'", path);
    const lac_status status = lac_file_write(path, bytes, strlen(bytes));
    free(bytes);
    return status;
}

lac_status lac_score_save(const lac_score *s, const lac_score_origin *origin, const char *path)
{
    char *summary;
    LAC_TRY(lac_format(&summary, "%s.json", path));
    lac_status status = lac_score_save_lines(s, path);
    if (status == LAC_OK)
        status = write_summary(s, origin, summary);
    free(summary);
    return status;
}
