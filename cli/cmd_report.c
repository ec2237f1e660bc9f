/* lacuna report: what several runs scored, side by side. */
#include "cli/commands.h"

#include "core/file/atomic.h"
#include "core/memory.h"
#include "eval/difference.h"
#include "eval/finished_summary.h"
#include "eval/gallery.h"
#include "eval/table.h"
#include "train/report.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_SUMMARY = 64 << 20 };

typedef struct wish { const char *out; int64_t pictures; } wish;

/* Numbers from other pictures, masks or sizes begin a table of their own. */
typedef struct contest { lac_table table, differences; lac_pictures pictures; } contest;
typedef struct board { contest *contest; int64_t n, capacity; } board;

static void free_board(board *b)
{
    for (int64_t i = 0; i < b->n; i++) {
        lac_table_free(&b->contest[i].table);
        lac_table_free(&b->contest[i].differences);
        lac_pictures_free(&b->contest[i].pictures);
    }
    free(b->contest);
}

/* *where: the contest that took it. */
static lac_status add_summary(board *b, const json_t *summary, contest **where)
{
    for (int64_t i = 0; i < b->n; i++) {
        *where = &b->contest[i];
        const lac_status s = lac_table_add(&(*where)->table, summary);
        if (s != LAC_ERR_STATE)
            return s;
    }
    LAC_TRY(lac_grow((void **)&b->contest, b->n, &b->capacity, sizeof *b->contest));
    *where = &b->contest[b->n++];
    **where = (contest){ .pictures = { NULL } };
    return lac_table_add(&(*where)->table, summary);
}

/* path is "STEM.json". */
static lac_status add_pictures(contest *c, const json_t *summary, const char *path)
{
    char *stem;
    LAC_TRY(lac_strdup(&stem, path));
    char *ending = strrchr(stem, '.');
    if (ending != NULL && strcmp(ending, ".json") == 0)
        *ending = '\0';
    const lac_status s = lac_pictures_add(&c->pictures, summary, stem);
    free(stem);
    return s;
}

/* "runs/a/" gives "a". The page's charts tell runs apart by it. */
static void name_of(const char *path, char name[128])
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t from = n;
    while (from > 0 && path[from - 1] != '/')
        from--;
    snprintf(name, 128, "%.*s", (int)(n - from), path + from);
}

static void stem_of(const char *path, char name[128])
{
    name_of(path, name);
    char *ending = strrchr(name, '.');
    if (ending != NULL && ending != name)
        *ending = '\0';
}

/* Whether another file of these is called the same. */
static bool is_shared(const lac_words *files, const char *path)
{
    char name[128], other[128];
    int n = 0;
    stem_of(path, name);
    for (int i = 0; i < files->n; i++) {
        stem_of(files->word[i], other);
        n += strcmp(name, other) == 0;
    }
    return n > 1;
}

/* Of finished pictures it is a result, which is called by its file's name, or by its path where another has that name: made a summary of in its place. */
static lac_status take_finished(json_t **summary, const char *path, const lac_words *files)
{
    char name[128];
    json_t *made;
    if (!lac_is_finished_result(*summary))
        return LAC_OK;
    stem_of(path, name);
    LAC_TRY(lac_finished_summary(*summary, is_shared(files, path) ? path : name, &made));
    json_decref(*summary);
    *summary = made;
    return LAC_OK;
}

static lac_status add_file(board *b, const char *path, const lac_words *files)
{
    char *text;
    size_t size;
    json_error_t error;
    LAC_TRY(lac_file_read(path, MAX_SUMMARY, &text, &size));
    json_t *summary = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (summary == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not JSON: %s, line %d", path, error.text, error.line);
    contest *c = NULL;
    lac_status s = take_finished(&summary, path, files);
    if (s == LAC_OK && !json_is_object(json_object_get(summary, "methods")))
        s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' is no summary of an evaluation: it has no 'methods'", path);
    if (s == LAC_OK)
        s = lac_context(add_summary(b, summary, &c), "'%s'", path);
    if (s == LAC_OK)
        s = add_pictures(c, summary, path);
    json_decref(summary);
    return s;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* RUN/eval/NAME.json, in byte order; a run that was not scored yet has curves alone. */
static lac_status add_run(board *b, const char *run, const lac_words *all)
{
    char *pattern;
    glob_t found = { 0 };
    if (!is_folder(run))
        return add_file(b, run, all);
    LAC_TRY(lac_format(&pattern, "%s/eval/*.json", run));
    glob(pattern, 0, NULL, &found);
    free(pattern);
    lac_status s = LAC_OK;
    for (size_t i = 0; s == LAC_OK && i < found.gl_pathc; i++)
        s = add_file(b, found.gl_pathv[i], all);
    globfree(&found);
    return s;
}

/* DIR/NAME.ext, from the second table on DIR/NAME-2.ext. */
static lac_status write_one(const char *folder, const char *name, int64_t number, const char *ending, const char *text)
{
    char *path;
    if (number == 0)
        LAC_TRY(lac_format(&path, "%s/%s.%s", folder, name, ending));
    else
        LAC_TRY(lac_format(&path, "%s/%s-%d.%s", folder, name, (int)number + 1, ending));
    const lac_status s = lac_file_write(path, text, strlen(text));
    free(path);
    return s;
}

static lac_status json_text(const lac_table *t, char **text)
{
    json_t *list;
    LAC_TRY(lac_table_json(t, &list));
    *text = json_dumps(list, JSON_INDENT(2));
    json_decref(list);
    return *text != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "no memory for a table as JSON");
}

static lac_status write_forms(const lac_table *t, const char *folder, const char *name, int64_t number)
{
    static const struct { const char *ending; lac_status (*make)(const lac_table *t, char **text); } forms[] = {
        { "md", lac_table_markdown }, { "csv", lac_table_csv }, { "tex", lac_table_latex }, { "json", json_text },
    };
    for (size_t k = 0; k < LAC_COUNT(forms); k++) {
        char *text = NULL;
        LAC_TRY(forms[k].make(t, &text));
        const lac_status s = write_one(folder, name, number, forms[k].ending, text);
        free(text);
        LAC_TRY(s);
    }
    return LAC_OK;
}

static lac_status write_tables(const board *b, const char *folder)
{
    for (int64_t i = 0; i < b->n; i++) {
        const lac_table *differences = &b->contest[i].differences;
        LAC_TRY(write_forms(&b->contest[i].table, folder, "scores", i));
        if (differences->n_rows > 0)
            LAC_TRY(write_forms(differences, folder, "differences", i));
    }
    return LAC_OK;
}

static lac_status find_differences(board *b)
{
    for (int64_t i = 0; i < b->n; i++)
        LAC_TRY(lac_difference_table(&b->contest[i].pictures, &b->contest[i].table, &b->contest[i].differences));
    return LAC_OK;
}

typedef struct page { lac_report_section *section; lac_report_entry *run; char (*name)[128]; int n_sections, n_runs; } page;

static void free_page(page *p)
{
    for (int i = 0; i < p->n_sections; i++) {
        free((char *)p->section[i].html);
        free((char *)p->section[i].title);
    }
    free(p->section);
    free(p->run);
    free(p->name);
}

static lac_status fill_runs(page *p, const lac_words *runs)
{
    LAC_TRY(lac_calloc((void **)&p->run, (size_t)runs->n, sizeof *p->run));
    LAC_TRY(lac_calloc((void **)&p->name, (size_t)runs->n, sizeof *p->name));
    for (int i = 0; i < runs->n; i++)
        if (is_folder(runs->word[i])) {
            name_of(runs->word[i], p->name[p->n_runs]);
            p->run[p->n_runs] = (lac_report_entry){ p->name[p->n_runs], runs->word[i] };
            p->n_runs++;
        }
    return LAC_OK;
}

/* "NAME", and where there are more tables than one, of which pictures. html: fresh, the page's from here on; NULL: there is no such section. */
static lac_status add_section(page *p, const char *name, const lac_table *t, bool alone, char *html)
{
    const int n = LAC_MIN((int)strcspn(t->masks, " "), 40);         /* the name without the hash, or the beginning of a hash */
    char size[48] = "";
    if (html == NULL)
        return LAC_OK;
    lac_report_section *s = &p->section[p->n_sections++];
    s->html = html;
    if (alone)
        return lac_strdup((char **)&s->title, name);
    if (t->width > 0)
        snprintf(size, sizeof size, " of %lldx%lld", (long long)t->width, (long long)t->height);
    return lac_format((char **)&s->title, "%s: %lld pictures%s%s%.*s", name, (long long)t->images, size, n > 0 ? ", masks " : "", n > 12 && t->of_pairs ? 12 : n, t->masks);
}

static lac_status fill_contest(page *p, const contest *c, bool alone, int64_t most)
{
    char *html;
    LAC_TRY(lac_table_html(&c->table, &html));
    LAC_TRY(add_section(p, "Scores", &c->table, alone, html));
    if (c->differences.n_rows > 0) {
        LAC_TRY(lac_table_html(&c->differences, &html));
        LAC_TRY(add_section(p, "Two by two", &c->table, alone, html));
    }
    LAC_TRY(lac_table_bins_html(&c->table, &html));
    LAC_TRY(add_section(p, "By size of the hole", &c->table, alone, html));
    LAC_TRY(lac_gallery_html(&c->pictures, most, &html));
    LAC_TRY(add_section(p, "Side by side", &c->table, alone, html));
    LAC_TRY(lac_table_origin_html(&c->table, &html));
    return add_section(p, "Where the numbers come from", &c->table, alone, html);
}

/* Scores, differences, pictures where some are there, and what it all depends on. */
static lac_status fill_sections(page *p, const board *b, int64_t most)
{
    LAC_TRY(lac_calloc((void **)&p->section, (size_t)b->n * 5, sizeof *p->section));
    for (int64_t i = 0; i < b->n; i++)
        LAC_TRY(fill_contest(p, &b->contest[i], b->n == 1, most));
    return LAC_OK;
}

static lac_status write_page(const board *b, const lac_words *runs, const wish *w)
{
    page p = { 0 };
    char *path = NULL;
    const lac_report_fact fact = { "code", lac_code_revision() };
    lac_status s = fill_runs(&p, runs);
    if (s == LAC_OK)
        s = fill_sections(&p, b, w->pictures);
    const lac_report r = { .title = p.n_runs > 0 ? "Runs side by side" : "Methods side by side", .facts = &fact, .n_facts = 1, .sections = p.section, .n_sections = p.n_sections,
                           .style = lac_gallery_style(), .script = lac_gallery_script() };
    if (s == LAC_OK)
        s = lac_format(&path, "%s/report.html", w->out);
    if (s == LAC_OK)
        s = lac_report_compare(&r, p.run, p.n_runs, path);
    if (s == LAC_OK)
        printf("%s\n", path);
    free(path);
    free_page(&p);
    return s;
}

static lac_status print_tables(const board *b)
{
    for (int64_t i = 0; i < b->n; i++) {
        char *text;
        LAC_TRY(lac_table_markdown(&b->contest[i].table, &text));
        printf("%s%s", i ? "\n" : "", text);
        free(text);
    }
    return LAC_OK;
}

static lac_status write_all(const board *b, const lac_words *runs, const wish *w)
{
    LAC_TRY(lac_make_folders(w->out));
    LAC_TRY(write_tables(b, w->out));
    return write_page(b, runs, w);
}

static lac_status report(const lac_words *runs, const wish *w)
{
    board b = { 0 };
    lac_status s = LAC_OK;
    for (int i = 0; s == LAC_OK && i < runs->n; i++)
        s = add_run(&b, runs->word[i], runs);
    if (s == LAC_OK && b.n == 0 && w->out == NULL)
        s = LAC_FAIL(LAC_ERR_ARG, "none of these runs has scores in eval/ (lacuna eval makes them; -o gives the curves)");
    if (s == LAC_OK)
        s = find_differences(&b);
    if (s == LAC_OK)
        s = print_tables(&b);
    if (s == LAC_OK && w->out != NULL)
        s = write_all(&b, runs, w);
    free_board(&b);
    return s;
}

int lac_cmd_report(int argc, char **argv)
{
    wish w = { .pictures = 60 };
    const lac_option options[] = {
        { "out", 'o', "FOLDER", LAC_OPTION_STRING, &w.out, "report.html with the curves, and scores.md, .csv, .tex, .json, differences.md, .csv, .tex, .json" },
        { "pictures", 0, "N", LAC_OPTION_INT, &w.pictures, "of an evaluation that kept them (eval --keep), in the page: the worst, the best, some between; 0: none (default 60)" },
        { NULL },
    };
    const lac_command command = { "lacuna report", "RUN|SUMMARY.json...", 1, -1,
        "Puts the scores of several runs (RUN/eval/*.json), evaluation summaries or results on finished pictures (OUT.json, a row called by the\n"
        "file's name) into one table, printed as Markdown.\n"
        "Numbers from different pictures, masks or sizes make tables of their own: scores-2.md and so on. The page is one file that\n"
        "opens without a server: columns sort, and the pictures of two methods slide over one another, worst or best first.", options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go && w.pictures < 0)
        s = LAC_FAIL(LAC_ERR_ARG, "--pictures must not be negative");
    if (go && s == LAC_OK)
        s = report(&words, &w);
    lac_words_free(&words);
    return lac_finish(s);
}
