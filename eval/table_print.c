/* A lac_table to be read by people: Markdown, LaTeX and HTML, which differ in what stands around things. */
#include "core/html.h"
#include "core/print.h"
#include "eval/table_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What stands around a line, its name, the name of a column, a value, a source, the word above sources, the best value and the next, an interval, a note; NULL: nothing. */
typedef const char *around[2];

typedef struct form {
    around row, name, head, cell, source, source_head, best, second, range, note;
    const char *spread, *plus_minus;        /* behind a mean of several runs; and what of it is said in a note */
    const char *up, *down;                  /* behind the name of a metric that is better so */
    void (*text)(FILE *f, const char *s);
    void (*begin)(FILE *f, const lac_table *t);
    void (*after_head)(FILE *f, const lac_table *t);
    void (*attributes)(FILE *f, const lac_table *t, int64_t row, int64_t column);      /* of a cell, ending it; row < 0: of a column's name. NULL: none */
    const char *end, *between;              /* behind a table's rows; between notes and the table of published rows */
    const char *verdict;                    /* before the note on differences; NULL: as before any */
    bool recipes;                           /* a note for each column says its recipe */
} form;

static void put(FILE *f, const char *s) { fputs(s != NULL ? s : "", f); }

/* ---- which values are marked ---- */

typedef enum { PLAIN, BEST, SECOND } mark;

static bool better(const lac_table *t, int64_t column, int64_t a, int64_t b)
{
    const double x = lac_table_cell_at(t, a, column)->v.value, y = lac_table_cell_at(t, b, column)->v.value;
    return t->column[column].higher_is_better ? x > y : x < y;
}

/* The best of two and more, and of three and more the next. */
static mark place_of(const lac_table *t, int64_t row, int64_t column)
{
    int64_t best = -1, second = -1, n = 0;
    for (int64_t i = 0; !t->column[column].no_direction && i < t->n_rows && t->row[i].source == NULL; i++) {
        const lac_cell *c = lac_table_cell_at(t, i, column);
        if (c == NULL || isnan(c->v.value))
            continue;
        n++;
        if (best < 0 || better(t, column, i, best)) {
            second = best;
            best = i;
        } else if (second < 0 || better(t, column, i, second))
            second = i;
    }
    return n > 1 && row == best ? BEST : n > 2 && row == second ? SECOND : PLAIN;
}

/* Of a difference whose interval leaves out 0: the first is better, or the second is. */
static mark winner_of(const lac_table *t, const lac_cell *c, int64_t column)
{
    const bool sure = c->v.low > 0 || c->v.high < 0;
    return !sure || t->column[column].no_direction ? PLAIN : (c->v.value > 0) == t->column[column].higher_is_better ? BEST : SECOND;
}

static mark mark_of(const lac_table *t, int64_t row, int64_t column)
{
    const lac_cell *c = lac_table_cell_at(t, row, column);
    return c == NULL || isnan(c->v.value) ? PLAIN : t->kind == LAC_TABLE_DIFFERENCES ? winner_of(t, c, column) : place_of(t, row, column);
}

/* ---- lines ---- */

static void print_value(FILE *f, const lac_table *t, int64_t row, int64_t column, const form *how)
{
    static const around nothing = { "", "" };
    const lac_cell *c = lac_table_cell_at(t, row, column);
    if (c == NULL || isnan(c->v.value)) {
        fputs("-", f);
        return;
    }
    const mark m = mark_of(t, row, column);
    const around *marked = m == BEST ? &how->best : m == SECOND ? &how->second : &nothing;
    const int digits = t->column[column].digits;
    put(f, (*marked)[0]);
    fprintf(f, t->kind == LAC_TABLE_DIFFERENCES ? "%+.*f" : "%.*f", digits, c->v.value);
    put(f, (*marked)[1]);
    if (t->row[row].runs > 1 && !isnan(c->spread))
        fprintf(f, how->spread, digits, c->spread);
    if (isnan(c->v.low))
        return;
    put(f, how->range[0]);
    fprintf(f, "[%.*f, %.*f]", digits, c->v.low, digits, c->v.high);
    put(f, how->range[1]);
}

static void print_text(FILE *f, const around a, const char *text, const form *how)
{
    put(f, a[0]);
    how->text(f, text);
    put(f, a[1]);
}

static void print_column_name(FILE *f, const lac_table_column *c, const lac_table *t, const form *how)
{
    how->text(f, c->metric);
    if (!c->no_direction && t->kind == LAC_TABLE_SCORES)
        put(f, c->higher_is_better ? how->up : how->down);
}

/* Row row; -1 is the head. */
static void print_row(FILE *f, const lac_table *t, int64_t row, const form *how)
{
    const bool head = row < 0, published = lac_table_is_published(t);
    put(f, how->row[0]);
    put(f, how->name[0]);
    how->text(f, !head ? t->row[row].name : published ? "published" : t->kind == LAC_TABLE_DIFFERENCES ? "difference" : "method");
    if (!head && t->row[row].runs > 0)
        fprintf(f, t->row[row].runs > 1 ? " (%lld seeds)" : " (1 seed)", (long long)t->row[row].runs);
    put(f, how->name[1]);
    for (int64_t k = 0; k < t->n_columns; k++) {
        put(f, head ? how->head[0] : how->cell[0]);
        if (how->attributes != NULL)
            how->attributes(f, t, row, k);
        if (head)
            print_column_name(f, &t->column[k], t, how);
        else
            print_value(f, t, row, k, how);
        put(f, head ? how->head[1] : how->cell[1]);
    }
    if (published)
        print_text(f, head ? how->source_head : how->source, head ? "source" : t->row[row].source, how);
    put(f, how->row[1]);
}

static void print_rows(FILE *f, const lac_table *t, const form *how)
{
    if (how->begin != NULL)
        how->begin(f, t);
    print_row(f, t, -1, how);
    how->after_head(f, t);
    for (int64_t i = 0; i < t->n_rows; i++)
        print_row(f, t, i, how);
    put(f, how->end);
}

/* ---- notes ---- */

static void print_seen(FILE *f, const lac_table *t, const form *how)
{
    put(f, how->note[0]);
    fprintf(f, t->of_rounds ? "%lld rounds in which the methods took turns, a picture" : "%lld pictures", (long long)t->images);
    if (t->width > 0)
        fprintf(f, " of %lldx%lld", (long long)t->width, (long long)t->height);
    if (t->of_rounds)
        fputs("; in brackets the least and the greatest.", f);
    else if (t->of_pairs)
        fputs("; in brackets the 95 % interval over pictures.", f);
    else {
        fprintf(f, ", %lld backgrounds", (long long)t->backgrounds);
        if (t->objects > 0)
            fprintf(f, ", %lld objects", (long long)t->objects);
        fputs("; in brackets the 95 % interval over backgrounds.", f);
    }
    if (lac_table_has_runs(t))
        fprintf(f, " Of several seeds: the mean of their values,%s their standard deviation; the interval resamples backgrounds, the same for all seeds.", how->plus_minus);
    put(f, how->note[1]);
}

static void print_differences_seen(FILE *f, const form *how)
{
    put(f, how->verdict != NULL ? how->verdict : how->note[0]);
    fputs("Means of picture by picture differences, in brackets their 95 % interval; marked where that leaves out 0: ", f);
    fprintf(f, "%sthe first is better%s, %sthe second is%s.", how->best[0], how->best[1], how->second[0], how->second[1]);
    put(f, how->note[1]);
}

/* Whether a cell is not the whole truth: it has no value, or one of other pictures than those that were seen. */
static bool is_doubtful(const lac_table *t, const lac_cell *c) { return c != NULL && (isnan(c->v.value) || c->v.n != t->images); }

static const char *reason_of(const lac_cell *c) { return !isnan(c->v.value) ? "" : c->reason != NULL ? c->reason : "no picture has a value"; }

static bool same_doubt(const lac_table *t, int64_t column, int64_t a, int64_t b)
{
    const lac_cell *x = lac_table_cell_at(t, a, column), *y = lac_table_cell_at(t, b, column);
    return is_doubtful(t, x) && is_doubtful(t, y) && isnan(x->v.value) == isnan(y->v.value) && strcmp(reason_of(x), reason_of(y)) == 0 && (isnan(x->v.value) || x->v.n == y->v.n);
}

/* "METRIC of NAME, NAME ..." of those rows from `first` on that share its doubt. */
static void print_doubt(FILE *f, const lac_table *t, int64_t first, int64_t column, const form *how)
{
    const lac_cell *c = lac_table_cell_at(t, first, column);
    put(f, how->note[0]);
    how->text(f, t->column[column].metric);
    for (int64_t i = first; i < t->n_rows; i++)
        if (same_doubt(t, column, first, i)) {
            fputs(i == first ? " of " : ", ", f);
            how->text(f, t->row[i].name);
        }
    if (isnan(c->v.value)) {
        fputs(" is undefined: ", f);
        how->text(f, reason_of(c));
    } else
        fprintf(f, ": n %lld", (long long)c->v.n);
    put(f, how->note[1]);
}

static void print_doubts(FILE *f, const lac_table *t, int64_t column, const form *how)
{
    for (int64_t i = 0; i < t->n_rows; i++) {
        bool told = !is_doubtful(t, lac_table_cell_at(t, i, column));
        for (int64_t k = 0; k < i && !told; k++)
            told = same_doubt(t, column, k, i);
        if (!told)
            print_doubt(f, t, i, column, how);
    }
}

static void print_recipe(FILE *f, const lac_table_column *c, const form *how)
{
    char *weights = NULL;
    put(f, how->note[0]);
    how->text(f, c->metric);
    fputs(": ", f);
    how->text(f, c->recipe);
    if (lac_table_weights_text(c, &weights) == LAC_OK && weights[0] != '\0') {
        fputs(", ", f);
        how->text(f, weights);
    }
    free(weights);
    put(f, how->note[1]);
}

static void print_notes(FILE *f, const lac_table *t, const form *how)
{
    if (t->kind == LAC_TABLE_DIFFERENCES)
        print_differences_seen(f, how);
    if (t->kind != LAC_TABLE_SCORES)
        return;
    print_seen(f, t, how);
    for (int64_t k = 0; k < t->n_columns; k++)
        print_doubts(f, t, k, how);
    for (int64_t k = 0; how->recipes && k < t->n_columns; k++)
        print_recipe(f, &t->column[k], how);
}

static void print_table(FILE *f, const lac_table *t, const form *how)
{
    static const char as_published[] = "As published, not measured here: whether recipes, pictures and masks are the same is not known.";
    print_rows(f, t, how);
    print_notes(f, t, how);
    if (t->published == NULL)
        return;
    put(f, how->between);
    print_rows(f, t->published, how);
    print_text(f, how->note, as_published, how);
}

static lac_status print(const lac_table *t, const form *how, char **text)
{
    lac_print to;
    LAC_TRY(lac_print_open(&to, "a table"));
    print_table(to.to, t, how);
    return lac_print_close(&to, LAC_OK, text);
}

/* ---- Markdown ---- */

static void print_markdown_text(FILE *f, const char *s)
{
    for (; *s; s++)
        fprintf(f, *s == '|' ? "\\%c" : "%c", *s);
}

static void rule_markdown(FILE *f, const lac_table *t)
{
    fputs("|---|", f);
    for (int64_t k = 0; k < t->n_columns; k++)
        fputs("---:|", f);
    fputs(lac_table_is_published(t) ? "---|\n" : "\n", f);
}

static const form in_markdown = { .row = { "|", "\n" }, .name = { " ", " |" }, .head = { " ", " |" }, .cell = { " ", " |" }, .source = { " ", " |" }, .source_head = { " ", " |" }, .best = { "**", "**" },
                                  .second = { "_", "_" }, .range = { " ", "" }, .note = { "- ", "\n" }, .spread = " ± %.*f", .plus_minus = " ±", .up = " ↑", .down = " ↓", .text = print_markdown_text,
                                  .after_head = rule_markdown, .end = "\n", .between = "\n", .recipes = true };

/* ---- LaTeX, with booktabs' rules ---- */

static void print_latex_text(FILE *f, const char *s)
{
    static const char minus[] = "−";
    for (; *s; s++)
        if (strncmp(s, minus, sizeof minus - 1) == 0) {
            fputs("$-$", f);
            s += sizeof minus - 2;
        } else if (strchr("&%$#_{}", *s) != NULL)
            fprintf(f, "\\%c", *s);
        else if (*s == '\\' || *s == '~' || *s == '^')
            fprintf(f, "\\text%s{}", *s == '\\' ? "backslash" : *s == '~' ? "asciitilde" : "asciicircum");
        else
            fputc(*s, f);
}

static void begin_latex(FILE *f, const lac_table *t)
{
    fputs("\\begin{tabular}{l", f);
    for (int64_t k = 0; k < t->n_columns; k++)
        fputc('r', f);
    fputs(lac_table_is_published(t) ? "l}\n\\toprule\n" : "}\n\\toprule\n", f);
}

static void rule_latex(FILE *f, const lac_table *t)
{
    (void)t;
    fputs("\\midrule\n", f);
}

static const form in_latex = { .row = { "", " \\\\\n" }, .head = { " & ", "" }, .cell = { " & ", "" }, .source = { " & ", "" }, .source_head = { " & ", "" }, .best = { "\\textbf{", "}" },
                               .second = { "\\underline{", "}" }, .range = { " {\\scriptsize ", "}" }, .note = { "% ", "\n" }, .spread = " $\\pm$ %.*f", .plus_minus = " +-", .up = " $\\uparrow$", .down = " $\\downarrow$",
                               .text = print_latex_text, .begin = begin_latex, .after_head = rule_latex, .end = "\\bottomrule\n\\end{tabular}\n", .recipes = true };

/* ---- HTML ---- */

static void begin_html(FILE *f, const lac_table *t)
{
    (void)t;
    fputs("<table class=\"scores\">\n<thead>", f);
}

static void end_head_html(FILE *f, const lac_table *t)
{
    (void)t;
    fputs("</thead>\n<tbody>\n", f);
}

static void attributes_html(FILE *f, const lac_table *t, int64_t row, int64_t column)
{
    static const char *const class[] = { [PLAIN] = "", [BEST] = " class=\"for\"", [SECOND] = " class=\"against\"" };
    const lac_cell *c = row >= 0 ? lac_table_cell_at(t, row, column) : NULL;
    if (row < 0) {
        fputs(" title=\"", f);
        lac_html_text(f, t->column[column].recipe);
        fputc('"', f);
    } else if (c != NULL && !isnan(c->v.value)) {
        fprintf(f, " data-value=\"%.17g\"", c->v.value);
        if (!lac_table_is_published(t))
            fprintf(f, " title=\"n %lld\"%s", (long long)c->v.n, t->kind == LAC_TABLE_DIFFERENCES ? class[mark_of(t, row, column)] : "");
    } else if (c != NULL) {
        fputs(" title=\"", f);
        lac_html_text(f, reason_of(c));
        fputc('"', f);
    }
    fputc('>', f);
}

static const form in_html = { .row = { "<tr>", "</tr>\n" }, .name = { "<th>", "</th>" }, .head = { "<th", "</th>" }, .cell = { "<td", "</td>" }, .source = { "<td class=\"text\">", "</td>" }, .source_head = { "<th class=\"text\">", "</th>" },
                              .best = { "<b>", "</b>" }, .second = { "<u>", "</u>" }, .range = { " <span class=\"range\">", "</span>" }, .note = { "<p class=\"note\">", "</p>\n" },
                              .spread = " ± %.*f", .plus_minus = " ±", .up = " ↑", .down = " ↓", .text = lac_html_text, .begin = begin_html, .after_head = end_head_html, .attributes = attributes_html,
                              .end = "</tbody>\n</table>\n", .verdict = "<p class=\"note verdict\">" };

lac_status lac_table_markdown(const lac_table *t, char **text) { return print(t, &in_markdown, text); }
lac_status lac_table_latex(const lac_table *t, char **text) { return print(t, &in_latex, text); }
lac_status lac_table_html(const lac_table *t, char **text) { return print(t, &in_html, text); }
