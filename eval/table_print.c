/* The four ways to write a lac_table. */
#include "core/memory.h"
#include "eval/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const lac_cell *cell_at(const lac_table *t, int64_t row, int64_t column)
{
    const lac_table_row *r = &t->row[row];
    return column < r->n_cells && r->cell[column].present ? &r->cell[column] : NULL;
}

/* The row with the best value of a column, -1 when there is no choice. */
static int64_t best_of(const lac_table *t, int64_t column)
{
    int64_t best = -1, n = 0;
    const double sign = t->column[column].higher_is_better ? 1 : -1;
    for (int64_t i = 0; i < t->n_rows; i++) {
        const lac_cell *c = cell_at(t, i, column);
        if (c == NULL || isnan(c->v.value))
            continue;
        n++;
        if (best < 0 || sign * c->v.value > sign * cell_at(t, best, column)->v.value)
            best = i;
    }
    return n > 1 ? best : -1;
}

/* Total variation has no better direction against nothing: it is not judged. */
static bool judged(const lac_table_column *c) { return strncmp(c->metric, "tv", 2) != 0; }

static void print_seen(FILE *f, const lac_table *t)
{
    fprintf(f, "%lld pictures", (long long)t->images);
    if (t->width > 0)
        fprintf(f, " of %lldx%lld", (long long)t->width, (long long)t->height);
    fprintf(f, ", %lld backgrounds, %lld objects; in brackets the 95 %% interval over backgrounds.", (long long)t->backgrounds,
            (long long)t->objects);
}

static void print_value(FILE *f, const lac_cell *c, int digits, const char *before, const char *after)
{
    if (c == NULL || isnan(c->v.value)) {
        fputs("-", f);
        return;
    }
    fprintf(f, "%s%.*f%s", before, digits, c->v.value, after);
    if (!isnan(c->v.low))
        fprintf(f, " [%.*f, %.*f]", digits, c->v.low, digits, c->v.high);
}

static void print_markdown_text(FILE *f, const char *s)
{
    for (; *s; s++)
        fprintf(f, *s == '|' ? "\\%c" : "%c", *s);
}

static void print_markdown(FILE *f, const lac_table *t)
{
    fputs("| method |", f);
    for (int64_t k = 0; k < t->n_columns; k++)
        fprintf(f, " %s%s |", t->column[k].metric, !judged(&t->column[k]) ? "" : t->column[k].higher_is_better ? " ↑" : " ↓");
    fputs("\n|---|", f);
    for (int64_t k = 0; k < t->n_columns; k++)
        fputs("---:|", f);
    for (int64_t i = 0; i < t->n_rows; i++) {
        fputs("\n| ", f);
        print_markdown_text(f, t->row[i].name);
        fputs(" |", f);
        for (int64_t k = 0; k < t->n_columns; k++) {
            const bool best = judged(&t->column[k]) && best_of(t, k) == i;
            fputc(' ', f);
            print_value(f, cell_at(t, i, k), t->column[k].digits, best ? "**" : "", best ? "**" : "");
            fputs(" |", f);
        }
    }
    fputs("\n\n", f);
    print_seen(f, t);
    fputc('\n', f);
}

static void print_csv_text(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++)
        fprintf(f, *s == '"' ? "\"%c" : "%c", *s);
    fputc('"', f);
}

static void print_csv_number(FILE *f, double x)
{
    if (isnan(x))
        fputc(',', f);
    else
        fprintf(f, ",%.17g", x);
}

static void print_csv(FILE *f, const lac_table *t)
{
    fputs("method,metric,value,low,high,n,recipe\n", f);
    for (int64_t i = 0; i < t->n_rows; i++)
        for (int64_t k = 0; k < t->n_columns; k++) {
            const lac_cell *c = cell_at(t, i, k);
            if (c == NULL)
                continue;
            print_csv_text(f, t->row[i].name);
            fprintf(f, ",%s", t->column[k].metric);
            print_csv_number(f, c->v.value);
            print_csv_number(f, c->v.low);
            print_csv_number(f, c->v.high);
            fprintf(f, ",%lld,", (long long)c->v.n);
            print_csv_text(f, t->column[k].recipe);
            fputc('\n', f);
        }
}

static void print_html_text(FILE *f, const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '&': fputs("&amp;", f); break;
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '"': fputs("&quot;", f); break;
        default: fputc(*s, f);
        }
}

static void print_html_head(FILE *f, const lac_table *t)
{
    fputs("<table class=\"scores\">\n<thead><tr><th>method</th>", f);
    for (int64_t k = 0; k < t->n_columns; k++) {
        fputs("<th title=\"", f);
        print_html_text(f, t->column[k].recipe);
        fputs("\">", f);
        print_html_text(f, t->column[k].metric);
        fprintf(f, "%s</th>", !judged(&t->column[k]) ? "" : t->column[k].higher_is_better ? " &uarr;" : " &darr;");
    }
    fputs("</tr></thead>\n<tbody>\n", f);
}

static void print_html(FILE *f, const lac_table *t)
{
    print_html_head(f, t);
    for (int64_t i = 0; i < t->n_rows; i++) {
        fputs("<tr><th>", f);
        print_html_text(f, t->row[i].name);
        fputs("</th>", f);
        for (int64_t k = 0; k < t->n_columns; k++) {
            const bool best = judged(&t->column[k]) && best_of(t, k) == i;
            fputs("<td>", f);
            print_value(f, cell_at(t, i, k), t->column[k].digits, best ? "<b>" : "", best ? "</b>" : "");
            fputs("</td>", f);
        }
        fputs("</tr>\n", f);
    }
    fputs("</tbody>\n</table>\n<p class=\"note\">", f);
    print_seen(f, t);
    fputs("</p>\n", f);
}

static lac_status print(const lac_table *t, char **text, void (*how)(FILE *f, const lac_table *t))
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&bytes, &size);
    if (f == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory for a table of %lld rows", (long long)t->n_rows);
    how(f, t);
    const bool bad = ferror(f) != 0;
    if (fclose(f) != 0 || bad) {
        free(bytes);
        return LAC_FAIL(LAC_ERR_MEM, "out of memory for a table of %lld rows", (long long)t->n_rows);
    }
    return *text = bytes, LAC_OK;
}

lac_status lac_table_markdown(const lac_table *t, char **text) { return print(t, text, print_markdown); }
lac_status lac_table_csv(const lac_table *t, char **text) { return print(t, text, print_csv); }
lac_status lac_table_html(const lac_table *t, char **text) { return print(t, text, print_html); }

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

lac_status lac_table_json(const lac_table *t, json_t **list)
{
    json_t *all = json_array();
    for (int64_t i = 0; i < t->n_rows; i++)
        for (int64_t k = 0; k < t->n_columns; k++) {
            const lac_cell *c = cell_at(t, i, k);
            if (c != NULL)
                json_array_append_new(all, json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:s}", "method", t->row[i].name, "metric",
                                                     t->column[k].metric, "value", number(c->v.value), "low", number(c->v.low),
                                                     "high", number(c->v.high), "n", (json_int_t)c->v.n, "recipe", t->column[k].recipe));
        }
    return *list = all, LAC_OK;
}
