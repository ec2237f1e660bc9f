#include "eval/difference.h"

#include "core/html.h"
#include "core/memory.h"
#include "core/print.h"

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
static lac_interval as_summarised(const lac_pictures *p, const char *a, const char *b, const char *metric)
{
    size_t i;
    json_t *d;
    json_array_foreach(p->difference, i, d)
        if (is(d, "metric", metric) && is(d, "a", a) && is(d, "b", b))
            return (lac_interval){ real_at(d, "value"), real_at(d, "low"), real_at(d, "high"), json_integer_value(json_object_get(d, "n")), 0 };
    return (lac_interval){ NAN, NAN, NAN, 0, 0 };
}

/* An interval on one side of 0 is marked: for a, or against it. */
static void print_cell(FILE *f, const lac_interval *v, int digits, int better)
{
    const bool sure = v->low > 0 || v->high < 0;
    if (isnan(v->value)) {
        fputs("<td>-</td>", f);
        return;
    }
    fprintf(f, "<td data-value=\"%.17g\"%s>%+.*f", v->value, !sure || better == 0 ? "" : v->value * better > 0 ? " class=\"for\"" : " class=\"against\"", digits, v->value);
    if (!isnan(v->low))
        fprintf(f, " <span class=\"range\">[%.*f, %.*f]</span>", digits, v->low, digits, v->high);
    fputs("</td>", f);
}

static lac_status print_pair(FILE *f, const lac_pictures *p, const char *a, const char *b)
{
    size_t i;
    json_t *metric;
    fputs("<tr><th>", f);
    lac_html_text(f, a);
    fputs(" &minus; ", f);
    lac_html_text(f, b);
    fputs("</th>", f);
    json_array_foreach(p->metric, i, metric) {
        const char *name = json_string_value(json_object_get(metric, "name"));
        lac_interval v = as_summarised(p, a, b, name);
        if (v.n == 0)
            LAC_TRY(lac_difference(p, a, b, name, &v));
        print_cell(f, &v, (int)json_integer_value(json_object_get(metric, "digits")), (int)json_integer_value(json_object_get(metric, "better")));
    }
    fputs("</tr>\n", f);
    return LAC_OK;
}

static const char *method_at(const lac_pictures *p, size_t i) { return json_string_value(json_array_get(p->method, i)); }

static lac_status print_table(FILE *f, const lac_pictures *p)
{
    const size_t n = json_array_size(p->method), first = n <= LAC_DIFFERENCE_ALL ? n : 1;
    size_t i;
    json_t *metric;
    fputs("<table class=\"scores\">\n<thead><tr><th>difference</th>", f);
    json_array_foreach(p->metric, i, metric) {
        fputs("<th>", f);
        lac_html_text(f, json_string_value(json_object_get(metric, "name")));
        fputs("</th>", f);
    }
    fputs("</tr></thead>\n<tbody>\n", f);
    for (size_t a = 0; a < first; a++)
        for (size_t b = a + 1; b < n; b++)
            LAC_TRY(print_pair(f, p, method_at(p, a), method_at(p, b)));
    fputs("</tbody>\n</table>\n<p class=\"note\">Means of picture by picture differences, in brackets the 95 % interval over backgrounds; "
          "marked where that leaves out 0: <span class=\"for\">the first is better</span>, <span class=\"against\">the second is</span>.</p>\n", f);
    return LAC_OK;
}

lac_status lac_differences_html(const lac_pictures *p, char **html)
{
    lac_print to;
    *html = NULL;
    if (json_array_size(p->method) < 2)
        return LAC_OK;
    LAC_TRY(lac_print_open(&to, "a table of differences"));
    return lac_print_close(&to, print_table(to.to, p), html);
}
