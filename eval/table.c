#include "eval/table.h"

#include "core/memory.h"
#include "eval/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void free_row(lac_table_row *row)
{
    for (int64_t k = 0; k < row->n_cells; k++)
        free(row->cell[k].reason);
    free(row->name);
    free(row->source);
    free(row->cell);
    json_decref(row->area);
}

void lac_table_free(lac_table *t)
{
    for (int64_t i = 0; i < t->n_columns; i++) {
        free(t->column[i].metric);
        free(t->column[i].recipe);
        json_decref(t->column[i].weights);
    }
    for (int64_t i = 0; i < t->n_rows; i++)
        free_row(&t->row[i]);
    free(t->column);
    free(t->row);
    free(t->manifest);
    free(t->masks);
    free(t->view);
    json_decref(t->origin);
    if (t->published != NULL)
        lac_table_free(t->published);
    free(t->published);
    *t = (lac_table){ 0 };
}

static int64_t integer_at(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static double real_at(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

/* The text at key, "" where none is. */
static const char *text_at(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

static lac_status begin(lac_table *t, const json_t *summary)
{
    LAC_TRY(lac_strdup(&t->masks, text_at(summary, "masks")));
    LAC_TRY(lac_strdup(&t->view, text_at(summary, "view")));
    t->images = integer_at(summary, "images");
    t->backgrounds = integer_at(summary, "backgrounds");
    t->objects = integer_at(summary, "objects");
    t->height = integer_at(summary, "height");
    t->width = integer_at(summary, "width");
    t->of_pairs = strcmp(text_at(json_object_get(summary, "interval"), "unit"), "pair") == 0;
    t->of_rounds = strcmp(text_at(json_object_get(summary, "interval"), "unit"), "round") == 0;
    return lac_strdup(&t->manifest, text_at(summary, "manifest"));
}

static lac_status same_origin(const lac_table *t, const json_t *summary)
{
    if (strcmp(t->manifest, text_at(summary, "manifest")) != 0)
        return LAC_FAIL(LAC_ERR_STATE, "manifest '%s' cannot share a table with '%s'", text_at(summary, "manifest"), t->manifest);
    if (strcmp(t->masks, text_at(summary, "masks")) != 0)
        return LAC_FAIL(LAC_ERR_STATE, "masks '%s' cannot share a table with '%s'", text_at(summary, "masks"), t->masks);
    if (strcmp(t->view, text_at(summary, "view")) != 0)
        return LAC_FAIL(LAC_ERR_STATE, "view '%s' cannot share a table with '%s'", text_at(summary, "view"), t->view);
    if (t->images != integer_at(summary, "images"))
        return LAC_FAIL(LAC_ERR_STATE, "%lld pictures cannot share a table with %lld", (long long)integer_at(summary, "images"),
                        (long long)t->images);
    if (t->height != integer_at(summary, "height") || t->width != integer_at(summary, "width"))
        return LAC_FAIL(LAC_ERR_STATE, "pictures of %lldx%lld cannot share a table with %lldx%lld",
                        (long long)integer_at(summary, "width"), (long long)integer_at(summary, "height"), (long long)t->width,
                        (long long)t->height);
    return LAC_OK;
}

/* ---- columns ---- */

lac_status lac_table_new_column(lac_table *t, const lac_table_column *like)
{
    lac_table_column c = *like;
    LAC_TRY(lac_grow((void **)&t->column, t->n_columns, &t->column_capacity, sizeof *t->column));
    LAC_TRY(lac_strdup(&c.metric, like->metric));
    const lac_status s = lac_strdup(&c.recipe, like->recipe);
    if (s != LAC_OK) {
        free(c.metric);
        return s;
    }
    json_incref(c.weights);
    t->column[t->n_columns++] = c;
    return LAC_OK;
}

int64_t lac_table_column_named(const lac_table *t, const char *metric)
{
    for (int64_t k = 0; k < t->n_columns; k++)
        if (strcmp(t->column[k].metric, metric) == 0)
            return k;
    return -1;
}

static lac_status same_recipe(const lac_table *t, int64_t column, const char *recipe)
{
    const lac_table_column *c = &t->column[column];
    return strcmp(c->recipe, recipe) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_STATE, "%s: recipe '%s' cannot share a column with '%s'", c->metric, recipe, c->recipe);
}

/* told: what a summary says of the metric. */
static lac_status column_of(lac_table *t, const char *name, const char *recipe, const json_t *told, int64_t *column)
{
    lac_metric m;
    *column = lac_table_column_named(t, name);
    if (*column >= 0)
        return same_recipe(t, *column, recipe);
    const int64_t better = integer_at(told, "better");
    lac_table_column c = { .metric = (char *)name, .recipe = (char *)recipe, .weights = json_object_get(told, "weights"), .digits = 4, .higher_is_better = better > 0,
                           .no_direction = better == 0 };
    if (lac_metric_find(&m, name) == LAC_OK) {
        c.digits = m.def->digits;
        c.higher_is_better = m.def->higher_is_better;
        c.no_direction = m.def->no_direction;
    }
    *column = t->n_columns;
    return lac_table_new_column(t, &c);
}

/* ---- rows ---- */

lac_status lac_table_new_row(lac_table *t, const char *name, lac_table_row **row)
{
    LAC_TRY(lac_grow((void **)&t->row, t->n_rows, &t->row_capacity, sizeof *t->row));
    *row = &t->row[t->n_rows];
    **row = (lac_table_row){ .name = NULL };
    LAC_TRY(lac_strdup(&(*row)->name, name));
    t->n_rows++;
    return LAC_OK;
}

lac_status lac_table_set(lac_table_row *row, int64_t column, const lac_interval *v, const char *reason)
{
    if (column >= row->n_cells) {
        LAC_TRY(lac_realloc((void **)&row->cell, (size_t)(column + 1) * sizeof *row->cell));
        memset(row->cell + row->n_cells, 0, (size_t)(column + 1 - row->n_cells) * sizeof *row->cell);
        row->n_cells = column + 1;
    }
    row->cell[column] = (lac_cell){ .present = true, .v = *v, .spread = NAN };
    return reason != NULL ? lac_strdup(&row->cell[column].reason, reason) : LAC_OK;
}

static lac_status set_from(lac_table_row *row, int64_t column, const json_t *told)
{
    const lac_interval v = { real_at(told, "value"), real_at(told, "low"), real_at(told, "high"), integer_at(told, "n"), integer_at(told, "backgrounds") };
    LAC_TRY(lac_table_set(row, column, &v, json_string_value(json_object_get(told, "reason"))));
    row->cell[column].spread = real_at(told, "spread");
    return LAC_OK;
}

static lac_status fill_cells(lac_table *t, lac_table_row *row, const json_t *metrics)
{
    const char *name;
    json_t *told;
    json_object_foreach((json_t *)metrics, name, told) {
        int64_t column;
        LAC_TRY(column_of(t, name, text_at(told, "recipe"), told, &column));
        LAC_TRY(set_from(row, column, told));
    }
    return LAC_OK;
}

static bool same_cells(const lac_table_row *a, const lac_table_row *b)
{
    bool same = a->n_cells == b->n_cells;
    for (int64_t i = 0; same && i < a->n_cells; i++) {
        const lac_cell *x = &a->cell[i], *y = &b->cell[i];
        same = x->present == y->present && (x->v.value == y->v.value || (isnan(x->v.value) && isnan(y->v.value)));
    }
    return same;
}

static bool already_there(const lac_table *t, const lac_table_row *row)
{
    for (int64_t i = 0; i < t->n_rows; i++)
        if (&t->row[i] != row && strcmp(t->row[i].name, row->name) == 0 && same_cells(&t->row[i], row))
            return true;
    return false;
}

static lac_status add_row(lac_table *t, const char *name, const json_t *method, int64_t origin)
{
    lac_table_row *row;
    LAC_TRY(lac_table_new_row(t, name, &row));
    row->origin = origin;
    row->runs = integer_at(method, "runs");
    row->area = json_incref(json_object_get(method, "area"));
    const lac_status s = fill_cells(t, row, json_object_get(method, "metrics"));
    if (s != LAC_OK || already_there(t, row)) {
        free_row(row);
        t->n_rows--;
    }
    return s;
}

/* ---- what others printed ---- */

static lac_status fill_published(lac_table *t, lac_table_row *row, const json_t *values)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)values, name, value) {
        int64_t column = 0;
        const lac_interval v = { json_number_value(value), NAN, NAN, 0, 0 };
        if (!json_is_number(value))
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of '%s' is no number", name, row->name);
        LAC_TRY(column_of(t, name, "as published", NULL, &column));
        LAC_TRY(lac_table_set(row, column, &v, NULL));
    }
    return LAC_OK;
}

static lac_status add_published_row(lac_table *t, const json_t *told)
{
    lac_table_row *row;
    LAC_TRY(lac_table_new_row(t, text_at(told, "name"), &row));
    LAC_TRY(lac_strdup(&row->source, text_at(told, "source")));
    return fill_published(t, row, json_object_get(told, "values"));
}

lac_status lac_table_add_published(lac_table *t, const json_t *rows)
{
    size_t i;
    json_t *told;
    if (json_array_size(rows) == 0 || t->published != NULL)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)&t->published, 1, sizeof *t->published));
    json_array_foreach(rows, i, told)
        LAC_TRY(add_published_row(t->published, told));
    return LAC_OK;
}

/* ---- a summary ---- */

/* Before anything is added: a recipe that differs from that of its column. */
static lac_status check_recipes(const lac_table *t, const json_t *methods)
{
    const char *method, *name;
    json_t *of, *told;
    json_object_foreach((json_t *)methods, method, of)
        json_object_foreach(json_object_get(of, "metrics"), name, told) {
            const int64_t k = lac_table_column_named(t, name);
            if (k >= 0)
                LAC_TRY(same_recipe(t, k, text_at(told, "recipe")));
        }
    return LAC_OK;
}

/* What its methods are, by name. */
static json_t *models_of(const json_t *summary)
{
    json_t *models = json_object(), *method;
    const char *name;
    json_object_foreach(json_object_get(summary, "methods"), name, method)
        if (json_object_get(method, "model") != NULL)
            json_object_set(models, name, json_object_get(method, "model"));
    return models;
}

/* What its values depend on, beside their recipes. */
static lac_status add_origin(lac_table *t, const json_t *summary)
{
    static const char *const keys[] = { "set", "split", "manifest", "selection", "masks", "finished", "prompt", "prompts", "protocol", "view", "seed", "limit", "jpeg", "height", "width", "version", "revision" };
    json_t *origin = json_object();
    if (t->origin == NULL)
        t->origin = json_array();
    for (size_t i = 0; i < LAC_COUNT(keys); i++)
        if (json_object_get(summary, keys[i]) != NULL)
            json_object_set(origin, keys[i], json_object_get(summary, keys[i]));
    json_object_set_new(origin, "models", models_of(summary));
    return json_array_append_new(t->origin, origin) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory for a table");
}

lac_status lac_table_add(lac_table *t, const json_t *summary)
{
    const json_t *methods = json_object_get(summary, "methods");
    if (!json_is_object(methods))
        return LAC_FAIL(LAC_ERR_FORMAT, "not an evaluation summary: no 'methods'");
    LAC_TRY(t->manifest == NULL ? begin(t, summary) : same_origin(t, summary));
    LAC_TRY(check_recipes(t, methods));
    LAC_TRY(lac_table_add_published(t, json_object_get(summary, "published")));
    LAC_TRY(add_origin(t, summary));
    const char *name;
    json_t *method;
    json_object_foreach((json_t *)methods, name, method)
        LAC_TRY(add_row(t, name, method, (int64_t)json_array_size(t->origin) - 1));
    return LAC_OK;
}
