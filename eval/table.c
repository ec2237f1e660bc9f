#include "eval/table.h"

#include "core/memory.h"
#include "eval/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void lac_table_free(lac_table *t)
{
    for (int64_t i = 0; i < t->n_columns; i++) {
        free(t->column[i].metric);
        free(t->column[i].recipe);
    }
    for (int64_t i = 0; i < t->n_rows; i++) {
        free(t->row[i].name);
        free(t->row[i].source);
        free(t->row[i].cell);
    }
    free(t->column);
    free(t->row);
    free(t->manifest);
    free(t->masks);
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
    t->images = integer_at(summary, "images");
    t->backgrounds = integer_at(summary, "backgrounds");
    t->objects = integer_at(summary, "objects");
    t->height = integer_at(summary, "height");
    t->width = integer_at(summary, "width");
    return lac_strdup(&t->manifest, text_at(summary, "manifest"));
}

static lac_status same_origin(const lac_table *t, const json_t *summary)
{
    if (strcmp(t->manifest, text_at(summary, "manifest")) != 0)
        return LAC_FAIL(LAC_ERR_STATE, "manifest '%s' cannot share a table with '%s'", text_at(summary, "manifest"), t->manifest);
    if (strcmp(t->masks, text_at(summary, "masks")) != 0)
        return LAC_FAIL(LAC_ERR_STATE, "masks '%s' cannot share a table with '%s'", text_at(summary, "masks"), t->masks);
    if (t->images != integer_at(summary, "images"))
        return LAC_FAIL(LAC_ERR_STATE, "%lld pictures cannot share a table with %lld", (long long)integer_at(summary, "images"),
                        (long long)t->images);
    if (t->height != integer_at(summary, "height") || t->width != integer_at(summary, "width"))
        return LAC_FAIL(LAC_ERR_STATE, "pictures of %lldx%lld cannot share a table with %lldx%lld",
                        (long long)integer_at(summary, "width"), (long long)integer_at(summary, "height"), (long long)t->width,
                        (long long)t->height);
    return LAC_OK;
}

static lac_status new_column(lac_table *t, const char *metric, const char *recipe)
{
    lac_metric m;
    LAC_TRY(lac_grow((void **)&t->column, t->n_columns, &t->column_capacity, sizeof *t->column));
    lac_table_column c = { .digits = 4 };
    if (lac_metric_find(&m, metric) == LAC_OK) {
        c.digits = m.def->digits;
        c.higher_is_better = m.def->higher_is_better;
        c.no_direction = m.def->no_direction;
    }
    lac_status s = lac_strdup(&c.metric, metric);
    if (s == LAC_OK)
        s = lac_strdup(&c.recipe, recipe);
    if (s == LAC_OK)
        t->column[t->n_columns++] = c;
    else
        free(c.metric);
    return s;
}

static lac_status column_of(lac_table *t, const char *metric, const char *recipe, int64_t *column)
{
    for (*column = 0; *column < t->n_columns; (*column)++)
        if (strcmp(t->column[*column].metric, metric) == 0)
            break;
    if (*column == t->n_columns)
        return new_column(t, metric, recipe);
    if (strcmp(t->column[*column].recipe, recipe) != 0)
        return LAC_FAIL(LAC_ERR_STATE, "%s: recipe '%s' cannot share a column with '%s'", metric, recipe, t->column[*column].recipe);
    return LAC_OK;
}

static lac_status set_cell(lac_table_row *row, int64_t column, const json_t *metric)
{
    if (column >= row->n_cells) {
        LAC_TRY(lac_realloc((void **)&row->cell, (size_t)(column + 1) * sizeof *row->cell));
        memset(row->cell + row->n_cells, 0, (size_t)(column + 1 - row->n_cells) * sizeof *row->cell);
        row->n_cells = column + 1;
    }
    row->cell[column] = (lac_cell){ true, { real_at(metric, "value"), real_at(metric, "low"), real_at(metric, "high"),
                                            integer_at(metric, "n"), integer_at(metric, "backgrounds") } };
    return LAC_OK;
}

static lac_status fill_cells(lac_table *t, lac_table_row *row, const json_t *metrics)
{
    const char *name;
    json_t *metric;
    json_object_foreach((json_t *)metrics, name, metric) {
        int64_t column;
        LAC_TRY(column_of(t, name, text_at(metric, "recipe"), &column));
        LAC_TRY(set_cell(row, column, metric));
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
        if (strcmp(t->row[i].name, row->name) == 0 && same_cells(&t->row[i], row))
            return true;
    return false;
}

static lac_status add_row(lac_table *t, const char *name, const json_t *metrics)
{
    lac_table_row row = { 0 };
    lac_status s = lac_strdup(&row.name, name);
    if (s == LAC_OK)
        s = fill_cells(t, &row, metrics);
    const bool wanted = s == LAC_OK && !already_there(t, &row);
    if (wanted)
        s = lac_grow((void **)&t->row, t->n_rows, &t->row_capacity, sizeof *t->row);
    if (wanted && s == LAC_OK)
        t->row[t->n_rows++] = row;
    else {
        free(row.name);
        free(row.cell);
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
        json_t *metric = json_pack("{s:O}", "value", value);
        lac_status s = metric != NULL && json_is_number(value) ? column_of(t, name, "as published", &column) : LAC_FAIL(LAC_ERR_FORMAT, "'%s' of '%s' is no number", name, row->name);
        if (s == LAC_OK)
            s = set_cell(row, column, metric);
        json_decref(metric);
        LAC_TRY(s);
    }
    return LAC_OK;
}

static lac_status add_published_row(lac_table *t, const json_t *told)
{
    LAC_TRY(lac_grow((void **)&t->row, t->n_rows, &t->row_capacity, sizeof *t->row));
    lac_table_row *row = &t->row[t->n_rows++];
    *row = (lac_table_row){ .name = NULL };
    LAC_TRY(lac_strdup(&row->name, text_at(told, "name")));
    LAC_TRY(lac_strdup(&row->source, text_at(told, "source")));
    return fill_published(t, row, json_object_get(told, "values"));
}

static lac_status add_published(lac_table *t, const json_t *rows)
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

lac_status lac_table_add(lac_table *t, const json_t *summary)
{
    const json_t *methods = json_object_get(summary, "methods");
    if (!json_is_object(methods))
        return LAC_FAIL(LAC_ERR_FORMAT, "not an evaluation summary: no 'methods'");
    LAC_TRY(t->manifest == NULL ? begin(t, summary) : same_origin(t, summary));
    LAC_TRY(add_published(t, json_object_get(summary, "published")));
    const char *name;
    json_t *method;
    json_object_foreach((json_t *)methods, name, method)
        LAC_TRY(add_row(t, name, json_object_get(method, "metrics")));
    return LAC_OK;
}
