#include "cli/contest.h"

#include "cli/commands.h"
#include "cli/locate.h"
#include "cli/preset.h"
#include "cli/protocol.h"
#include "cli/source.h"
#include "cli/sweep.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "data/mask_source.h"
#include "eval/baseline.h"

#include <stdlib.h>
#include <string.h>

static void free_contender(lac_contender *m)
{
    if (m == NULL)
        return;
    lac_tape_free(m->tape);
    lac_model_close(&m->model);
    free(m);
}

void lac_contest_free(lac_contest *c)
{
    lac_eval_watch_free(&c->watch);
    lac_score_free(&c->score);
    free(c->label);
    free(c->imagined);
    lac_eval_set_close(c->set);
    for (int64_t i = 0; i < c->n; i++)
        free_contender(c->model[i]);
    free_contender(c->through);
    free(c->view);
    free(c->model);
    free(c->method);
    free(c->row);
    json_decref(c->models);
    free(c->journal);
    free(c->folder);
    free(c->name);
}

/* ---- who takes part ---- */

static bool taken(const lac_contest *c, const char *name)
{
    for (int64_t i = 0; i + 1 < c->n; i++)
        if (strcmp(c->model[i]->model.name, name) == 0)
            return true;
    return false;
}

/* Two models of one name are told apart by their paths. name NULL: the model's own. */
static lac_status set_name(lac_contest *c, lac_model *m, const char *path, const char *name)
{
    char *chosen;
    if (name == NULL && !taken(c, m->name))
        return LAC_OK;
    LAC_TRY(lac_strdup(&chosen, name != NULL && !taken(c, name) ? name : path));
    free(m->name);
    m->name = chosen;
    return LAC_OK;
}

/* What an open model paints with, so many pictures at once. */
static lac_status equip(lac_contender *m, const lac_contest_wish *w, int64_t batch)
{
    LAC_TRY(lac_tape_new(&m->tape, lac_inpainter_backend(&m->model.ip)));
    m->painter = (lac_eval_painter){ &m->model.ip, m->tape, (uint64_t)w->seed, batch };
    return LAC_OK;
}

static lac_status add_model(lac_contest *c, const lac_contest_wish *w, const char *path, const char *name)
{
    lac_contender *m;
    LAC_TRY(lac_grow((void **)&c->model, c->n, &c->capacity, sizeof *c->model));
    LAC_TRY(lac_calloc((void **)&m, 1, sizeof *m));
    c->model[c->n++] = m;
    LAC_TRY(lac_model_open(&m->model, path, &w->how));
    if (w->protocol != NULL)
        LAC_TRY(lac_protocol_sampling(w->protocol, &w->how, &m->model.ip));
    LAC_TRY(set_name(c, &m->model, path, name));
    return equip(m, w, w->batch);
}

static lac_status add_run_of(lac_contest *c, const lac_contest_wish *w, const lac_sweep_run *run, lac_experiment *e)
{
    lac_stages stages;
    char *folder;
    LAC_TRY(lac_stages_resolve(&stages, run->config, lac_experiment_where, e));
    lac_status s = lac_format(&folder, "%s/%s", lac_config_str(stages.stage[0].config, "runs"), run->name);
    lac_stages_free(&stages);
    if (s == LAC_OK) {
        s = add_model(c, w, folder, run->name);
        free(folder);
    }
    return s;
}

/* A config stands for its runs: one, or those of its sweep. */
static lac_status add_config(lac_contest *c, const lac_contest_wish *w, const char *path)
{
    lac_experiment e;
    lac_sweep_run *run = NULL;
    int64_t n = 0;
    LAC_TRY(lac_experiment_open(&e, path));
    lac_status s = lac_preset_apply(e.config, e.lines, NULL);
    json_object_del(e.config, "first");
    if (s == LAC_OK)
        s = lac_sweep_expand(e.config, &run, &n);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        s = add_run_of(c, w, &run[i], &e);
    lac_sweep_free(run, n);
    lac_experiment_free(&e);
    return s;
}

static bool is_config(const char *word)
{
    const size_t n = strlen(word);
    return n > 4 && strcmp(word + n - 4, ".lua") == 0;
}

static lac_status add_models(lac_contest *c, const lac_contest_wish *w, const lac_words *words)
{
    for (int i = 0; i < words->n; i++)
        LAC_TRY(is_config(words->word[i]) ? add_config(c, w, words->word[i]) : add_model(c, w, words->word[i], w->name));
    return LAC_OK;
}

static lac_status line_up(lac_contest *c, const lac_contest_wish *w)
{
    static const char *const choices[] = { "on", "off" };
    const lac_baseline *alone = lac_baseline_find(w->baselines), *first = alone != NULL ? alone : lac_baselines;
    int off = 0, n_baselines = alone != NULL;
    if (alone == NULL)
        LAC_TRY(lac_options_choose("--baselines", w->baselines, choices, 2, &off));
    while (alone == NULL && !off && lac_baselines[n_baselines].name != NULL)
        n_baselines++;
    if (c->n + n_baselines == 0)
        return LAC_FAIL(LAC_ERR_ARG, "nothing to score: no model, and baselines off");
    LAC_TRY(lac_calloc((void **)&c->method, (size_t)(c->n + n_baselines), sizeof *c->method));
    LAC_TRY(lac_calloc((void **)&c->row, (size_t)(c->n + n_baselines), sizeof *c->row));
    for (int64_t i = 0; i < c->n; i++)
        c->method[c->n_methods++] = lac_eval_inpainter_method(c->model[i]->model.name, &c->model[i]->painter);
    for (int i = 0; i < n_baselines; i++)
        c->method[c->n_methods++] = lac_eval_baseline(first[i].name);
    for (int64_t i = 0; i < c->n_methods; i++)
        c->row[i] = c->method[i].name;
    return LAC_OK;
}

/* A prompt that nobody takes is a mistake; the records' own are there for whoever wants them. */
static lac_status check_prompt(const lac_contest *c, const lac_contest_wish *w)
{
    if (w->prompt == NULL)
        return LAC_OK;
    for (int64_t i = 0; i < c->n; i++)
        if (c->model[i]->model.ip.def->asks & LAC_ASK_PROMPT)
            return LAC_OK;
    return LAC_FAIL(LAC_ERR_ARG, "--prompt: no model here takes one");
}

/* ---- on what ---- */

/* The protocol's, the first run's own data.eval, or what a config without one would mean. */
static json_t *data_of(const lac_contest *c, const lac_contest_wish *w)
{
    if (w->protocol != NULL)
        return json_deep_copy(json_object_get(w->protocol, "data"));
    for (int64_t i = 0; i < c->n; i++) {
        const json_t *data = lac_config_at(c->model[i]->model.config, "data.eval");
        if (data != NULL)
            return json_deep_copy(data);
    }
    return json_pack("{s:s, s:s, s:s, s:i}", "set", "stamps", "split", "val", "crop", "center", "shorter", 0);
}

static lac_status put_word(json_t *data, const char *key, const char *before, const char *word)
{
    if (json_object_set_new(data, key, json_sprintf("%s%s", before, word)) != 0)
        return LAC_FAIL(LAC_ERR_ARG, "--%s '%s' is not UTF-8 text", key, word);
    return LAC_OK;
}

static lac_status lay_over(json_t *data, const lac_contest_wish *w)
{
    const struct { const char *key, *value; } words[] = { { "set", w->set }, { "split", w->split }, { "crop", w->crop },
                                                        { "prompt", w->prompt } };
    for (size_t i = 0; i < LAC_COUNT(words); i++)
        if (words[i].value != NULL)
            LAC_TRY(put_word(data, words[i].key, "", words[i].value));
    if (w->size > 0)
        json_object_set_new(data, "size", json_integer(w->size));
    if (w->shorter >= 0)
        json_object_set_new(data, "shorter", json_integer(w->shorter));
    if (w->mask != NULL)
        LAC_TRY(put_word(data, "mask", lac_mask_source_knows(w->mask) ? "" : "file:", w->mask));
    if (json_object_get(data, "size") == NULL || json_object_get(data, "mask") == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "eval wants --size and --mask: no run among the models says them");
    return LAC_OK;
}

static lac_status set_file_name(lac_contest *c, long long size)
{
    const lac_eval_about a = lac_eval_set_about(c->set);
    return lac_format(&c->name, "%s%s%s-%lld", a.set, a.split[0] ? "-" : "", a.split, size);
}

/* An autoencoder by that word, as `lacuna eval` has it as a row. */
static lac_status open_through(lac_contest *c, const lac_contest_wish *w, const char *word)
{
    char hash[LAC_SHA256_HEX];
    const lac_model_how how = { .device = w->how.device, .precision = w->how.precision };
    LAC_TRY(lac_calloc((void **)&c->through, 1, sizeof *c->through));
    lac_model *m = &c->through->model;
    LAC_TRY(lac_model_open(m, word, &how));
    if (!m->ip.def->whole)
        return LAC_FAIL(LAC_ERR_ARG, "it is an inpainter, '%s', expected an autoencoder", m->ip.def->name);
    LAC_TRY(equip(c->through, w, 1));
    c->anew = lac_eval_inpainter_method(m->name, &c->through->painter);
    LAC_TRY(lac_params_hash(m->ip.network[0].params, hash));
    return lac_format(&c->view, "%s, through %s (weights %.12s)", lac_eval_set_about(c->set).view, m->name, hash);
}

static lac_status make_anew(lac_contest *c, const lac_contest_wish *w)
{
    const char *own = w->protocol != NULL ? lac_config_str(w->protocol, "through") : "", *word = w->through != NULL ? w->through : own;
    return word[0] == '\0' ? LAC_OK : lac_context(open_through(c, w, word), "through '%s'", word);
}

/* How a set that is not there is made. */
static lac_status without_set(const char *set, lac_status s)
{
    char why[2048], *how;
    if (s != LAC_ERR_IO)
        return s;
    lac_error_copy(why, sizeof why);
    LAC_TRY(lac_source_of(set, &how));
    s = LAC_FAIL(LAC_ERR_IO, "%s%s%s", why, how != NULL ? "; it is made by: " : "", how != NULL ? how : "");
    free(how);
    return s;
}

static lac_status open_set(lac_contest *c, const lac_contest_wish *w)
{
    json_t *data = data_of(c, w);
    lac_status s = lay_over(data, w);
    if (s == LAC_OK && w->limit < 0)
        s = LAC_FAIL(LAC_ERR_ARG, "--limit must be 0 or more, found %lld", (long long)w->limit);
    if (s == LAC_OK)
        s = without_set(lac_config_str(data, "set"), lac_eval_set_open(&c->set, data, w->limit, lac_locate, NULL));
    if (s == LAC_OK)
        s = set_file_name(c, (long long)lac_config_int(data, "size"));
    json_decref(data);
    return s;
}

/* ---- scoring ---- */

/* Values of features of other networks cannot share a column. */
static lac_status find_imagined(lac_contest *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        char *features;
        LAC_TRY(lac_eval_imagined_features(&c->model[i]->model.ip, &features));
        if (c->imagined == NULL) {
            c->imagined = features;
            continue;
        }
        const bool same = features == NULL || strcmp(features, c->imagined) == 0;
        const lac_status s = same ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "'%s' imagines features of '%s', a model before it those of '%s'", c->model[i]->model.name, features, c->imagined);
        free(features);
        LAC_TRY(s);
    }
    return LAC_OK;
}

static bool asks_for_imagined(const char *const *name, int64_t n)
{
    lac_metric m;
    for (int64_t k = 0; k < n; k++)
        if (lac_metric_find(&m, name[k]) == LAC_OK && m.def->imagined)
            return true;
    return false;
}

static lac_status new_score(lac_contest *c, const lac_contest_wish *w)
{
    const lac_backend *b;
    lac_dtype d;
    char *list, *rest = NULL;
    const char **name = NULL;
    int64_t n = 0, capacity = 0;
    LAC_TRY(lac_model_device(&w->how, &b, &d));
    LAC_TRY(lac_strdup(&list, w->metrics));
    lac_status s = lac_eval_set_labels(c->set, &c->label, &c->n_labels);
    for (char *m = strtok_r(list, ",", &rest); s == LAC_OK && m != NULL; m = strtok_r(NULL, ",", &rest)) {
        s = lac_grow((void **)&name, n, &capacity, sizeof *name);
        if (s == LAC_OK)
            name[n++] = m;
    }
    if (s == LAC_OK && asks_for_imagined(name, n))
        s = find_imagined(c);
    const char *imagined = c->imagined == NULL && w->others_imagine ? "none" : c->imagined;
    if (s == LAC_OK)
        s = n > 0 ? lac_score_new(&c->score, name, n, c->row, c->n_methods, &(lac_eval_means){ b, w->weights, c->label, c->n_labels, imagined }) : LAC_FAIL(LAC_ERR_ARG, "--metrics names none");
    free(name);
    free(list);
    return s;
}

lac_score_origin lac_contest_origin(const lac_contest *c, const lac_contest_wish *w)
{
    lac_score_origin origin = lac_eval_set_origin(c->set);
    origin.view = c->view != NULL ? c->view : origin.view;
    origin.seed = (uint64_t)w->seed;
    origin.models = c->models;
    origin.pictures = w->keep ? c->name : NULL;
    origin.protocol = json_string_value(json_object_get(w->protocol, "name"));
    origin.published = json_object_get(w->protocol, "published");
    return origin;
}

/* ---- what it all depends on ---- */

static lac_status describe_models(lac_contest *c)
{
    bool failed = (c->models = json_object()) == NULL;
    for (int64_t i = 0; !failed && i < c->n; i++) {
        json_t *about;
        LAC_TRY(lac_model_about(&c->model[i]->model, &about));
        failed = json_object_set_new(c->models, c->model[i]->model.name, about) != 0;
    }
    return failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: what the models are") : LAC_OK;
}

/* NULL: out of memory. */
static json_t *list_of(int64_t n, const char *const *text)
{
    json_t *list = json_array();
    bool failed = list == NULL;
    for (int64_t i = 0; !failed && i < n; i++)
        failed = json_array_append_new(list, json_string(text[i])) != 0;
    if (!failed)
        return list;
    json_decref(list);
    return NULL;
}

/* On a device whose kernels depend on it, the number of pictures at once; elsewhere it changes no value. */
static int64_t batch_of(const lac_contest *c, const lac_contest_wish *w)
{
    for (int64_t i = 0; i < c->n; i++)
        if (!lac_inpainter_backend(&c->model[i]->model.ip)->host)
            return w->batch;
    return 0;
}

/* The models are handed over behind json_pack, whose "O" keeps a reference when it fails. NULL: out of memory. */
static json_t *question_of(const lac_contest *c, const lac_contest_wish *w)
{
    const lac_score_origin o = lac_contest_origin(c, w);
    json_t *q = json_pack("[s, s?, s?, s?, s?, s?, s?, I, I, I, b]", lac_code_revision(), o.set, o.split, o.manifest, o.masks, o.view, o.prompt, (json_int_t)o.seed,
                          (json_int_t)lac_eval_set_count(c->set), (json_int_t)batch_of(c, w), (int)w->keep);
    if (json_array_append(q, c->models) == 0 && json_array_append_new(q, list_of(c->n_methods, c->row)) == 0 &&
        json_array_append_new(q, list_of(c->score.n_metrics, (const char *const *)c->score.metric_name)) == 0 &&
        json_array_append_new(q, list_of(c->score.n_metrics, (const char *const *)c->score.recipe)) == 0)
        return q;
    json_decref(q);
    return NULL;
}

/* Its hash: another question begins anew. */
static lac_status hash_question(lac_contest *c, const lac_contest_wish *w)
{
    uint8_t digest[LAC_SHA256_SIZE];
    json_t *question = question_of(c, w);
    char *text = question != NULL ? json_dumps(question, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(question);
    if (text == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: what is asked");
    lac_sha256_of(text, strlen(text), digest);
    lac_sha256_hex(digest, c->question);
    free(text);
    return LAC_OK;
}

static lac_status ask(lac_contest *c, const lac_contest_wish *w)
{
    LAC_TRY(describe_models(c));
    LAC_TRY(hash_question(c, w));
    LAC_TRY(lac_make_folders(c->folder));
    return lac_format(&c->journal, "%s/%s.journal", c->folder, c->name);
}

/* The folder asked for; else that of a run that was scored alone; else none. */
static lac_status choose_folder(lac_contest *c, const lac_contest_wish *w, const lac_words *words)
{
    if (w->out != NULL)
        return lac_strdup(&c->folder, w->out);
    if (words->n == 1 && lac_model_is_run(words->word[0]))
        return lac_format(&c->folder, "%s/eval", words->word[0]);
    return w->keep ? LAC_FAIL(LAC_ERR_ARG, "--keep wants --out: no single run says where pictures should go") : LAC_OK;
}

lac_status lac_contest_prepare(lac_contest *c, const lac_contest_wish *w, const lac_words *words)
{
    LAC_TRY(add_models(c, w, words));
    LAC_TRY(line_up(c, w));
    LAC_TRY(check_prompt(c, w));
    LAC_TRY(choose_folder(c, w, words));
    LAC_TRY(open_set(c, w));
    LAC_TRY(make_anew(c, w));
    LAC_TRY(new_score(c, w));
    return c->folder != NULL ? ask(c, w) : LAC_OK;
}

/* Prompts of which a model has read a part alone, on all ranks together. */
static lac_status tell_of_cut_prompts(const lac_contest *c, lac_comm *comm)
{
    for (int64_t i = 0; i < c->n; i++) {
        const lac_prompts *prompts = &c->model[i]->model.ip.prompts;
        double cut = (double)c->model[i]->painter.cut;
        LAC_TRY(comm->all_reduce_f64(comm, &cut, 1));
        if (cut > 0 && comm->rank == 0)
            fprintf(stderr, "lacuna: %s: %.0f of %lld prompts are longer than %lld tokens; what is beyond is not read\n", c->model[i]->model.name, cut,
                    (long long)lac_eval_set_count(c->set), (long long)lac_prompts_length(prompts));
    }
    return LAC_OK;
}

lac_status lac_contest_score(lac_contest *c, const lac_contest_wish *w, lac_comm *comm)
{
    char *kept = NULL;
    if (w->keep)
        LAC_TRY(lac_format(&kept, "%s/%s", c->folder, c->name));
    const lac_eval_watch_wish wish = { .images = w->pictures, .batch = w->batch, .kept = kept, .kept_first = w->keep_first, .anew = c->through != NULL ? &c->anew : NULL, .journal = c->journal, .question = c->question };
    const lac_status s = lac_eval_watch_run(&c->watch, &c->score, c->set, c->method, c->n_methods, &wish, comm);
    c->watch.kept = NULL;
    free(kept);
    return s == LAC_OK ? tell_of_cut_prompts(c, comm) : s;
}

/* Nobody needs the journals of an evaluation whose files are written. */
lac_status lac_contest_forget(const lac_contest *c) { return c->journal != NULL ? lac_journal_forget(c->journal) : LAC_OK; }
