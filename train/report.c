#include "train/report.h"

#include "core/file/atomic.h"
#include "core/html.h"
#include "core/memory.h"
#include "train/chart.h"
#include "train/report_samples.h"
#include "train/report.css.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CURVES = 24, MAX_CONFIG = 1 << 22 };

static void print_head(FILE *f, const lac_report *r)
{
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>", f);
    lac_html_text(f, r->title);
    fputs("</title>\n<style>\n", f);
    fputs(report_css, f);
    if (r->style != NULL)
        fputs(r->style, f);
    fputs("</style>\n</head>\n<body>\n<h1>", f);
    lac_html_text(f, r->title);
    fputs("</h1>\n<dl class=\"facts\">\n", f);
    for (int i = 0; i < r->n_facts; i++) {
        fputs("<div><dt>", f);
        lac_html_text(f, r->facts[i].name);
        fputs("</dt><dd>", f);
        lac_html_text(f, r->facts[i].value);
        fputs("</dd></div>\n", f);
    }
    fputs("</dl>\n", f);
}

static void print_sections(FILE *f, const lac_report *r)
{
    for (int i = 0; i < r->n_sections; i++) {
        fputs("<h2>", f);
        lac_html_text(f, r->sections[i].title);
        fprintf(f, "</h2>\n<div class=\"scroll\">%s</div>\n", r->sections[i].html);
    }
}

static void print_foot(FILE *f, const lac_report *r, bool curves)
{
    fprintf(f, "<footer>Written by Lacuna.%s</footer>\n", curves ? " Lines are means over bins of steps, bands their extremes." : "");
    if (r->script != NULL)
        fprintf(f, "<script>\n%s</script>\n", r->script);
    fputs("</body>\n</html>\n", f);
}

/* ---- which numbers share a chart ---- */

static bool is_validation(const char *name) { return strncmp(name, "validate.", 9) == 0; }
static const char *base_of(const char *name) { return is_validation(name) ? name + 9 : name; }
static size_t group_length(const char *base) { return strcspn(base, "."); }

static bool same_group(const char *a, const char *b)
{
    const size_t n = group_length(base_of(a));
    return n == group_length(base_of(b)) && strncmp(base_of(a), base_of(b), n) == 0;
}

/* Whether an earlier series has opened this one's chart. */
static bool is_continuation(const lac_series_set *s, int64_t i)
{
    for (int64_t k = 0; k < i; k++)
        if (same_group(s->series[k].name, s->series[i].name))
            return true;
    return false;
}

/* A validation curve has the colour of its training curve. */
static int colour_of(const lac_curve *curve, int n, const char *base, int *next)
{
    for (int i = 0; i < n; i++)
        if (strcmp(base_of(curve[i].series->name), base) == 0)
            return curve[i].colour;
    return (*next)++ % LAC_CHART_COLOURS;
}

static void spaces_for_underscores(char *s)
{
    for (; *s; s++)
        *s = *s == '_' ? ' ' : *s;
}

static int gather(lac_curve *curve, char label[][80], const lac_series_set *s, int64_t first)
{
    int n = 0, next = 0;
    for (int64_t i = first; i < s->n && n < MAX_CURVES; i++) {
        const lac_series *r = &s->series[i];
        if (!same_group(s->series[first].name, r->name))
            continue;
        const char *base = base_of(r->name), *within = base[group_length(base)] ? base + group_length(base) + 1 : base;
        snprintf(label[n], sizeof label[n], "%.60s%s", within, is_validation(r->name) ? ", validation" : "");
        spaces_for_underscores(label[n]);
        curve[n] = (lac_curve){ label[n], r, colour_of(curve, n, base, &next), is_validation(r->name) };
        n++;
    }
    return n;
}

static lac_status print_group(FILE *f, const lac_series_set *s, int64_t first, bool wide)
{
    lac_curve curve[MAX_CURVES];
    char label[MAX_CURVES][80], title[80];
    const int n = gather(curve, label, s, first);
    const char *base = base_of(s->series[first].name);
    snprintf(title, sizeof title, "%.*s", (int)LAC_MIN(group_length(base), sizeof title - 1), base);
    spaces_for_underscores(title);
    fputs(wide ? "<div class=\"wide\">\n" : "<div>\n", f);
    const lac_status status = lac_chart_print(f, title, curve, n, wide ? 1000 : 480, wide ? 300 : 220);
    fputs("</div>\n", f);
    return status;
}

/* The losses come first and wide. */
static lac_status print_charts(FILE *f, const lac_series_set *s)
{
    lac_status status = LAC_OK;
    fputs("<h2>Training</h2>\n<div class=\"charts\">\n", f);
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; status == LAC_OK && i < s->n; i++) {
            const bool loss = same_group(s->series[i].name, "loss");
            if (loss == (pass == 0) && !is_continuation(s, i))
                status = print_group(f, s, i, loss);
        }
    fputs("</div>\n", f);
    return status;
}

/* ---- a run ---- */

static lac_status print_log(FILE *f, const char *folder)
{
    lac_series_set s = { 0 };
    char *path;
    LAC_TRY(lac_format(&path, "%s/log.jsonl", folder));
    lac_status status = lac_series_read(&s, path);
    free(path);
    if (status == LAC_OK && s.n > 0)
        status = print_charts(f, &s);
    else if (status == LAC_OK)
        fputs("<p class=\"note\">No step has been logged yet.</p>\n", f);
    lac_series_free(&s);
    return status;
}

static lac_status print_config(FILE *f, const char *folder)
{
    char *path, *text = NULL;
    size_t size;
    LAC_TRY(lac_format(&path, "%s/config.lua", folder));
    const lac_status s = lac_file_read(path, MAX_CONFIG, &text, &size);
    free(path);
    if (s == LAC_ERR_MEM)
        return s;
    if (s == LAC_OK) {          /* a run without one is reported without one */
        fputs("<h2>Configuration</h2>\n<details><summary>every setting of this run, resolved</summary>\n<pre>", f);
        lac_html_text(f, text);
        fputs("</pre></details>\n", f);
    }
    free(text);
    return LAC_OK;
}

static lac_status finish(lac_atomic *a, lac_status s)
{
    if (s == LAC_OK)
        return lac_atomic_commit(a);
    lac_atomic_abandon(a);
    return s;
}

static lac_status print_run(FILE *f, const lac_report *r, const char *folder)
{
    print_head(f, r);
    LAC_TRY(lac_report_print_samples(f, folder));
    print_sections(f, r);
    LAC_TRY(print_log(f, folder));
    LAC_TRY(print_config(f, folder));
    print_foot(f, r, true);
    return LAC_OK;
}

lac_status lac_report_run(const lac_report *r, const char *folder, const char *path)
{
    lac_atomic a;
    LAC_TRY(lac_atomic_open(&a, path));
    return lac_context(finish(&a, print_run(a.stream, r, folder)), "writing the report '%s'", path);
}

/* ---- several runs ---- */

static lac_status print_comparison_of(FILE *f, const char *name, const lac_report_entry *runs, const lac_series_set *sets, int n_runs)
{
    lac_curve curve[MAX_CURVES];
    int n = 0;
    for (int i = 0; i < n_runs && n < MAX_CURVES; i++) {
        const lac_series *s = lac_series_find(&sets[i], name);
        if (s != NULL)
            curve[n++] = (lac_curve){ runs[i].name, s, i % LAC_CHART_COLOURS, is_validation(name) };
    }
    fputs("<div>\n", f);
    const lac_status s = lac_chart_print(f, name, curve, n, 480, 240);
    fputs("</div>\n", f);
    return s;
}

static bool seen_before(const lac_series_set *sets, int run, const char *name)
{
    for (int i = 0; i < run; i++)
        if (lac_series_find(&sets[i], name) != NULL)
            return true;
    return false;
}

static lac_status print_comparison(FILE *f, const lac_report_entry *runs, const lac_series_set *sets, int n_runs)
{
    lac_status s = LAC_OK;
    fputs("<h2>Curves</h2>\n<div class=\"charts\">\n", f);
    for (int i = 0; i < n_runs; i++)
        for (int64_t k = 0; s == LAC_OK && k < sets[i].n; k++) {
            const char *name = sets[i].series[k].name;
            if ((is_validation(name) || same_group(name, "loss")) && !seen_before(sets, i, name))
                s = print_comparison_of(f, name, runs, sets, n_runs);
        }
    fputs("</div>\n", f);
    return s;
}

static lac_status read_logs(lac_series_set *sets, const lac_report_entry *runs, int n_runs)
{
    for (int i = 0; i < n_runs; i++) {
        char *path;
        LAC_TRY(lac_format(&path, "%s/log.jsonl", runs[i].folder));
        const lac_status s = lac_series_read(&sets[i], path);
        free(path);
        LAC_TRY(s);
    }
    return LAC_OK;
}

static lac_status print_runs(FILE *f, const lac_report *r, const lac_report_entry *runs, int n_runs)
{
    lac_series_set *sets;
    LAC_TRY(lac_calloc((void **)&sets, (size_t)n_runs, sizeof sets[0]));
    lac_status s = read_logs(sets, runs, n_runs);
    if (s == LAC_OK) {
        print_head(f, r);
        print_sections(f, r);
        s = n_runs > 0 ? print_comparison(f, runs, sets, n_runs) : LAC_OK;
        print_foot(f, r, n_runs > 0);
    }
    for (int i = 0; i < n_runs; i++)
        lac_series_free(&sets[i]);
    free(sets);
    return s;
}

lac_status lac_report_compare(const lac_report *r, const lac_report_entry *runs, int n_runs, const char *path)
{
    lac_atomic a;
    LAC_TRY(lac_atomic_open(&a, path));
    return lac_context(finish(&a, print_runs(a.stream, r, runs, n_runs)), "writing the report '%s'", path);
}
