/* Where a table's numbers come from, as a fragment of a page. */
#include "core/html.h"
#include "core/print.h"
#include "eval/table_internal.h"

#include <string.h>

static void print_code(FILE *f, const char *what, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    fprintf(f, "<span>%s <code>", what);
    lac_html_text(f, text);
    fputs("</code></span>\n", f);
}

/* "weights NAME HASH", or of a model "weights of NAME, ROLE HASH". */
static void print_hash(FILE *f, const char *what, const char *name, const char *role, const json_t *hash)
{
    fprintf(f, "<span>%s", what);
    lac_html_text(f, name);
    fputs(role[0] != '\0' ? ", " : "", f);
    lac_html_text(f, role);
    fputs(" <code>", f);
    lac_html_text(f, json_string_value(hash));
    fputs("</code></span>\n", f);
}

/* ---- of a column ---- */

static void print_weights(FILE *f, const lac_table_column *c)
{
    const char *name;
    json_t *files, *hash;
    size_t i;
    json_object_foreach(c->weights, name, files)
        json_array_foreach(files, i, hash)
            print_hash(f, "weights ", name, "", hash);
}

/* "n 22", or "n 20 to 22". */
static void print_counts(FILE *f, const lac_table *t, int64_t column)
{
    int64_t low = INT64_MAX, high = -1;
    for (int64_t i = 0; i < t->n_rows; i++) {
        const lac_cell *c = lac_table_cell_at(t, i, column);
        low = c != NULL ? LAC_MIN(low, c->v.n) : low;
        high = c != NULL ? LAC_MAX(high, c->v.n) : high;
    }
    if (high >= 0 && low == high)
        fprintf(f, "<span>n %lld</span>\n", (long long)low);
    else if (high >= 0)
        fprintf(f, "<span>n %lld to %lld</span>\n", (long long)low, (long long)high);
}

static void print_column(FILE *f, const lac_table *t, int64_t column)
{
    const lac_table_column *c = &t->column[column];
    fputs("<div><dt>", f);
    lac_html_text(f, c->metric);
    fputs("</dt><dd>", f);
    print_code(f, "", c->recipe);
    print_weights(f, c);
    print_counts(f, t, column);
    fputs("</dd></div>\n", f);
}

/* ---- of an evaluation ---- */

static void print_methods(FILE *f, const lac_table *t, int64_t origin)
{
    int n = 0;
    for (int64_t i = 0; i < t->n_rows; i++)
        if (t->row[i].origin == origin) {
            fputs(n++ > 0 ? ", " : "", f);
            lac_html_text(f, t->row[i].name);
        }
}

static void print_number(FILE *f, const char *what, const json_t *v, int64_t least)
{
    if (json_is_integer(v) && json_integer_value(v) >= least)
        fprintf(f, "<span>%s %lld</span>\n", what, (long long)json_integer_value(v));
}

/* "weights of NAME, ROLE: SHA-256" of each model. */
static void print_models(FILE *f, const json_t *models)
{
    const char *name, *role;
    json_t *model, *hash;
    json_object_foreach((json_t *)models, name, model)
        json_object_foreach(json_object_get(model, "weights"), role, hash)
            print_hash(f, "weights of ", name, role, hash);
}

static void print_origin(FILE *f, const lac_table *t, int64_t k)
{
    static const struct { const char *key, *what; } words[] = {
        { "set", "set" }, { "split", "split" }, { "protocol", "protocol" }, { "view", "view" }, { "manifest", "pictures" }, { "selection", "objects" }, { "masks", "masks" },
        { "finished", "finished pictures" }, { "prompts", "prompts" }, { "version", "version" }, { "revision", "code" },
    };
    const json_t *o = json_array_get(t->origin, (size_t)k), *height = json_object_get(o, "height");
    fputs("<div><dt>", f);
    print_methods(f, t, k);
    fputs("</dt><dd>", f);
    print_models(f, json_object_get(o, "models"));
    for (size_t i = 0; i < LAC_COUNT(words); i++)
        print_code(f, words[i].what, json_string_value(json_object_get(o, words[i].key)));
    if (json_integer_value(height) > 0)
        fprintf(f, "<span>size %lldx%lld</span>\n", (long long)json_integer_value(json_object_get(o, "width")), (long long)json_integer_value(height));
    print_number(f, "seed", json_object_get(o, "seed"), 0);
    print_number(f, "limit", json_object_get(o, "limit"), 1);
    print_number(f, "JPEG files", json_object_get(o, "jpeg"), 1);
    fputs("</dd></div>\n", f);
}

static bool has_rows(const lac_table *t, int64_t origin)
{
    for (int64_t i = 0; i < t->n_rows; i++)
        if (t->row[i].origin == origin)
            return true;
    return false;
}

lac_status lac_table_origin_html(const lac_table *t, char **html)
{
    lac_print p;
    LAC_TRY(lac_print_open(&p, "where numbers come from"));
    fputs("<dl class=\"origin\">\n", p.to);
    for (int64_t k = 0; k < t->n_columns; k++)
        print_column(p.to, t, k);
    for (int64_t k = 0; k < (int64_t)json_array_size(t->origin); k++)
        if (has_rows(t, k))
            print_origin(p.to, t, k);
    fputs("</dl>\n", p.to);
    return lac_print_close(&p, LAC_OK, html);
}
