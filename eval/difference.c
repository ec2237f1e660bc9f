#include "eval/difference.h"

#include "core/memory.h"
#include "eval/metric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one ---- */

/* The number of a picture's background in the order of first sight. */
static int64_t group_of(json_t *groups, const json_t *picture)
{
    const char *name = json_string_value(json_object_get(picture, "background"));
    if (name == NULL)
        name = json_string_value(json_object_get(picture, "id"));
    if (json_object_get(groups, name) == NULL)
        json_object_set_new(groups, name, json_integer((json_int_t)json_object_size(groups)));
    return json_integer_value(json_object_get(groups, name));
}

static lac_status gather(const lac_pictures *p, const char *a, const char *b, const char *metric, double *value, int64_t *group, lac_interval *found)
{
    const char *id;
    json_t *picture, *groups = json_object();
    int64_t n = 0;
    json_object_foreach(p->picture, id, picture) {
        value[n] = lac_pictures_value(picture, a, metric) - lac_pictures_value(picture, b, metric);
        group[n++] = group_of(groups, picture);
    }
    const lac_status s = lac_bootstrap(found, value, group, n, (int64_t)json_object_size(groups), p->seed);
    json_decref(groups);
    return s;
}

lac_status lac_difference(const lac_pictures *p, const char *a, const char *b, const char *metric, lac_interval *found)
{
    const size_t n = json_object_size(p->picture);
    double *value = NULL;
    int64_t *group = NULL;
    lac_status s = lac_calloc((void **)&value, LAC_MAX(n, 1), sizeof *value);
    if (s == LAC_OK)
        s = lac_calloc((void **)&group, LAC_MAX(n, 1), sizeof *group);
    if (s == LAC_OK)
        s = gather(p, a, b, metric, value, group, found);
    free(group);
    free(value);
    return s;
}

/* ---- all ---- */

static double real_at(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static bool is(const json_t *o, const char *key, const char *text)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL && strcmp(s, text) == 0;
}

/* What a summary said of the two in this order; n is 0 where none did. */
static lac_interval as_summarised(const json_t *said, const char *a, const char *b, const char *metric)
{
    size_t i;
    json_t *d;
    json_array_foreach((json_t *)said, i, d)
        if (is(d, "metric", metric) && is(d, "a", a) && is(d, "b", b))
            return (lac_interval){ real_at(d, "value"), real_at(d, "low"), real_at(d, "high"), json_integer_value(json_object_get(d, "n")), 0 };
    return (lac_interval){ NAN, NAN, NAN, 0, 0 };
}

/* p NULL: all that is known was said. */
static lac_status add_pair(lac_table *t, const json_t *said, const lac_pictures *p, const char *a, const char *b)
{
    lac_table_row *row;
    char *name;
    LAC_TRY(lac_format(&name, "%s − %s", a, b));
    lac_status s = lac_table_new_row(t, name, &row);
    free(name);
    for (int64_t k = 0; s == LAC_OK && k < t->n_columns; k++) {
        const char *metric = t->column[k].metric;
        lac_interval v = as_summarised(said, a, b, metric);
        if (v.n == 0 && p != NULL)
            s = lac_difference(p, a, b, metric, &v);
        if (s == LAC_OK)
            s = lac_table_set(row, k, &v, v.n == 0 ? "the two were not scored together, or have no picture in common" : NULL);
    }
    return s;
}

/* "RECIPE, difference": of the metric's column among the scores. */
static lac_status add_column(lac_table *t, const lac_table *scores, const char *name, int digits, int64_t better)
{
    const int64_t k = lac_table_column_named(scores, name);
    char *recipe;
    LAC_TRY(lac_format(&recipe, "%s%sdifference of two", k >= 0 ? scores->column[k].recipe : "", k >= 0 ? ", " : ""));
    const lac_status s = lac_table_new_column(t, &(lac_table_column){ .metric = (char *)name, .recipe = recipe, .weights = k >= 0 ? scores->column[k].weights : NULL,
                                                                      .digits = digits, .higher_is_better = better > 0, .no_direction = better == 0 });
    free(recipe);
    return s;
}

/* Those that summaries speak of, and that are not there yet. */
static lac_status add_said_columns(lac_table *t, const lac_table *scores, const json_t *said)
{
    size_t i;
    json_t *d;
    json_array_foreach((json_t *)said, i, d) {
        lac_metric m;
        const char *name = json_string_value(json_object_get(d, "metric"));
        if (name == NULL || lac_table_column_named(t, name) >= 0 || isnan(real_at(d, "value")) || lac_metric_find(&m, name) != LAC_OK)
            continue;
        LAC_TRY(add_column(t, scores, name, m.def->digits, m.def->no_direction ? 0 : m.def->higher_is_better ? 1 : -1));
    }
    return LAC_OK;
}

/* Those of single pictures, then those of whole sets that summaries speak of. */
static lac_status add_columns(lac_table *t, const lac_table *scores, const lac_pictures *p)
{
    size_t i;
    json_t *metric;
    json_array_foreach(p->metric, i, metric)
        LAC_TRY(add_column(t, scores, json_string_value(json_object_get(metric, "name")), (int)json_integer_value(json_object_get(metric, "digits")),
                           json_integer_value(json_object_get(metric, "better"))));
    return add_said_columns(t, scores, p->difference);
}

/* What all evaluations have in common. */
static void take_origin(lac_table *t, const lac_table *scores)
{
    json_t *common = json_deep_copy(json_array_get(scores->origin, 0)), *origin, *value;
    const char *key;
    void *next;
    size_t i;
    json_array_foreach(scores->origin, i, origin)
        json_object_foreach_safe(common, next, key, value)
            if (!json_equal(json_object_get(origin, key), value))
                json_object_del(common, key);
    t->origin = json_array();
    json_array_append_new(t->origin, common != NULL ? common : json_object());
}

static const char *method_at(const lac_pictures *p, size_t i) { return json_string_value(json_array_get(p->method, i)); }

lac_status lac_difference_table(const lac_pictures *p, const lac_table *scores, lac_table *t)
{
    const size_t n = json_array_size(p->method), first = n <= LAC_DIFFERENCE_ALL ? n : LAC_MIN(n, 1);
    *t = (lac_table){ .kind = LAC_TABLE_DIFFERENCES };
    take_origin(t, scores);
    lac_status s = n > 1 ? add_columns(t, scores, p) : LAC_OK;
    for (size_t a = 0; s == LAC_OK && a < first; a++)
        for (size_t b = a + 1; s == LAC_OK && b < n; b++)
            s = add_pair(t, p->difference, p, method_at(p, a), method_at(p, b));
    if (s != LAC_OK)
        lac_table_free(t);
    return s;
}

static const char *word(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text != NULL ? text : "";
}

/* Whether an earlier one is of the same two. */
static bool seen_before(const json_t *said, size_t i)
{
    const json_t *d = json_array_get(said, i);
    for (size_t k = 0; k < i; k++)
        if (is(json_array_get(said, k), "a", word(d, "a")) && is(json_array_get(said, k), "b", word(d, "b")))
            return true;
    return false;
}

lac_status lac_difference_table_said(const json_t *said, const lac_table *scores, lac_table *t)
{
    *t = (lac_table){ .kind = LAC_TABLE_DIFFERENCES };
    take_origin(t, scores);
    lac_status s = add_said_columns(t, scores, said);
    for (size_t i = 0; s == LAC_OK && i < json_array_size(said); i++)
        if (!seen_before(said, i))
            s = add_pair(t, said, NULL, word(json_array_get(said, i), "a"), word(json_array_get(said, i), "b"));
    if (s != LAC_OK)
        lac_table_free(t);
    return s;
}
