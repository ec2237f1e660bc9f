#include "cli/table_measure.h"

#include "cli/contest.h"
#include "cli/protocol.h"
#include "cli/row_settings.h"
#include "core/memory.h"
#include "eval/pooled.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What one run of a row has by each metric. */
typedef struct scored { const char *run; lac_resampled *by; } scored;
typedef struct row { scored *run; int64_t n; json_t *missing, *weights; } row;

typedef struct measuring {
    const lac_table_file *f;
    const json_t *measure;
    lac_contest_wish wish;
    const char *out;
    lac_comm *comm;
    row *row;
    json_t *head;                   /* of the first score */
    char **metric, **recipe;        /* [n_metrics] */
    json_t **files;                 /* of each metric's network; NULL: none */
    int64_t n_metrics, n_groups;
    lac_pictures *pictures;
    bool imagines;                  /* one of the rows so far: recipes of what is imagined are its */
} measuring;

/* ---- one run ---- */

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static lac_status take_recipe(measuring *m, int64_t k, const lac_contest *c)
{
    free(m->recipe[k]);
    m->recipe[k] = NULL;
    return lac_strdup(&m->recipe[k], c->score.recipe[k]);
}

static lac_status take_metrics(measuring *m, const lac_contest *c)
{
    const lac_score_origin origin = lac_contest_origin(c, &m->wish);
    m->head = lac_score_summary_head(&c->score, &origin);
    m->n_groups = c->score.backgrounds.n;
    LAC_TRY(lac_calloc((void **)&m->metric, (size_t)c->score.n_metrics, sizeof *m->metric));
    LAC_TRY(lac_calloc((void **)&m->recipe, (size_t)c->score.n_metrics, sizeof *m->recipe));
    LAC_TRY(lac_calloc((void **)&m->files, (size_t)c->score.n_metrics, sizeof *m->files));
    m->n_metrics = c->score.n_metrics;
    for (int64_t k = 0; k < m->n_metrics; k++) {
        LAC_TRY(lac_strdup(&m->metric[k], c->score.metric_name[k]));
        LAC_TRY(take_recipe(m, k, c));
        m->files[k] = lac_score_metric_weights(&c->score, k);
    }
    m->imagines = c->imagined != NULL;
    return m->head != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: a table");
}

/* Values of other recipes, or of other pictures, are no neighbours. */
static lac_status check_same(measuring *m, const lac_contest *c)
{
    if (c->score.backgrounds.n != m->n_groups)
        return LAC_FAIL(LAC_ERR_STATE, "its pictures have %lld backgrounds, those of the rows before %lld", (long long)c->score.backgrounds.n, (long long)m->n_groups);
    for (int64_t k = 0; k < m->n_metrics; k++) {
        const bool imagined = c->score.metric[k].def->imagined, silent = imagined && c->imagined == NULL, first = imagined && !silent && !m->imagines;
        if (first)
            LAC_TRY(take_recipe(m, k, c));
        if (!silent && strcmp(c->score.recipe[k], m->recipe[k]) != 0)
            return LAC_FAIL(LAC_ERR_STATE, "%s: recipe '%s' cannot share a column with '%s'", m->metric[k], c->score.recipe[k], m->recipe[k]);
    }
    m->imagines |= c->imagined != NULL;
    return LAC_OK;
}

/* Those that were not kept: the set's first ones were. */
static void drop_others(lac_pictures *p, const lac_score *s, int64_t kept)
{
    for (int64_t i = kept; i < s->n_rows; i++)
        json_object_del(p->picture, s->row[i].id);
}

/* Of the first rank: pictures that were kept, with their values. */
static lac_status take_pictures(measuring *m, const lac_contest *c)
{
    char *stem;
    json_t *of = json_pack("{s:s, s:{s:I}}", "pictures", c->name, "interval", "seed", (json_int_t)m->wish.seed);
    LAC_TRY(lac_format(&stem, "%s/%s", c->folder, c->name));
    lac_status s = lac_score_save_lines(&c->score, stem);
    if (s == LAC_OK)
        s = lac_pictures_add(m->pictures, of, stem);
    if (s == LAC_OK)
        drop_others(m->pictures, &c->score, m->wish.keep_first);
    json_decref(of);
    free(stem);
    return s;
}

/* Of the first rank. */
static lac_status take_values(measuring *m, int64_t i, const char *run, const lac_contest *c)
{
    row *r = &m->row[i];
    LAC_TRY(m->head == NULL ? take_metrics(m, c) : check_same(m, c));
    LAC_TRY(lac_realloc((void **)&r->run, (size_t)(r->n + 1) * sizeof *r->run));
    scored *s = &r->run[r->n];
    *s = (scored){ .run = run };
    LAC_TRY(lac_calloc((void **)&s->by, (size_t)m->n_metrics, sizeof *s->by));
    r->n++;
    for (int64_t k = 0; k < m->n_metrics; k++)
        LAC_TRY(lac_score_resampled(&c->score, 0, k, (uint64_t)m->wish.seed, &s->by[k]));
    if (m->wish.keep)
        LAC_TRY(take_pictures(m, c));
    const char *model, *role;
    json_t *about, *hash;
    json_object_foreach(c->models, model, about)
        json_object_foreach(json_object_get(about, "weights"), role, hash) {
            char *name;
            LAC_TRY(lac_format(&name, "%s, %s", run, role));
            json_object_set(r->weights, name, hash);
            free(name);
        }
    return LAC_OK;
}

static lac_status score(measuring *m, const lac_words *words, lac_contest *c)
{
    LAC_TRY(lac_comm_agree(m->comm, lac_contest_prepare(c, &m->wish, words)));
    return lac_contest_score(c, &m->wish, m->comm);
}

/* "OUT/MEASURE/RUN", where characters that a folder should not have are '_'. */
static lac_status folder_of(const measuring *m, const char *run, char **folder)
{
    LAC_TRY(lac_format(folder, "%s/%s/%s", m->out, lac_config_str(m->measure, "name"), run));
    for (char *at = *folder + strlen(*folder) - strlen(run); *at; at++)
        if (!isalnum((unsigned char)*at) && strchr("._+-=,", *at) == NULL)
            *at = '_';
    return LAC_OK;
}

static lac_status is_missing(measuring *m, int64_t i, const char *run, const char *reason)
{
    if (m->comm->rank == 0)
        fprintf(stderr, "lacuna: row '%s': %s: %s\n", m->f->row[i].name, run, reason);
    return json_array_append_new(m->row[i].missing, json_pack("{s:s, s:s}", "run", run, "reason", reason)) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: a table");
}

/* word NULL: a baseline. run: what it is called. */
static lac_status measure_run(measuring *m, int64_t i, const char *run, const char *word)
{
    const lac_words words = { word != NULL ? &word : NULL, word != NULL };
    lac_contest c = { .model = NULL };
    char *folder = NULL;
    m->wish.baselines = word != NULL ? "off" : run;
    LAC_TRY(folder_of(m, run, &folder));
    m->wish.out = folder;
    m->wish.name = m->f->row[i].name;
    m->wish.keep_first = lac_config_int(m->measure, "pictures");
    m->wish.keep = m->wish.keep_first > 0 && m->row[i].n == 0;
    if (m->comm->rank == 0)
        fprintf(stderr, "%s: scoring %s\n", lac_config_str(m->measure, "name"), run);
    lac_status s = score(m, &words, &c);
    if (s == LAC_OK)
        s = lac_comm_agree(m->comm, m->comm->rank == 0 ? take_values(m, i, run, &c) : LAC_OK);
    lac_contest_free(&c);
    free(folder);
    return lac_context(s, "row '%s': %s", m->f->row[i].name, run);
}

/* ---- a row ---- */

static lac_status measure_runs(measuring *m, int64_t i)
{
    const lac_table_file_row *r = &m->f->row[i];
    const char *weights = lac_config_str(r->told, "weights"), *baseline = lac_config_str(r->told, "baseline");
    if (baseline[0] != '\0')
        return measure_run(m, i, baseline, NULL);
    if (weights[0] != '\0')
        return measure_run(m, i, weights, weights);
    for (int64_t k = 0; k < r->n_runs; k++) {
        const lac_sweep_row *run = &m->f->list.row[r->run[k]];
        LAC_TRY(run->failed ? is_missing(m, i, m->f->list.run[r->run[k]].name, "its training failed")
                            : measure_run(m, i, m->f->list.run[r->run[k]].name, run->folder));
    }
    return LAC_OK;
}

static lac_status measure_row(measuring *m, int64_t i)
{
    m->row[i].missing = json_array();
    m->row[i].weights = json_object();
    const char *system = lac_config_str(m->f->row[i].told, "system");
    m->wish.how.system = system[0] != '\0' ? system : NULL;
    lac_status s = lac_row_settings(&m->wish.how.set, m->f->row[i].told);
    if (s == LAC_OK)
        s = measure_runs(m, i);
    lac_row_settings_free(&m->wish.how.set);
    return s;
}

/* ---- what comes of it ---- */

typedef const lac_resampled *pointers;

static lac_status pool_of(const row *r, int64_t k, pointers **run)
{
    LAC_TRY(lac_calloc((void **)run, (size_t)LAC_MAX(r->n, 1), sizeof **run));
    for (int64_t i = 0; i < r->n; i++)
        (*run)[i] = &r->run[i].by[k];
    return LAC_OK;
}

static json_t *each_of(const row *r, int64_t k)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < r->n; i++) {
        const lac_interval *v = &r->run[i].by[k].found.v;
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:I}", "run", r->run[i].run, "value", number(v->value), "low", number(v->low), "high", number(v->high), "n", (json_int_t)v->n));
    }
    return list;
}

static lac_status add_metric(const measuring *m, const row *r, int64_t k, json_t *metrics)
{
    pointers *run;
    LAC_TRY(pool_of(r, k, &run));
    const lac_pooled y = lac_pooled_of(&(lac_pool){ run, r->n }, NULL);
    const char *no_interval = run[0]->found.no_interval;
    free(run);
    json_t *metric = json_pack("{s:o, s:o, s:o, s:I, s:I, s:s, s:[], s:o, s:o}", "value", number(y.v.value), "low", number(y.v.low), "high", number(y.v.high), "n", (json_int_t)y.v.n,
                               "backgrounds", (json_int_t)y.v.n_groups, "recipe", m->recipe[k], "undefined", "spread", number(y.spread), "each", each_of(r, k));
    if (y.undefined != NULL)
        json_object_set_new(metric, "reason", json_string(y.undefined));
    if (no_interval != NULL)
        json_object_set_new(metric, "interval", json_string(no_interval));
    if (m->files[k] != NULL)
        json_object_set(metric, "weights", m->files[k]);
    return json_object_set_new(metrics, m->metric[k], metric) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: a table");
}

static lac_status add_row(const measuring *m, int64_t i, json_t *methods)
{
    const row *r = &m->row[i];
    json_t *metrics = json_object(), *told = json_pack("{s:o, s:O, s:{s:O}}", "metrics", metrics, "missing", r->missing, "model", "weights", r->weights);
    json_object_set_new(methods, m->f->row[i].name, told);
    if (m->f->row[i].n_runs > 0)
        json_object_set_new(told, "runs", json_integer((json_int_t)r->n));
    for (int64_t k = 0; r->n > 0 && k < m->n_metrics; k++)
        LAC_TRY(add_metric(m, r, k, metrics));
    return LAC_OK;
}

static const row *row_named(const measuring *m, const char *name)
{
    int64_t i = 0;
    while (strcmp(m->f->row[i].name, name) != 0)
        i++;
    return &m->row[i];
}

static lac_status add_difference(const measuring *m, const json_t *pair, int64_t k, json_t *differences)
{
    const row *a = row_named(m, lac_config_str(pair, "a")), *b = row_named(m, lac_config_str(pair, "b"));
    pointers *of[2] = { NULL, NULL };
    if (a->n == 0 || b->n == 0)
        return LAC_OK;
    lac_status s = pool_of(a, k, &of[0]);
    if (s == LAC_OK)
        s = pool_of(b, k, &of[1]);
    if (s == LAC_OK) {
        const lac_pooled y = lac_pooled_of(&(lac_pool){ of[0], a->n }, &(lac_pool){ of[1], b->n });
        json_array_append_new(differences, json_pack("{s:s, s:O, s:O, s:o, s:o, s:o, s:I}", "metric", m->metric[k], "a", json_object_get(pair, "a"), "b", json_object_get(pair, "b"), "value",
                                                     number(y.v.value), "low", number(y.v.low), "high", number(y.v.high), "n", (json_int_t)y.v.n));
    }
    free(of[0]);
    free(of[1]);
    return s;
}

static lac_status add_differences(const measuring *m, json_t *differences)
{
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(m->f->table, "differences"), i, pair)
        for (int64_t k = 0; k < m->n_metrics; k++)
            LAC_TRY(add_difference(m, pair, k, differences));
    return LAC_OK;
}

static lac_status summarise(measuring *m, json_t **summary)
{
    json_t *methods = json_object(), *differences = json_array();
    if (m->head == NULL)
        m->head = json_object();            /* no row has a run */
    json_object_set_new(m->head, "methods", methods);
    json_object_set_new(m->head, "differences", differences);
    for (int64_t i = 0; i < m->f->n_rows; i++)
        LAC_TRY(add_row(m, i, methods));
    LAC_TRY(add_differences(m, differences));
    *summary = json_incref(m->head);
    return LAC_OK;
}

static void end(measuring *m)
{
    for (int64_t i = 0; m->row != NULL && i < m->f->n_rows; i++) {
        for (int64_t k = 0; k < m->row[i].n; k++)
            free(m->row[i].run[k].by);
        free(m->row[i].run);
        json_decref(m->row[i].missing);
        json_decref(m->row[i].weights);
    }
    free(m->row);
    for (int64_t k = 0; k < m->n_metrics; k++) {
        free(m->metric[k]);
        free(m->recipe[k]);
        json_decref(m->files[k]);
    }
    free(m->metric);
    free(m->recipe);
    free(m->files);
    json_decref(m->head);
    json_decref(m->wish.protocol);
    free(m->wish.protocol_metrics);
}

static lac_status make_wish(measuring *m, const lac_eval_weights *weights)
{
    lac_contest_wish *w = &m->wish;
    *w = (lac_contest_wish){ .shorter = -1, .limit = lac_config_int(m->measure, "limit"), .batch = lac_config_int(m->f->table, "batch"),
                             .others_imagine = true, .protocol_name = lac_config_str(m->measure, "name"), .weights = weights, .how = { "auto", "auto" } };
    LAC_TRY(lac_table_file_protocol(m->measure, &w->protocol));
    w->seed = lac_config_int(w->protocol, "seed");
    LAC_TRY(lac_protocol_metrics(w->protocol, &w->protocol_metrics));
    w->metrics = w->protocol_metrics;
    return LAC_OK;
}

static lac_status measure_all(measuring *m, const lac_eval_weights *weights)
{
    LAC_TRY(lac_comm_agree(m->comm, make_wish(m, weights)));
    LAC_TRY(lac_comm_agree(m->comm, lac_calloc((void **)&m->row, (size_t)m->f->n_rows, sizeof *m->row)));
    for (int64_t i = 0; i < m->f->n_rows; i++)
        LAC_TRY(measure_row(m, i));
    return LAC_OK;
}

lac_status lac_table_measure(const lac_table_file *f, const json_t *measure, const lac_eval_weights *weights, const char *out, lac_comm *comm, json_t **summary,
                             lac_pictures *pictures)
{
    measuring m = { .f = f, .measure = measure, .out = out, .comm = comm, .pictures = pictures };
    *summary = NULL;
    lac_status s = measure_all(&m, weights);
    if (s == LAC_OK)
        s = lac_comm_agree(comm, comm->rank == 0 ? summarise(&m, summary) : LAC_OK);
    end(&m);
    return lac_context(s, "measure '%s'", lac_config_str(measure, "name"));
}
