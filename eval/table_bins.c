/* Means by size of the hole, as a fragment of a page: a table for each metric of single pictures. */
#include "core/html.h"
#include "core/memory.h"
#include "core/print.h"
#include "eval/bins.h"
#include "eval/table_internal.h"

#include <math.h>
#include <stdlib.h>

/* The bin of a row that begins at b tenths; NULL: no picture is in it. */
static const json_t *bin_at(const lac_table_row *row, int b)
{
    size_t i;
    json_t *bin;
    json_array_foreach(row->area, i, bin)
        if (lround(10 * json_number_value(json_object_get(bin, "from"))) == b)
            return bin;
    return NULL;
}

static const json_t *value_in(const json_t *bin, const char *metric) { return json_object_get(json_object_get(bin, "metrics"), metric); }

static lac_status add_column(lac_table *t, const lac_table *of, int64_t k, int b)
{
    const lac_table_column *c = &of->column[k];
    bool some = false;
    for (int64_t i = 0; i < of->n_rows; i++)
        some |= value_in(bin_at(&of->row[i], b), c->metric) != NULL;
    if (!some)
        return LAC_OK;
    char *name;
    LAC_TRY(lac_format(&name, "%d to %d %%", 10 * b, 10 * b + 10));
    const lac_table_column like = { .metric = name, .recipe = c->recipe, .digits = c->digits, .higher_is_better = c->higher_is_better, .no_direction = c->no_direction };
    lac_status s = lac_table_new_column(t, &like);
    free(name);
    for (int64_t i = 0; s == LAC_OK && i < of->n_rows; i++) {
        const json_t *told = value_in(bin_at(&of->row[i], b), c->metric);
        const json_t *mean = json_object_get(told, "mean");
        const lac_interval v = { json_is_number(mean) ? json_number_value(mean) : NAN, NAN, NAN, json_integer_value(json_object_get(told, "n")), 0 };
        s = told != NULL ? lac_table_set(&t->row[i], t->n_columns - 1, &v, NULL) : LAC_OK;
    }
    return s;
}

static lac_status fill(lac_table *t, const lac_table *of, int64_t k)
{
    for (int64_t i = 0; i < of->n_rows; i++) {
        lac_table_row *row;
        LAC_TRY(lac_table_new_row(t, of->row[i].name, &row));
    }
    for (int b = 0; b < LAC_BINS; b++)
        LAC_TRY(add_column(t, of, k, b));
    return LAC_OK;
}

static lac_status print_metric(FILE *f, const lac_table *of, int64_t k, int64_t *shown)
{
    lac_table t = { .kind = LAC_TABLE_BINS };
    char *html = NULL;
    lac_status s = fill(&t, of, k);
    if (s == LAC_OK && t.n_columns > 0)
        s = lac_table_html(&t, &html);
    if (s == LAC_OK && html != NULL) {
        fprintf(f, "<details%s><summary>", (*shown)++ == 0 ? " open" : "");
        lac_html_text(f, of->column[k].metric);
        fprintf(f, "</summary>\n%s</details>\n", html);
    }
    free(html);
    lac_table_free(&t);
    return s;
}

lac_status lac_table_bins_html(const lac_table *t, char **html)
{
    lac_print p;
    int64_t shown = 0;
    *html = NULL;
    LAC_TRY(lac_print_open(&p, "values by size of the hole"));
    lac_status s = LAC_OK;
    for (int64_t k = 0; s == LAC_OK && k < t->n_columns; k++)
        s = print_metric(p.to, t, k, &shown);
    s = lac_print_close(&p, s, html);
    if (shown == 0) {
        free(*html);
        *html = NULL;
    }
    return s;
}
