/* The ways to write a lac_table. */
#include "core/html.h"
#include "core/print.h"
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

/* Which rows have the best value of a column and the next; -1 where there is no such row, or nothing to choose between. */
typedef struct podium { int64_t best, second; } podium;

static bool better(const lac_table *t, int64_t column, int64_t a, int64_t b)
{
    const double x = cell_at(t, a, column)->v.value, y = cell_at(t, b, column)->v.value;
    return t->column[column].higher_is_better ? x > y : x < y;
}

static podium podium_of(const lac_table *t, int64_t column)
{
    podium p = { -1, -1 };
    int64_t n = 0;
    for (int64_t i = 0; !t->column[column].no_direction && i < t->n_rows && t->row[i].source == NULL; i++) {
        const lac_cell *c = cell_at(t, i, column);
        if (c == NULL || isnan(c->v.value))
            continue;
        n++;
        if (p.best < 0 || better(t, column, i, p.best))
            p = (podium){ i, p.best };
        else if (p.second < 0 || better(t, column, i, p.second))
            p.second = i;
    }
    return n > 2 ? p : (podium){ n > 1 ? p.best : -1, -1 };
}

static const char *arrow(const lac_table_column *c, const char *up, const char *down)
{
    return c->no_direction ? "" : c->higher_is_better ? up : down;
}

static void print_seen(FILE *f, const lac_table *t)
{
    fprintf(f, "%lld pictures", (long long)t->images);
    if (t->width > 0)
        fprintf(f, " of %lldx%lld", (long long)t->width, (long long)t->height);
    fprintf(f, ", %lld backgrounds, %lld objects; in brackets the 95 %% interval over backgrounds.", (long long)t->backgrounds,
            (long long)t->objects);
}

static const char as_published[] = "As published, not measured here: whether recipes, pictures and masks are the same is not known.";

/* How a form marks the best value of a column and the next, and what stands around an interval. */
typedef struct marks { const char *best[2], *second[2], *range[2]; } marks;

static void print_value(FILE *f, const lac_table *t, int64_t row, int64_t column, const marks *m)
{
    static const char *const none[2] = { "", "" };
    const lac_cell *c = cell_at(t, row, column);
    if (c == NULL || isnan(c->v.value)) {
        fputs("-", f);
        return;
    }
    const podium p = podium_of(t, column);
    const char *const *mark = p.best == row ? m->best : p.second == row ? m->second : none;
    const int digits = t->column[column].digits;
    fprintf(f, "%s%.*f%s", mark[0], digits, c->v.value, mark[1]);
    if (!isnan(c->v.low))
        fprintf(f, "%s[%.*f, %.*f]%s", m->range[0], digits, c->v.low, digits, c->v.high, m->range[1]);
}

static void print_markdown_text(FILE *f, const char *s)
{
    for (; *s; s++)
        fprintf(f, *s == '|' ? "\\%c" : "%c", *s);
}

static const marks in_markdown = { { "**", "**" }, { "_", "_" }, { " ", "" } };

/* Whether its rows are what others printed. */
static bool is_published(const lac_table *t) { return t->n_rows > 0 && t->row[0].source != NULL; }

static void print_markdown_rows(FILE *f, const lac_table *t)
{
    fputs(is_published(t) ? "| published |" : "| method |", f);
    for (int64_t k = 0; k < t->n_columns; k++)
        fprintf(f, " %s%s |", t->column[k].metric, arrow(&t->column[k], " ↑", " ↓"));
    fputs(is_published(t) ? " source |" : "", f);
    fputs("\n|---|", f);
    for (int64_t k = 0; k < t->n_columns; k++)
        fputs("---:|", f);
    fputs(is_published(t) ? "---|" : "", f);
    for (int64_t i = 0; i < t->n_rows; i++) {
        fputs("\n| ", f);
        print_markdown_text(f, t->row[i].name);
        fputs(" |", f);
        for (int64_t k = 0; k < t->n_columns; k++) {
            fputc(' ', f);
            print_value(f, t, i, k, &in_markdown);
            fputs(" |", f);
        }
        if (t->row[i].source != NULL) {
            fputc(' ', f);
            print_markdown_text(f, t->row[i].source);
            fputs(" |", f);
        }
    }
    fputs("\n\n", f);
}

static void print_markdown(FILE *f, const lac_table *t)
{
    print_markdown_rows(f, t);
    print_seen(f, t);
    fputc('\n', f);
    if (t->published != NULL) {
        fputc('\n', f);
        print_markdown_rows(f, t->published);
        fprintf(f, "%s\n", as_published);
    }
}

/* ---- LaTeX ---- */

static void print_latex_text(FILE *f, const char *s)
{
    for (; *s; s++)
        if (strchr("&%$#_{}", *s) != NULL)
            fprintf(f, "\\%c", *s);
        else if (*s == '\\' || *s == '~' || *s == '^')
            fprintf(f, "\\text%s{}", *s == '\\' ? "backslash" : *s == '~' ? "asciitilde" : "asciicircum");
        else
            fputc(*s, f);
}

static const marks in_latex = { { "\\textbf{", "}" }, { "\\underline{", "}" }, { " {\\scriptsize ", "}" } };

/* Rules are booktabs'. */
static void print_latex_rows(FILE *f, const lac_table *t)
{
    fputs("\\begin{tabular}{l", f);
    for (int64_t k = 0; k < t->n_columns; k++)
        fputc('r', f);
    fputs(is_published(t) ? "l}\n\\toprule\npublished" : "}\n\\toprule\nmethod", f);
    for (int64_t k = 0; k < t->n_columns; k++) {
        fputs(" & ", f);
        print_latex_text(f, t->column[k].metric);
        fputs(arrow(&t->column[k], " $\\uparrow$", " $\\downarrow$"), f);
    }
    fputs(is_published(t) ? " & source" : "", f);
    fputs(" \\\\\n\\midrule\n", f);
    for (int64_t i = 0; i < t->n_rows; i++) {
        print_latex_text(f, t->row[i].name);
        for (int64_t k = 0; k < t->n_columns; k++) {
            fputs(" & ", f);
            print_value(f, t, i, k, &in_latex);
        }
        if (t->row[i].source != NULL) {
            fputs(" & ", f);
            print_latex_text(f, t->row[i].source);
        }
        fputs(" \\\\\n", f);
    }
    fputs("\\bottomrule\n\\end{tabular}\n", f);
}

static void print_latex(FILE *f, const lac_table *t)
{
    print_latex_rows(f, t);
    fputs("% ", f);
    for (int64_t k = 0; k < t->n_columns; k++)
        fprintf(f, "%s: %s; ", t->column[k].metric, t->column[k].recipe);
    print_seen(f, t);
    fputc('\n', f);
    if (t->published != NULL) {
        print_latex_rows(f, t->published);
        fprintf(f, "%% %s\n", as_published);
    }
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

enum { RECIPE = 600 };

/* What a value's recipe is called: of a published one nothing but its source is known. */
static const char *recipe_of(const lac_table *t, int64_t row, int64_t column, char text[RECIPE])
{
    if (t->row[row].source == NULL)
        return t->column[column].recipe;
    snprintf(text, RECIPE, "published: %s", t->row[row].source);
    return text;
}

static void print_csv_rows(FILE *f, const lac_table *t)
{
    char recipe[RECIPE];
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
            print_csv_text(f, recipe_of(t, i, k, recipe));
            fputc('\n', f);
        }
}

static void print_csv(FILE *f, const lac_table *t)
{
    fputs("method,metric,value,low,high,n,recipe\n", f);
    print_csv_rows(f, t);
    if (t->published != NULL)
        print_csv_rows(f, t->published);
}

static void print_html_head(FILE *f, const lac_table *t)
{
    fprintf(f, "<table class=\"scores\">\n<thead><tr><th>%s</th>", is_published(t) ? "published" : "method");
    for (int64_t k = 0; k < t->n_columns; k++) {
        fputs("<th title=\"", f);
        lac_html_text(f, t->column[k].recipe);
        fputs("\">", f);
        lac_html_text(f, t->column[k].metric);
        fprintf(f, "%s</th>", arrow(&t->column[k], " &uarr;", " &darr;"));
    }
    fprintf(f, "%s</tr></thead>\n<tbody>\n", is_published(t) ? "<th>source</th>" : "");
}

static const marks in_html = { { "<b>", "</b>" }, { "<u>", "</u>" }, { " <span class=\"range\">", "</span>" } };

static void print_html_rows(FILE *f, const lac_table *t)
{
    print_html_head(f, t);
    for (int64_t i = 0; i < t->n_rows; i++) {
        fputs("<tr><th>", f);
        lac_html_text(f, t->row[i].name);
        fputs("</th>", f);
        for (int64_t k = 0; k < t->n_columns; k++) {
            const lac_cell *c = cell_at(t, i, k);
            fputs("<td", f);
            if (c != NULL && !isnan(c->v.value))
                fprintf(f, " data-value=\"%.17g\"", c->v.value);
            fputc('>', f);
            print_value(f, t, i, k, &in_html);
            fputs("</td>", f);
        }
        if (t->row[i].source != NULL) {
            fputs("<td>", f);
            lac_html_text(f, t->row[i].source);
            fputs("</td>", f);
        }
        fputs("</tr>\n", f);
    }
    fputs("</tbody>\n</table>\n<p class=\"note\">", f);
}

static void print_html(FILE *f, const lac_table *t)
{
    print_html_rows(f, t);
    print_seen(f, t);
    fputs("</p>\n", f);
    if (t->published != NULL) {
        print_html_rows(f, t->published);
        fprintf(f, "%s</p>\n", as_published);
    }
}

static lac_status print(const lac_table *t, char **text, void (*how)(FILE *f, const lac_table *t))
{
    lac_print to;
    LAC_TRY(lac_print_open(&to, "a table"));
    how(to.to, t);
    return lac_print_close(&to, LAC_OK, text);
}

lac_status lac_table_markdown(const lac_table *t, char **text) { return print(t, text, print_markdown); }
lac_status lac_table_csv(const lac_table *t, char **text) { return print(t, text, print_csv); }
lac_status lac_table_latex(const lac_table *t, char **text) { return print(t, text, print_latex); }
lac_status lac_table_html(const lac_table *t, char **text) { return print(t, text, print_html); }

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static void add_json(json_t *all, const lac_table *t)
{
    char recipe[RECIPE];
    for (int64_t i = 0; i < t->n_rows; i++)
        for (int64_t k = 0; k < t->n_columns; k++) {
            const lac_cell *c = cell_at(t, i, k);
            if (c != NULL)
                json_array_append_new(all, json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:s}", "method", t->row[i].name, "metric",
                                                     t->column[k].metric, "value", number(c->v.value), "low", number(c->v.low),
                                                     "high", number(c->v.high), "n", (json_int_t)c->v.n, "recipe",
                                                     recipe_of(t, i, k, recipe)));
        }
}

lac_status lac_table_json(const lac_table *t, json_t **list)
{
    *list = json_array();
    add_json(*list, t);
    if (t->published != NULL)
        add_json(*list, t->published);
    return LAC_OK;
}
