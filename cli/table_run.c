#include "cli/table_run.h"

#include "cli/commands.h"
#include "cli/table_measure.h"
#include "cli/table_time.h"
#include "cli/weights_arg.h"
#include "core/file/atomic.h"
#include "core/html.h"
#include "core/memory.h"
#include "core/print.h"
#include "eval/difference.h"
#include "eval/gallery.h"
#include "train/report.h"

#include <stdlib.h>
#include <string.h>

/* A measure's summary as tables. */
typedef struct result { const json_t *measure; json_t *summary; lac_table scores, differences; lac_pictures pictures; } result;
typedef struct results { result *of; int64_t n; char *out; } results;

static void free_results(results *r)
{
    for (int64_t i = 0; r->of != NULL && i < r->n; i++) {
        json_decref(r->of[i].summary);
        lac_table_free(&r->of[i].scores);
        lac_table_free(&r->of[i].differences);
        lac_pictures_free(&r->of[i].pictures);
    }
    free(r->of);
    free(r->out);
}

static lac_status make_tables(result *r)
{
    LAC_TRY(lac_table_add(&r->scores, r->summary));
    LAC_TRY(lac_difference_table_said(json_object_get(r->summary, "differences"), &r->scores, &r->differences));
    return lac_table_add_published(&r->differences, json_object_get(r->measure, "published_differences"));
}

/* ---- the text ---- */

static lac_status print_table(FILE *to, const lac_table *t, lac_status (*make)(const lac_table *, char **))
{
    char *text;
    LAC_TRY(make(t, &text));
    fputs(text, to);
    fputc('\n', to);
    free(text);
    return LAC_OK;
}

static bool has_differences(const result *r) { return r->differences.n_rows > 0 || r->differences.published != NULL; }

/* "  row: RUN value [low, high], RUN ..." by metric, of rows with several runs. */
static void print_each(FILE *to, const result *r)
{
    const char *row, *metric;
    json_t *method, *told, *one;
    size_t i;
    json_object_foreach(json_object_get(r->summary, "methods"), row, method)
        json_object_foreach(json_object_get(method, "metrics"), metric, told) {
            if (json_array_size(json_object_get(told, "each")) < 2)
                continue;
            fprintf(to, "- %s, %s:", row, metric);
            json_array_foreach(json_object_get(told, "each"), i, one)
                fprintf(to, "%s %s %.5g", i > 0 ? "," : "", json_string_value(json_object_get(one, "run")), json_number_value(json_object_get(one, "value")));
            fputc('\n', to);
        }
    json_object_foreach(json_object_get(r->summary, "methods"), row, method)
        json_array_foreach(json_object_get(method, "missing"), i, one)
            fprintf(to, "- %s: without %s, %s\n", row, json_string_value(json_object_get(one, "run")), json_string_value(json_object_get(one, "reason")));
}

static lac_status print_result(FILE *to, const result *r)
{
    fprintf(to, "## %s\n\n", lac_config_str(r->measure, "name"));
    LAC_TRY(print_table(to, &r->scores, lac_table_markdown));
    if (has_differences(r))
        LAC_TRY(print_table(to, &r->differences, lac_table_markdown));
    print_each(to, r);
    fputc('\n', to);
    return LAC_OK;
}

static lac_status print_all(const lac_table_file *f, const results *all, char **text)
{
    lac_print p;
    size_t i;
    json_t *note;
    LAC_TRY(lac_print_open(&p, "a table"));
    fprintf(p.to, "# %s\n\n%s\n\n", f->name, lac_config_str(f->table, "caption"));
    lac_status s = LAC_OK;
    for (int64_t k = 0; s == LAC_OK && k < all->n; k++)
        s = print_result(p.to, &all->of[k]);
    json_array_foreach(json_object_get(f->table, "notes"), i, note)
        fprintf(p.to, "%s- %s\n", i == 0 ? "## Notes\n\n" : "", json_string_value(note));
    return lac_print_close(&p, s, text);
}

/* ---- files ---- */

static lac_status write_file(const results *all, const char *name, const char *more, const char *ending, const char *text)
{
    char *path;
    LAC_TRY(lac_format(&path, "%s/%s%s.%s", all->out, name, more, ending));
    const lac_status s = lac_file_write(path, text, strlen(text));
    free(path);
    return s;
}

static lac_status write_form(const results *all, const char *name, const char *more, const char *ending, const lac_table *t, lac_status (*make)(const lac_table *, char **))
{
    char *text;
    LAC_TRY(make(t, &text));
    const lac_status s = write_file(all, name, more, ending, text);
    free(text);
    return s;
}

static lac_status write_json(const results *all, const char *name, const json_t *what)
{
    char *text = json_dumps(what, JSON_INDENT(1));
    const lac_status s = text != NULL ? write_file(all, name, "", "json", text) : LAC_FAIL(LAC_ERR_MEM, "out of memory: '%s.json'", name);
    free(text);
    return s;
}

static lac_status write_result(const results *all, const result *r)
{
    const char *name = lac_config_str(r->measure, "name");
    LAC_TRY(write_json(all, name, r->summary));
    LAC_TRY(write_form(all, name, "", "csv", &r->scores, lac_table_csv));
    LAC_TRY(write_form(all, name, "", "tex", &r->scores, lac_table_latex));
    if (!has_differences(r))
        return LAC_OK;
    LAC_TRY(write_form(all, name, "-differences", "csv", &r->differences, lac_table_csv));
    return write_form(all, name, "-differences", "tex", &r->differences, lac_table_latex);
}

static lac_status write_whole(const lac_table_file *f, const results *all)
{
    json_t *measures = json_object(), *whole = json_pack("{s:s, s:s, s:s, s:s, s:O, s:o}", "name", f->name, "caption", lac_config_str(f->table, "caption"), "version", lac_code_version(),
                                                         "revision", lac_code_revision(), "notes", json_object_get(f->table, "notes"), "measures", measures);
    for (int64_t i = 0; i < all->n; i++)
        json_object_set(measures, lac_config_str(all->of[i].measure, "name"), all->of[i].summary);
    const lac_status s = whole != NULL ? write_json(all, "table", whole) : LAC_FAIL(LAC_ERR_MEM, "out of memory: a table");
    json_decref(whole);
    return s;
}

/* ---- the page ---- */

typedef struct page { lac_report_section *section; lac_report_entry *run; int n_sections, n_runs; } page;

/* html: fresh, the page's from here on. */
static lac_status add_section(page *p, const char *what, const char *of, char *html)
{
    lac_report_section *s = &p->section[p->n_sections++];
    s->html = html;
    return lac_format((char **)&s->title, "%s%s%s", what, of[0] != '\0' ? ": " : "", of);
}

static lac_status add_result(page *p, const result *r)
{
    const char *name = lac_config_str(r->measure, "name");
    char *html;
    LAC_TRY(lac_table_html(&r->scores, &html));
    LAC_TRY(add_section(p, name, "", html));
    if (has_differences(r)) {
        LAC_TRY(lac_table_html(&r->differences, &html));
        LAC_TRY(add_section(p, "Two by two", name, html));
    }
    LAC_TRY(lac_gallery_html(&r->pictures, lac_config_int(r->measure, "pictures"), &html));
    if (html != NULL)
        LAC_TRY(add_section(p, "Side by side", name, html));
    LAC_TRY(lac_table_origin_html(&r->scores, &html));
    return add_section(p, "Where the numbers come from", name, html);
}

static lac_status words_html(const lac_table_file *f, char **html)
{
    lac_print p;
    size_t i;
    json_t *note;
    LAC_TRY(lac_print_open(&p, "a page"));
    fputs("<p>", p.to);
    lac_html_text(p.to, lac_config_str(f->table, "caption"));
    fputs("</p>\n", p.to);
    json_array_foreach(json_object_get(f->table, "notes"), i, note) {
        fputs("<p class=\"note\">", p.to);
        lac_html_text(p.to, json_string_value(note));
        fputs("</p>\n", p.to);
    }
    return lac_print_close(&p, LAC_OK, html);
}

static lac_status fill_page(page *p, const lac_table_file *f, const results *all)
{
    char *html;
    LAC_TRY(lac_calloc((void **)&p->section, (size_t)(4 * all->n + 1), sizeof *p->section));
    LAC_TRY(lac_calloc((void **)&p->run, (size_t)LAC_MAX(f->list.n, 1), sizeof *p->run));
    LAC_TRY(words_html(f, &html));
    LAC_TRY(add_section(p, "What it is", "", html));
    for (int64_t i = 0; i < all->n; i++)
        LAC_TRY(add_result(p, &all->of[i]));
    for (int64_t i = 0; i < f->list.n; i++)
        p->run[p->n_runs++] = (lac_report_entry){ f->list.run[i].name, f->list.row[i].folder };
    return LAC_OK;
}

static lac_status write_page(const lac_table_file *f, const results *all)
{
    page p = { NULL };
    char *path = NULL;
    const lac_report_fact fact = { "code", lac_code_revision() };
    lac_status s = fill_page(&p, f, all);
    const lac_report r = { .title = f->name, .facts = &fact, .n_facts = 1, .sections = p.section, .n_sections = p.n_sections, .style = lac_gallery_style(), .script = lac_gallery_script() };
    if (s == LAC_OK)
        s = lac_format(&path, "%s/report.html", all->out);
    if (s == LAC_OK)
        s = lac_report_compare(&r, p.run, p.n_runs, path);
    for (int i = 0; i < p.n_sections; i++) {
        free((char *)p.section[i].html);
        free((char *)p.section[i].title);
    }
    free(p.section);
    free(p.run);
    free(path);
    return s;
}

static lac_status write_all(const lac_table_file *f, const results *all)
{
    char *text;
    LAC_TRY(print_all(f, all, &text));
    fputs(text, stdout);
    lac_status s = lac_make_folders(all->out);
    if (s == LAC_OK)
        s = write_file(all, "table", "", "md", text);
    free(text);
    for (int64_t i = 0; s == LAC_OK && i < all->n; i++)
        s = write_result(all, &all->of[i]);
    if (s == LAC_OK)
        s = write_whole(f, all);
    if (s == LAC_OK)
        s = write_page(f, all);
    if (s == LAC_OK)
        fprintf(stderr, "written: %s/table.md, table.json, report.html, and a .json, .csv and .tex for each measure\n", all->out);
    return s;
}

/* ---- all of it ---- */

static lac_status folder_of(const lac_table_file *f, char **out)
{
    const char *said = lac_config_str(f->table, "out");
    return said[0] != '\0' ? lac_strdup(out, said) : lac_format(out, "runs/tables/%s", f->name);
}

/* "NAME=FILE" of each: a file, or several. */
static lac_status add_weights(lac_words *words, const char *name, const json_t *value)
{
    char *word;
    size_t i;
    json_t *one;
    if (json_is_array(value)) {
        json_array_foreach((json_t *)value, i, one)
            LAC_TRY(add_weights(words, name, one));
        return LAC_OK;
    }
    if (!json_is_string(value))
        return LAC_FAIL(LAC_ERR_CONFIG, "'table.weights.%s' should be a file, a run, or a list of files", name);
    LAC_TRY(lac_format(&word, "%s=%s", name, json_string_value(value)));
    return lac_words_add(words, word);
}

static lac_status open_weights(const lac_table_file *f, lac_weights_arg *weights)
{
    lac_words words = { NULL, 0 };
    const char *name;
    json_t *value;
    lac_status s = LAC_OK;
    json_object_foreach(json_object_get(f->table, "weights"), name, value)
        s = s == LAC_OK ? add_weights(&words, name, value) : s;
    if (s == LAC_OK)
        s = lac_weights_arg_open(weights, &words);
    for (int i = 0; i < words.n; i++)
        free((char *)words.word[i]);
    lac_words_free(&words);
    return s;
}

static lac_status measure_all(const lac_table_file *f, results *all, lac_comm *comm)
{
    const json_t *measures = json_object_get(f->table, "measures");
    lac_weights_arg weights = { .weights = { NULL, 0, 0 } };
    all->n = (int64_t)json_array_size(measures);
    lac_status s = lac_calloc((void **)&all->of, (size_t)all->n, sizeof *all->of);
    if (s == LAC_OK)
        s = folder_of(f, &all->out);
    if (s == LAC_OK)
        s = open_weights(f, &weights);
    s = lac_comm_agree(comm, s);
    for (int64_t i = 0; s == LAC_OK && i < all->n; i++) {
        all->of[i].measure = json_array_get(measures, (size_t)i);
        if (lac_config_at(all->of[i].measure, "time") != NULL)
            s = lac_comm_agree(comm, comm->rank == 0 ? lac_table_time(f, all->of[i].measure, &all->of[i].summary) : LAC_OK);
        else
            s = lac_table_measure(f, all->of[i].measure, &weights.weights, all->out, comm, &all->of[i].summary, &all->of[i].pictures);
        if (s == LAC_OK)
            s = lac_comm_agree(comm, comm->rank == 0 ? make_tables(&all->of[i]) : LAC_OK);
    }
    lac_weights_arg_close(&weights);
    return s;
}

/* Before anything is trained. */
static lac_status check_weights(const lac_table_file *f)
{
    for (int64_t i = 0; i < f->n_rows; i++) {
        const char *path = lac_config_str(f->row[i].told, "weights");
        if (path[0] != '\0' && !lac_table_file_has(f, path))
            return LAC_FAIL(LAC_ERR_IO, "row '%s': there is no run and no weights file '%s'", f->row[i].name, path);
    }
    return LAC_OK;
}

lac_status lac_table_run(lac_table_file *f, lac_comm *comm)
{
    results all = { NULL };
    LAC_TRY(lac_comm_agree(comm, check_weights(f)));
    LAC_TRY(lac_train_list_all(&f->list, comm));
    lac_status s = measure_all(f, &all, comm);
    if (s == LAC_OK)
        s = lac_comm_agree(comm, comm->rank == 0 ? write_all(f, &all) : LAC_OK);
    free_results(&all);
    return s == LAC_OK ? lac_train_list_verdict(&f->list) : s;
}
