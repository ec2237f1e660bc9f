/* What was found, in words and numbers: the result of probe-metrics' contract. */
#include "eval/finished_internal.h"

#include "core/memory.h"
#include "core/utf8.h"
#include "eval/bootstrap.h"
#include "eval/lines.h"

#include <lac_version.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* Names of files may be any bytes; those that are no text are written as \xNN. */
static json_t *name(const char *bytes)
{
    const size_t n = strlen(bytes);
    char *text, *to;
    if (lac_utf8_valid(bytes, n))
        return json_string(bytes);
    if (lac_malloc((void **)&text, 4 * n + 1) != LAC_OK)
        return NULL;
    to = text;
    for (size_t i = 0; i < n; i++)
        to += (unsigned char)bytes[i] < 0x80 ? sprintf(to, "%c", bytes[i]) : sprintf(to, "\\x%02x", (unsigned char)bytes[i]);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static bool is_unmatched(const lac_finished *f, int64_t i, int folder)
{
    const lac_finished_entry *e = &f->entry[i];
    if (e->path[folder] == NULL || (folder == LAC_IMAGES && f->cached))
        return false;
    return e->path[folder == LAC_IMAGES ? LAC_REFERENCE : LAC_IMAGES] == NULL;
}

static bool has_folder(const lac_finished *f, int folder)
{
    return folder == LAC_IMAGES || (folder == LAC_REFERENCE && !f->cached) || (folder == LAC_MASKS && f->ask.masks != NULL);
}

/* ---- files ---- */

/* SHA-256 over each file's path and digest: what the values were taken of. */
static json_t *manifest(const lac_finished *f, int folder)
{
    lac_sha256 h;
    uint8_t digest[LAC_SHA256_SIZE];
    char hex[LAC_SHA256_HEX];
    lac_sha256_start(&h);
    for (int64_t i = 0; i < f->n_entries; i++)
        if (f->entry[i].path[folder] != NULL) {
            lac_sha256_add(&h, f->entry[i].path[folder], strlen(f->entry[i].path[folder]) + 1);
            lac_sha256_add(&h, f->row[i].digest[folder], LAC_SHA256_SIZE);
        }
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, hex);
    return json_string(hex);
}

/* Pictures that went through JPEG have other values: how many did is told. */
static bool is_jpeg(const char *path)
{
    const char *ending = path != NULL ? strrchr(path, '.') : NULL;
    return ending != NULL && (strcasecmp(ending, ".jpg") == 0 || strcasecmp(ending, ".jpeg") == 0);
}

static json_t *folder_json(const lac_finished *f, int folder)
{
    json_t *broken = json_array();
    int64_t n = 0, jpeg = 0;
    for (int64_t i = 0; i < f->n_entries; i++) {
        n += f->entry[i].path[folder] != NULL;
        jpeg += is_jpeg(f->entry[i].path[folder]);
        if (f->row[i].broken[folder] != NULL)
            json_array_append_new(broken, json_pack("{s:o, s:o}", "file", name(f->entry[i].path[folder]), "reason", name(f->row[i].broken[folder])));
    }
    return json_pack("{s:I, s:I, s:o, s:o}", "found", (json_int_t)n, "jpeg", (json_int_t)jpeg, "broken", broken, "manifest", manifest(f, folder));
}

static json_t *unmatched_json(const lac_finished *f, int folder)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < f->n_entries; i++)
        if (is_unmatched(f, i, folder))
            json_array_append_new(list, name(f->entry[i].path[folder]));
    return list;
}

static json_t *files_json(const lac_finished *f)
{
    json_t *files = json_object(), *unmatched = json_object();
    int64_t pairs = 0;
    for (int folder = 0; folder < LAC_FOLDERS; folder++)
        if (has_folder(f, folder)) {
            json_object_set_new(files, lac_finished_folder[folder], folder_json(f, folder));
            json_object_set_new(unmatched, lac_finished_folder[folder], unmatched_json(f, folder));
        }
    for (int64_t i = 0; i < f->n_entries; i++)
        pairs += f->row[i].pair;
    json_object_set_new(files, "unmatched", unmatched);
    json_object_set_new(files, "pairs", json_integer(pairs));
    return files;
}

/* ---- a metric of pairs ---- */

typedef struct found { lac_interval v; lac_value value; int64_t n, n_reference; } found;

/* Values of the pairs, in order; free them. */
static lac_status pair_values(const lac_finished *f, int64_t k, double **value, int64_t *n)
{
    LAC_TRY(lac_calloc((void **)value, (size_t)f->n_entries, sizeof **value));
    *n = 0;
    for (int64_t i = 0; i < f->n_entries; i++)
        if (f->row[i].pair)
            (*value)[(*n)++] = f->row[i].value[k].value;
    return LAC_OK;
}

/* Of pairs that all have no value: why, where they agree. */
static lac_status say_why(lac_finished *f, int64_t k, int64_t n, lac_value *value)
{
    const char *why = NULL;
    char *words;
    bool same = true;
    for (int64_t i = 0; i < f->n_entries; i++)
        if (f->row[i].pair) {
            same &= why == NULL || strcmp(why, f->row[i].value[k].reason) == 0;
            why = f->row[i].value[k].reason;
        }
    *value = lac_undefined(n > 0 ? "no pair has a value" : "there is no pair");
    if (why == NULL || !same)
        return LAC_OK;
    LAC_TRY(lac_format(&words, "no pair has a value: %s", why));
    const lac_status s = lac_finished_reason(f, words, &value->reason);
    free(words);
    return s;
}

static lac_status mean_of_pairs(lac_finished *f, int64_t k, found *to)
{
    double *value;
    int64_t *group = NULL, n;
    LAC_TRY(pair_values(f, k, &value, &n));
    lac_status s = lac_calloc((void **)&group, (size_t)n, sizeof *group);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        group[i] = i;
    if (s == LAC_OK && n > 0)
        s = lac_bootstrap(&to->v, value, group, n, n, f->ask.seed);
    free(group);
    free(value);
    to->n = to->v.n;
    to->value = (lac_value){ to->v.value, NULL };
    return s != LAC_OK || to->n > 0 ? s : say_why(f, k, n, &to->value);
}

/* ---- a metric of sets ---- */

typedef struct sets { const float **feature[2]; double *weight, *value, *share; int64_t n[2]; } sets;

static void free_sets(sets *s)
{
    free(s->feature[0]);
    free(s->feature[1]);
    free(s->weight);
    free(s->value);
    free(s->share);
}

/* Whether entry i counts in a set of pairs. */
static bool counts(const lac_finished *f, int64_t i, int64_t k) { return f->row[i].pair && f->row[i].value[k].reason == NULL; }

static lac_status collect(const lac_finished *f, int64_t k, sets *s)
{
    const int64_t v = f->view_of[k];
    const bool paired = lac_finished_paired(f->metric[k].def);
    for (int side = 0; side < 2; side++)
        LAC_TRY(lac_calloc((void **)&s->feature[side], (size_t)f->n_entries, sizeof(float *)));
    LAC_TRY(lac_calloc((void **)&s->weight, (size_t)f->n_entries, sizeof *s->weight));
    LAC_TRY(lac_calloc((void **)&s->value, (size_t)f->n_entries, sizeof *s->value));
    LAC_TRY(lac_calloc((void **)&s->share, (size_t)f->n_entries, sizeof *s->share));
    for (int64_t i = 0; i < f->n_entries; i++) {
        s->weight[i] = 1;
        if (paired && !counts(f, i, k))
            continue;
        if (paired) {
            s->value[s->n[0]] = f->row[i].value[k].value;
            s->share[s->n[0]] = f->row[i].value[k].share;
        }
        for (int side = 0; side < 2; side++)
            if (v >= 0 && f->row[i].feature[v][side] != NULL)
                s->feature[side][s->n[side]++] = f->row[i].feature[v][side];
            else if (v < 0)
                s->n[side]++;
    }
    return LAC_OK;
}

/* A lac_statistic: pairs weigh as often as they were drawn. */
typedef struct question { const lac_metric_def *def; lac_set_rows rows; } question;

static lac_status of_drawn(void *context, const double *times, double *value)
{
    question *q = context;
    lac_value found;
    q->rows.weight = q->rows.reference_weight = times;
    LAC_TRY(q->def->of_set(q->def, &q->rows, &found));
    *value = found.reason == NULL ? found.value : NAN;
    return LAC_OK;
}

/* Of pairs there is an interval, where the metric has one. */
static bool is_resampled(const lac_metric_def *def) { return def->of_set == NULL || (lac_finished_paired(def) && def->no_interval == NULL); }

static lac_status ask(const lac_finished *f, int64_t k, const sets *s, found *to)
{
    const lac_metric_def *def = f->metric[k].def;
    const int64_t v = f->view_of[k];
    question q = { def, { .n = s->n[0], .n_features = v >= 0 ? f->view[v].net->n : 0, .weight = s->weight, .value = def->measure != NULL ? s->value : NULL,
                          .share = def->measure != NULL ? s->share : NULL, .feature = v >= 0 ? s->feature[0] : NULL, .reference = v >= 0 ? s->feature[1] : NULL,
                          .n_reference = s->n[1], .reference_weight = s->weight, .moments = f->cached ? &f->moments : NULL, .settings = &f->ask.settings } };
    to->n = s->n[0];
    to->n_reference = s->n[1];
    LAC_TRY(def->of_set(def, &q.rows, &to->value));
    return is_resampled(def) && to->value.reason == NULL ? lac_bootstrap_interval(&to->v, of_drawn, &q, to->n, f->ask.seed) : LAC_OK;
}

static lac_status value_of_sets(const lac_finished *f, int64_t k, found *to)
{
    sets s = { .n = { 0, 0 } };
    lac_status status = collect(f, k, &s);
    if (status == LAC_OK)
        status = lac_context(ask(f, k, &s, to), "metric '%s'", f->ask.metric[k]);
    free_sets(&s);
    return status;
}

/* ---- metrics ---- */

static json_t *undefined_json(const lac_finished *f, int64_t k)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < f->n_entries; i++)
        if (f->row[i].pair && f->row[i].value[k].reason != NULL)
            json_array_append_new(list, json_pack("{s:o, s:s}", "id", name(f->entry[i].id), "reason", f->row[i].value[k].reason));
    return list;
}

static json_t *metric_json(const lac_finished *f, int64_t k, const found *x)
{
    const lac_metric_def *def = f->metric[k].def;
    json_t *metric = json_pack("{s:o, s:I, s:s}", "value", number(x->value.value), "n", (json_int_t)x->n, "recipe", f->recipe[k]);
    if (is_resampled(def))
        json_object_update_new(metric, json_pack("{s:o, s:o}", "low", number(x->v.low), "high", number(x->v.high)));
    if (def->of_set != NULL && !f->cached && !def->no_reference)
        json_object_set_new(metric, "n_reference", json_integer(x->n_reference));
    if (lac_finished_paired(def))
        json_object_set_new(metric, "undefined", undefined_json(f, k));
    if (def->has_std)
        json_object_set_new(metric, "std", x->value.reason == NULL ? number(x->value.std) : json_null());
    if (x->value.reason != NULL)
        json_object_set_new(metric, "reason", json_string(x->value.reason));
    if (f->metric[k].features != NULL && f->metric[k].features->weights != NULL)
        json_object_set_new(metric, "weights", lac_eval_weights_json(f->ask.weights, f->metric[k].features->weights));
    return metric;
}

static lac_status metrics_json(lac_finished *f, json_t *metrics)
{
    for (int64_t k = 0; k < f->ask.n_metrics; k++) {
        found x = { .v = { NAN, NAN, NAN, 0, 0 } };
        LAC_TRY(f->metric[k].def->of_set != NULL ? value_of_sets(f, k, &x) : mean_of_pairs(f, k, &x));
        json_object_set_new(metrics, f->ask.metric[k], metric_json(f, k, &x));
    }
    return LAC_OK;
}

/* What all references are high or wide; null where they differ. */
static json_t *common_side(const lac_finished *f, bool wide)
{
    int64_t side = -1;
    for (int64_t i = 0; i < f->n_entries; i++) {
        const int64_t here = wide ? f->row[i].width : f->row[i].height;
        if (!f->row[i].pair)
            continue;
        if (side >= 0 && side != here)
            return json_null();
        side = here;
    }
    return side >= 0 ? json_integer(side) : json_null();
}

/* What there is only where it was asked for. */
static lac_status add_beside(const lac_finished *f, json_t *result)
{
    json_t *bins;
    if (f->cached)
        json_object_set_new(result, "statistics", json_string(f->moments_hash));
    if (f->captions != NULL)
        json_object_set_new(result, "prompts", json_string(f->captions_hash));
    if (f->ask.masks == NULL)
        return LAC_OK;
    const lac_status s = lac_finished_bins(f, &bins);
    json_object_set_new(result, "area", bins);
    return s;
}

lac_status lac_finished_result(lac_finished *f, json_t **result)
{
    json_t *metrics = json_object();
    *result = NULL;
    const lac_status s = metrics_json(f, metrics);
    if (s != LAC_OK)
        return json_decref(metrics), s;
    *result = json_pack("{s:o, s:o, s:{s:s, s:f, s:i, s:s, s:I}, s:I, s:o, s:o, s:I, s:s, s:s}", "metrics", metrics, "files", files_json(f), "interval", "kind",
                        "percentile bootstrap", "level", 0.95, "resamples", LAC_BOOTSTRAP_RESAMPLES, "unit", "pair", "seed", (json_int_t)f->ask.seed,
                        "size", (json_int_t)f->ask.size, "height", common_side(f, false), "width", common_side(f, true), "limit", (json_int_t)f->ask.limit,
                        "version", LAC_VERSION, "revision", LAC_REVISION);
    return *result != NULL ? add_beside(f, *result) : LAC_FAIL(LAC_ERR_MEM, "out of memory: the result");
}

/* ---- lines ---- */

static json_t *undefined_of(const lac_finished *f, int64_t i)
{
    json_t *undefined = json_object();
    for (int64_t k = 0; k < f->ask.n_metrics; k++)
        if (f->row[i].value[k].reason != NULL)
            json_object_set_new(undefined, f->ask.metric[k], json_string(f->row[i].value[k].reason));
    return undefined;
}

static void add_word(json_t *line, const char *key, const char *word)
{
    if (word != NULL)
        json_object_set_new(line, key, json_string(word));
}

static json_t *line_of(const lac_finished *f, int64_t i)
{
    const lac_finished_row *row = &f->row[i];
    const char *id = f->entry[i].id;
    json_t *values = json_object(), *line = json_pack("{s:o, s:o, s:o}", "id", name(id), "values", values, "undefined", undefined_of(f, i));
    for (int64_t k = 0; k < f->ask.n_metrics; k++)
        if (lac_metric_of_pictures(f->metric[k].def))
            json_object_set_new(values, f->ask.metric[k], number(row->value[k].value));
    if (row->holes >= 0)
        json_object_set_new(line, "area", json_real((double)row->holes / (double)(row->height * row->width)));
    add_word(line, "label", f->entry[i].said.label);
    add_word(line, "prompt", f->entry[i].said.prompt);
    return line;
}

lac_status lac_finished_lines(const lac_finished *f, const char *stem)
{
    static const char *const words[] = { "label", "area", NULL };
    lac_lines lines;
    LAC_TRY(lac_lines_open(&lines, stem, words, f->metric, f->ask.metric, f->ask.n_metrics));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < f->n_entries; i++)
        if (f->row[i].pair)
            s = lac_lines_put(&lines, line_of(f, i));
    return lac_lines_close(&lines, s);
}

static lac_status remark(lac_paths *lines, const char *format, const char *a, const char *b, const char *c)
{
    LAC_TRY(lac_grow((void **)&lines->item, lines->n, &lines->capacity, sizeof *lines->item));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    LAC_TRY(lac_format(&lines->item[lines->n], format, a, b, c));
#pragma GCC diagnostic pop
    lines->n++;
    return LAC_OK;
}

lac_status lac_finished_remarks(const lac_finished *f, lac_paths *lines)
{
    for (int folder = 0; folder < LAC_FOLDERS; folder++)
        for (int64_t i = 0; i < f->n_entries; i++)
            if (f->row[i].broken[folder] != NULL)
                LAC_TRY(remark(lines, "%s: '%s' is broken: %s", lac_finished_folder[folder], f->entry[i].path[folder], f->row[i].broken[folder]));
    for (int folder = 0; folder < LAC_FOLDERS; folder++)
        for (int64_t i = 0; i < f->n_entries; i++)
            if (is_unmatched(f, i, folder))
                LAC_TRY(remark(lines, "%s: '%s' is unmatched: no namesake in %s", lac_finished_folder[folder], f->entry[i].path[folder],
                               folder == LAC_IMAGES ? "the reference" : "the images"));
    for (int64_t k = 0; k < f->ask.n_metrics; k++)
        for (int64_t i = 0; i < f->n_entries; i++)
            if (lac_finished_paired(f->metric[k].def) && f->row[i].pair && f->row[i].value[k].reason != NULL)
                LAC_TRY(remark(lines, "%s of '%s' is undefined: %s", f->ask.metric[k], f->entry[i].id, f->row[i].value[k].reason));
    return LAC_OK;
}
