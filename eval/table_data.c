/* A lac_table to be read by programs: CSV and JSON, each value with all that it depends on. */
#include "core/csv_write.h"
#include "core/print.h"
#include "eval/table_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const lac_cell *lac_table_cell_at(const lac_table *t, int64_t row, int64_t column)
{
    const lac_table_row *r = &t->row[row];
    return column < r->n_cells && r->cell[column].present ? &r->cell[column] : NULL;
}

bool lac_table_is_published(const lac_table *t) { return t->n_rows > 0 && t->row[0].source != NULL; }

lac_status lac_table_weights_text(const lac_table_column *c, char **text)
{
    const char *name;
    json_t *files, *hash;
    lac_print p;
    size_t i, n = 0;
    LAC_TRY(lac_print_open(&p, "the weights of a metric"));
    json_object_foreach(c->weights, name, files) {
        fprintf(p.to, "%s%s=", n++ > 0 ? " " : "", name);
        json_array_foreach(files, i, hash)
            fprintf(p.to, "%s%s", i > 0 ? "+" : "", json_string_value(hash));
    }
    return lac_print_close(&p, LAC_OK, text);
}

bool lac_table_has_runs(const lac_table *t)
{
    for (int64_t i = 0; i < t->n_rows; i++)
        if (t->row[i].runs > 0)
            return true;
    return false;
}

/* ---- values as objects ---- */

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static const char *const origin_keys[] = { "set", "split", "manifest", "selection", "masks", "view", "finished", "prompts", "protocol", "seed", "height", "width", "version", "revision" };

/* What is not known is null. */
static void add_origin(json_t *value, const json_t *origin)
{
    for (size_t i = 0; i < LAC_COUNT(origin_keys); i++) {
        json_t *known = json_object_get(origin, origin_keys[i]);
        json_object_set_new(value, origin_keys[i], known != NULL ? json_incref(known) : json_null());
    }
}

static json_t *value_json(const lac_table *t, int64_t row, int64_t column)
{
    const lac_table_row *r = &t->row[row];
    const lac_table_column *c = &t->column[column];
    const lac_cell *cell = lac_table_cell_at(t, row, column);
    json_t *recipe = r->source != NULL ? json_sprintf("published: %s", r->source) : json_string(c->recipe);
    json_t *value = json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:o}", "method", r->name, "metric", c->metric, "value", number(cell->v.value), "low", number(cell->v.low), "high",
                              number(cell->v.high), "n", (json_int_t)cell->v.n, "recipe", recipe);
    if (r->runs > 0) {
        json_object_set_new(value, "runs", json_integer(r->runs));
        json_object_set_new(value, "spread", number(cell->spread));
    }
    if (cell->reason != NULL)
        json_object_set_new(value, "reason", json_string(cell->reason));
    if (c->weights != NULL)
        json_object_set(value, "weights", c->weights);
    if (r->source == NULL)
        add_origin(value, json_array_get(t->origin, (size_t)r->origin));
    return value;
}

static void add_json(json_t *all, const lac_table *t)
{
    for (int64_t i = 0; i < t->n_rows; i++)
        for (int64_t k = 0; k < t->n_columns; k++)
            if (lac_table_cell_at(t, i, k) != NULL)
                json_array_append_new(all, value_json(t, i, k));
}

lac_status lac_table_json(const lac_table *t, json_t **list)
{
    *list = json_array();
    add_json(*list, t);
    if (t->published != NULL)
        add_json(*list, t->published);
    return LAC_OK;
}

/* ---- and as lines ---- */

static void print_field(FILE *f, const json_t *v)
{
    fputc(',', f);
    if (json_is_string(v))
        lac_csv_put_text(f, json_string_value(v));
    else if (json_is_integer(v))
        fprintf(f, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        lac_csv_put_number(f, json_real_value(v));
}

static void print_name(FILE *f, const char *name)
{
    if (strpbrk(name, ",\"\n") != NULL)
        lac_csv_put_text(f, name);
    else
        fputs(name, f);
}

static const char *const run_keys[] = { "runs", "spread" };

static lac_status print_line(FILE *f, const lac_table *t, int64_t row, int64_t column, bool with_runs)
{
    static const char *const words[] = { "value", "low", "high", "n", "recipe", "reason" };
    char *weights;
    LAC_TRY(lac_table_weights_text(&t->column[column], &weights));
    json_t *value = value_json(t, row, column);
    lac_csv_put_text(f, t->row[row].name);
    fputc(',', f);
    print_name(f, t->column[column].metric);
    for (size_t i = 0; i < LAC_COUNT(words); i++)
        print_field(f, json_object_get(value, words[i]));
    fputc(',', f);
    print_name(f, weights);
    for (size_t i = 0; i < LAC_COUNT(origin_keys); i++)
        print_field(f, json_object_get(value, origin_keys[i]));
    for (size_t i = 0; with_runs && i < LAC_COUNT(run_keys); i++)
        print_field(f, json_object_get(value, run_keys[i]));
    fputc('\n', f);
    json_decref(value);
    free(weights);
    return LAC_OK;
}

static lac_status print_lines(FILE *f, const lac_table *t, bool with_runs)
{
    for (int64_t i = 0; i < t->n_rows; i++)
        for (int64_t k = 0; k < t->n_columns; k++)
            if (lac_table_cell_at(t, i, k) != NULL)
                LAC_TRY(print_line(f, t, i, k, with_runs));
    return LAC_OK;
}

lac_status lac_table_csv(const lac_table *t, char **text)
{
    const bool with_runs = lac_table_has_runs(t);
    lac_print p;
    LAC_TRY(lac_print_open(&p, "a table"));
    fputs("method,metric,value,low,high,n,recipe,reason,weights", p.to);
    for (size_t i = 0; i < LAC_COUNT(origin_keys); i++)
        fprintf(p.to, ",%s", origin_keys[i]);
    fputs(with_runs ? ",runs,spread" : "", p.to);
    fputc('\n', p.to);
    lac_status s = print_lines(p.to, t, with_runs);
    if (s == LAC_OK && t->published != NULL)
        s = print_lines(p.to, t->published, with_runs);
    return lac_print_close(&p, s, text);
}
