/* lacuna eval: runs, models and baselines scored over a split of a packed set. */
#include "cli/commands.h"
#include "cli/eval_coco.h"
#include "cli/eval_images.h"
#include "cli/eval_watch.h"
#include "cli/locate.h"
#include "cli/lua_host.h"
#include "cli/protocol.h"
#include "cli/run_report.h"
#include "cli/sweep.h"
#include "cli/weights_arg.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "eval/baseline.h"
#include "eval/table.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_AT_ONCE = 4096, UNSAID = INT32_MIN };

static const char default_metrics[] = "l1-pm1@hole,l1-percent@hole,l2-percent@hole,psnr@hole,psnr,ssim,tv";

typedef struct wish {
    const char *set, *split, *crop, *mask, *metrics, *baselines, *out;
    const char *prompt;
    int64_t size, shorter, limit, pictures, batch, seed;
    bool keep;
    const char *protocol_name;
    json_t *protocol;               /* cli/protocol.h; NULL: none */
    char *protocol_metrics;
    const lac_eval_weights *weights;        /* of the metrics' networks */
    lac_model_how how;
} wish;

/* What stands in a row of the table: a model, or a baseline when tape is NULL. */
typedef struct contender { lac_model model; lac_tape *tape; lac_eval_painter painter; } contender;

typedef struct contest {
    contender **model;              /* each of its own, since methods point into it */
    int64_t n, capacity;
    lac_eval_method *method;
    const char **row;               /* the methods' names */
    int64_t n_methods;
    lac_eval_set *set;
    const char **label;             /* of its pictures, each once */
    int64_t n_labels;
    lac_score score;
    lac_eval_watch watch;
    json_t *models;                 /* what they are, by name; NULL where nothing is written */
    char *journal, question[LAC_SHA256_HEX];        /* the stem of the journals, NULL where nothing is written; all that the values depend on */
    char *folder, *name;            /* where the files go, NULL: nowhere; and "SET-SPLIT-SIZE", what they are called */
} contest;

static void free_contest(contest *c)
{
    lac_eval_watch_free(&c->watch);
    lac_score_free(&c->score);
    free(c->label);
    lac_eval_set_close(c->set);
    for (int64_t i = 0; i < c->n; i++) {
        lac_tape_free(c->model[i]->tape);
        lac_model_close(&c->model[i]->model);
        free(c->model[i]);
    }
    free(c->model);
    free(c->method);
    free(c->row);
    json_decref(c->models);
    free(c->journal);
    free(c->folder);
    free(c->name);
}

/* ---- who takes part ---- */

static bool taken(const contest *c, const char *name)
{
    for (int64_t i = 0; i + 1 < c->n; i++)
        if (strcmp(c->model[i]->model.name, name) == 0)
            return true;
    return false;
}

/* Two models of one name are told apart by their paths. name NULL: the model's own. */
static lac_status set_name(contest *c, lac_model *m, const char *path, const char *name)
{
    char *chosen;
    if (name == NULL && !taken(c, m->name))
        return LAC_OK;
    LAC_TRY(lac_strdup(&chosen, name != NULL && !taken(c, name) ? name : path));
    free(m->name);
    m->name = chosen;
    return LAC_OK;
}

static lac_status add_model(contest *c, const wish *w, const char *path, const char *name)
{
    contender *m;
    LAC_TRY(lac_grow((void **)&c->model, c->n, &c->capacity, sizeof *c->model));
    LAC_TRY(lac_calloc((void **)&m, 1, sizeof *m));
    c->model[c->n++] = m;
    LAC_TRY(lac_model_open(&m->model, path, &w->how));
    if (w->protocol != NULL)
        LAC_TRY(lac_protocol_sampling(w->protocol, &w->how, &m->model.ip));
    LAC_TRY(set_name(c, &m->model, path, name));
    LAC_TRY(lac_tape_new(&m->tape, lac_inpainter_backend(&m->model.ip)));
    m->painter = (lac_eval_painter){ &m->model.ip, m->tape, (uint64_t)w->seed, w->batch };
    return LAC_OK;
}

static lac_status add_run_of(contest *c, const wish *w, const lac_sweep_run *run, lac_experiment *e)
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
static lac_status add_config(contest *c, const wish *w, const char *path)
{
    lac_experiment e;
    lac_sweep_run *run = NULL;
    int64_t n = 0;
    LAC_TRY(lac_experiment_open(&e, path));
    lac_status s = lac_sweep_expand(e.config, &run, &n);
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

static lac_status add_models(contest *c, const wish *w, const lac_words *words)
{
    for (int i = 0; i < words->n; i++)
        LAC_TRY(is_config(words->word[i]) ? add_config(c, w, words->word[i]) : add_model(c, w, words->word[i], NULL));
    return LAC_OK;
}

static lac_status line_up(contest *c, const wish *w)
{
    static const char *const choices[] = { "on", "off" };
    int off, n_baselines = 0;
    LAC_TRY(lac_options_choose("--baselines", w->baselines, choices, 2, &off));
    while (!off && lac_baselines[n_baselines].name != NULL)
        n_baselines++;
    if (c->n + n_baselines == 0)
        return LAC_FAIL(LAC_ERR_ARG, "nothing to score: no model, and baselines off");
    LAC_TRY(lac_calloc((void **)&c->method, (size_t)(c->n + n_baselines), sizeof *c->method));
    LAC_TRY(lac_calloc((void **)&c->row, (size_t)(c->n + n_baselines), sizeof *c->row));
    for (int64_t i = 0; i < c->n; i++)
        c->method[c->n_methods++] = lac_eval_inpainter_method(c->model[i]->model.name, &c->model[i]->painter);
    for (int i = 0; i < n_baselines; i++)
        c->method[c->n_methods++] = lac_eval_baseline(lac_baselines[i].name);
    for (int64_t i = 0; i < c->n_methods; i++)
        c->row[i] = c->method[i].name;
    return LAC_OK;
}

/* A prompt that nobody takes is a mistake; the records' own are there for whoever wants them. */
static lac_status check_prompt(const contest *c, const wish *w)
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
static json_t *data_of(const contest *c, const wish *w)
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

static lac_status lay_over(json_t *data, const wish *w)
{
    const struct { const char *key, *value; } words[] = { { "set", w->set }, { "split", w->split }, { "crop", w->crop },
                                                        { "prompt", w->prompt } };
    for (size_t i = 0; i < LAC_COUNT(words); i++)
        if (words[i].value != NULL)
            json_object_set_new(data, words[i].key, json_string(words[i].value));
    if (w->size > 0)
        json_object_set_new(data, "size", json_integer(w->size));
    if (w->shorter >= 0)
        json_object_set_new(data, "shorter", json_integer(w->shorter));
    if (w->mask != NULL)
        json_object_set_new(data, "mask", json_sprintf("file:%s", w->mask));
    if (json_object_get(data, "size") == NULL || json_object_get(data, "mask") == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "eval wants --size and --mask: no run among the models says them");
    return LAC_OK;
}

static lac_status set_file_name(contest *c, long long size)
{
    const lac_eval_about a = lac_eval_set_about(c->set);
    return lac_format(&c->name, "%s%s%s-%lld", a.set, a.split[0] ? "-" : "", a.split, size);
}

/* Of a set that is not there the protocol tells how it is made. */
static lac_status without_set(const wish *w, lac_status s)
{
    const char *pack = lac_config_str(w->protocol, "pack");
    return w->protocol != NULL && pack[0] != '\0' && s == LAC_ERR_IO ? lac_context(s, "protocol '%s', whose set is made by '%s'", w->protocol_name, pack) : s;
}

static lac_status open_set(contest *c, const wish *w)
{
    json_t *data = data_of(c, w);
    lac_status s = lay_over(data, w);
    if (s == LAC_OK && w->limit < 0)
        s = LAC_FAIL(LAC_ERR_ARG, "--limit must be 0 or more, found %lld", (long long)w->limit);
    if (s == LAC_OK)
        s = without_set(w, lac_eval_set_open(&c->set, data, w->limit, lac_locate, NULL));
    if (s == LAC_OK)
        s = set_file_name(c, (long long)lac_config_int(data, "size"));
    json_decref(data);
    return s;
}

/* ---- scoring ---- */

static lac_status new_score(contest *c, const wish *w)
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
    if (s == LAC_OK)
        s = n > 0 ? lac_score_new(&c->score, name, n, c->row, c->n_methods, &(lac_eval_means){ b, w->weights, c->label, c->n_labels }) : LAC_FAIL(LAC_ERR_ARG, "--metrics names none");
    free(name);
    free(list);
    return s;
}

static lac_score_origin origin_of(const contest *c, const wish *w)
{
    lac_score_origin origin = lac_eval_set_origin(c->set);
    origin.seed = (uint64_t)w->seed;
    origin.models = c->models;
    origin.pictures = w->keep ? c->name : NULL;
    origin.protocol = json_string_value(json_object_get(w->protocol, "name"));
    origin.published = json_object_get(w->protocol, "published");
    return origin;
}

static lac_status table_of(const contest *c, const wish *w, lac_table *t)
{
    const lac_score_origin origin = origin_of(c, w);
    json_t *summary;
    LAC_TRY(lac_score_summary(&c->score, &origin, &summary));
    const lac_status s = lac_table_add(t, summary);
    json_decref(summary);
    return s;
}

/* ---- what comes out ---- */

static lac_status write_text(const char *stem, const char *ending, const lac_table *t, lac_status (*make)(const lac_table *, char **))
{
    char *path = NULL, *text = NULL;
    lac_status s = make(t, &text);
    if (s == LAC_OK)
        s = lac_format(&path, "%s.%s", stem, ending);
    if (s == LAC_OK)
        s = lac_file_write(path, text, strlen(text));
    free(path);
    free(text);
    return s;
}

static lac_status write_sheet(const contest *c, const char *stem)
{
    char *path;
    if (c->watch.n_shown == 0)
        return LAC_OK;
    LAC_TRY(lac_format(&path, "%s.png", stem));
    const lac_status s = lac_eval_watch_sheet(&c->watch, path);
    free(path);
    return s;
}

/* DIR/SET-SPLIT-SIZE.json, .images.jsonl, .images.csv, .md, .csv, .tex, .html, .png; and the reports of the runs among `words`. */
static lac_status write_files(const contest *c, const wish *w, const lac_table *t, const lac_words *words)
{
    const lac_score_origin origin = origin_of(c, w);
    char *stem;
    LAC_TRY(lac_make_folders(c->folder));
    LAC_TRY(lac_format(&stem, "%s/%s", c->folder, c->name));
    lac_status s = lac_score_save(&c->score, &origin, stem);
    if (s == LAC_OK)
        s = write_text(stem, "md", t, lac_table_markdown);
    if (s == LAC_OK)
        s = write_text(stem, "csv", t, lac_table_csv);
    if (s == LAC_OK)
        s = write_text(stem, "tex", t, lac_table_latex);
    if (s == LAC_OK)
        s = write_text(stem, "html", t, lac_table_html);
    if (s == LAC_OK)
        s = write_sheet(c, stem);
    for (int i = 0; s == LAC_OK && i < words->n; i++)
        if (lac_model_is_run(words->word[i]))
            s = lac_write_report(words->word[i]);
    if (s == LAC_OK)
        fprintf(stderr, "written: %s.{json,images.jsonl,images.csv,md,csv,tex,html%s}%s%s\n", stem, c->watch.n_shown > 0 ? ",png" : "",
                origin.pictures != NULL ? ", pictures below " : "", origin.pictures != NULL ? stem : "");
    free(stem);
    return s;
}

/* The folder asked for; else that of a run that was scored alone; else none. */
static lac_status choose_folder(contest *c, const wish *w, const lac_words *words)
{
    if (w->out != NULL)
        return lac_strdup(&c->folder, w->out);
    if (words->n == 1 && lac_model_is_run(words->word[0]))
        return lac_format(&c->folder, "%s/eval", words->word[0]);
    return w->keep ? LAC_FAIL(LAC_ERR_ARG, "--keep wants --out: no single run says where pictures should go") : LAC_OK;
}

static lac_status report(const contest *c, const wish *w, const lac_words *words)
{
    lac_table t = { 0 };
    char *text = NULL;
    lac_status s = table_of(c, w, &t);
    if (s == LAC_OK)
        s = lac_table_markdown(&t, &text);
    if (s == LAC_OK)
        fputs(text, stdout);
    if (s == LAC_OK && c->folder != NULL)
        s = write_files(c, w, &t, words);
    free(text);
    lac_table_free(&t);
    return s;
}

/* ---- what it all depends on ---- */

static lac_status describe_models(contest *c)
{
    c->models = json_object();
    for (int64_t i = 0; i < c->n; i++) {
        json_t *about;
        LAC_TRY(lac_model_about(&c->model[i]->model, &about));
        json_object_set_new(c->models, c->model[i]->model.name, about);
    }
    return c->models != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: what the models are");
}

static json_t *list_of(int64_t n, const char *const *text)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(text[i]));
    return list;
}

/* On a device whose kernels depend on it, the number of pictures at once; elsewhere it changes no value. */
static int64_t batch_of(const contest *c, const wish *w)
{
    for (int64_t i = 0; i < c->n; i++)
        if (!lac_inpainter_backend(&c->model[i]->model.ip)->host)
            return w->batch;
    return 0;
}

/* Its hash: another question begins anew. */
static lac_status hash_question(contest *c, const wish *w)
{
    const lac_score_origin o = origin_of(c, w);
    uint8_t digest[LAC_SHA256_SIZE];
    json_t *question = json_pack("[s, s?, s?, s?, s?, s?, s?, I, I, I, b, O, o, o, o]", lac_code_revision(), o.set, o.split, o.manifest, o.masks, o.view, o.prompt, (json_int_t)o.seed,
                                 (json_int_t)lac_eval_set_count(c->set), (json_int_t)batch_of(c, w), (int)w->keep, c->models, list_of(c->n_methods, c->row),
                                 list_of(c->score.n_metrics, (const char *const *)c->score.metric_name), list_of(c->score.n_metrics, (const char *const *)c->score.recipe));
    char *text = question != NULL ? json_dumps(question, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(question);
    if (text == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: what is asked");
    lac_sha256_of(text, strlen(text), digest);
    lac_sha256_hex(digest, c->question);
    free(text);
    return LAC_OK;
}

static lac_status ask(contest *c, const wish *w)
{
    LAC_TRY(describe_models(c));
    LAC_TRY(hash_question(c, w));
    LAC_TRY(lac_make_folders(c->folder));
    return lac_format(&c->journal, "%s/%s.journal", c->folder, c->name);
}

static lac_status prepare(contest *c, const wish *w, const lac_words *words)
{
    LAC_TRY(add_models(c, w, words));
    LAC_TRY(line_up(c, w));
    LAC_TRY(check_prompt(c, w));
    LAC_TRY(choose_folder(c, w, words));
    LAC_TRY(open_set(c, w));
    LAC_TRY(new_score(c, w));
    return c->folder != NULL ? ask(c, w) : LAC_OK;
}

static lac_status score(contest *c, const wish *w, lac_comm *comm)
{
    char *kept = NULL;
    if (w->keep)
        LAC_TRY(lac_format(&kept, "%s/%s", c->folder, c->name));
    const lac_eval_watch_wish wish = { .images = w->pictures, .batch = w->batch, .kept = kept, .journal = c->journal, .question = c->question };
    const lac_status s = lac_eval_watch_run(&c->watch, &c->score, c->set, c->method, c->n_methods, &wish, comm);
    c->watch.kept = NULL;
    free(kept);
    return s;
}

/* Nobody needs the journals of an evaluation whose files are written. */
static lac_status forget(const contest *c) { return c->journal != NULL ? lac_journal_forget(c->journal) : LAC_OK; }

/* Prompts of which a model has read a part alone, on all ranks together. */
static lac_status tell_of_cut_prompts(const contest *c, lac_comm *comm)
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

/* Every rank has models and set open and scores its share; the first prints and writes. */
static lac_status evaluate(const wish *w, const lac_words *words, lac_comm *comm)
{
    contest c = { .model = NULL };
    lac_status s = lac_comm_agree(comm, prepare(&c, w, words));
    if (s == LAC_OK)
        s = score(&c, w, comm);
    if (s == LAC_OK)
        s = tell_of_cut_prompts(&c, comm);
    if (s == LAC_OK)
        s = lac_comm_agree(comm, comm->rank == 0 ? report(&c, w, words) : LAC_OK);
    if (s == LAC_OK)
        s = lac_comm_agree(comm, comm->rank == 0 ? forget(&c) : LAC_OK);
    free_contest(&c);
    return s;
}

static int run_on_ranks(const wish *w, const lac_words *words)
{
    lac_comm *comm = NULL;
    lac_status s = lac_comm_open(&comm, 600);
    if (s == LAC_OK)
        s = evaluate(w, words, comm);
    const int code = lac_finish_rank(s, comm, true);
    lac_comm_free(comm);
    return code;
}

/* ---- the two ways in ---- */

/* Finished pictures: what belongs to the other way has no place beside --reference. */
static int run_on_images(const wish *w, lac_eval_images_wish *images, const lac_words *words)
{
    const struct { const char *option; bool given; } other[] = {
        { "--set", w->set != NULL }, { "--split", w->split != NULL }, { "--crop", w->crop != NULL }, { "--shorter", w->shorter >= 0 },
        { "--mask (it is --masks)", w->mask != NULL }, { "--prompt (it is --prompts)", w->prompt != NULL }, { "--baselines", w->baselines != NULL },
        { "--protocol", w->protocol_name != NULL },
    };
    for (size_t i = 0; i < LAC_COUNT(other); i++)
        if (other[i].given)
            return lac_finish(LAC_FAIL(LAC_ERR_ARG, "%s does not go with --reference", other[i].option));
    if (words->n != 1)
        return lac_finish(LAC_FAIL(LAC_ERR_ARG, "one folder of finished pictures goes with --reference, found %d", words->n));
    images->images = words->word[0];
    images->metrics = w->metrics;
    images->out = w->out;
    images->size = w->size;
    images->limit = w->limit;
    images->batch = w->batch;
    images->seed = LAC_MAX(w->seed, 0);
    images->how = &w->how;
    return lac_eval_images(images);
}

/* Two files of annotations, and nothing else. */
static int run_on_coco(const wish *w, const lac_eval_images_wish *images, lac_eval_coco_wish *coco, const lac_words *words)
{
    const struct { const char *option; bool given; } other[] = {
        { "a word beside the options", words->n > 0 }, { "--reference", images->reference != NULL }, { "--masks", images->masks != NULL }, { "--metrics", w->metrics != NULL },
        { "--set", w->set != NULL }, { "--protocol", w->protocol_name != NULL }, { "--limit", w->limit != 0 }, { "--size", w->size != 0 },
    };
    for (size_t i = 0; i < LAC_COUNT(other); i++)
        if (other[i].given)
            return lac_finish(LAC_FAIL(LAC_ERR_ARG, "%s does not go with --ground-truth and --detections", other[i].option));
    coco->out = w->out;
    return lac_finish(lac_eval_coco(coco));
}

/* What the protocol says and no option. */
static lac_status take_protocol(wish *w)
{
    if (w->protocol_name == NULL)
        return LAC_OK;
    LAC_TRY(lac_protocol_open(&w->protocol, w->protocol_name));
    w->seed = w->seed == UNSAID ? lac_config_int(w->protocol, "seed") : w->seed;
    if (w->metrics != NULL)
        return LAC_OK;
    LAC_TRY(lac_protocol_metrics(w->protocol, &w->protocol_metrics));
    w->metrics = w->protocol_metrics;
    return LAC_OK;
}

static int run_on_set(wish *w, const lac_eval_images_wish *images, const lac_words *words)
{
    lac_weights_arg weights = { .weights = { NULL, 0, 0 } };
    if (images->masks != NULL || images->prompts != NULL || images->cache != NULL || images->strict)
        return lac_finish(LAC_FAIL(LAC_ERR_ARG, "%s is for finished pictures, which want --reference",
                                   images->masks != NULL ? "--masks" : images->prompts != NULL ? "--prompts" : images->cache != NULL ? "--cache" : "--strict"));
    lac_status s = take_protocol(w);
    if (s == LAC_OK)
        s = lac_weights_arg_open(&weights, &images->weights);
    w->weights = &weights.weights;
    w->seed = LAC_MAX(w->seed, 0);
    w->metrics = w->metrics != NULL ? w->metrics : default_metrics;
    w->baselines = w->baselines != NULL ? w->baselines : "on";
    const int code = s == LAC_OK ? run_on_ranks(w, words) : lac_finish(s);
    lac_weights_arg_close(&weights);
    json_decref(w->protocol);
    free(w->protocol_metrics);
    return code;
}

static lac_status check_numbers(const wish *w)
{
    if (w->pictures < 0 || w->size < 0)
        return LAC_FAIL(LAC_ERR_ARG, "--pictures and --size must not be negative");
    if (w->batch < 1 || w->batch > MOST_AT_ONCE)
        return LAC_FAIL(LAC_ERR_ARG, "--batch must be 1 to %d, found %lld", MOST_AT_ONCE, (long long)w->batch);
    if (w->seed < 0 && w->seed != UNSAID)
        return LAC_FAIL(LAC_ERR_ARG, "--seed must not be negative, found %lld", (long long)w->seed);
    return LAC_OK;
}

static const char about[] =
    "Scores runs, weights files and the runs of configs, with simple fills beside them, over a split of a packed set. Set, split,\n"
    "size and masks are those of the first run's data.eval unless given. The table is printed as Markdown; the files are\n"
    "SET-SPLIT-SIZE.json (summary), .images.jsonl and .csv (a line a picture and method), .md, .csv, .tex, .html and .png (known, each method,\n"
    "truth). Brackets are 95 % intervals that resample backgrounds. Started by mpirun or srun, the ranks share the pictures and the first\n"
    "writes the files, the same to the byte. Stopped and started again with the same question, it goes on where it stood (SET-SPLIT-SIZE.journal-RANK).\n\n"
    "With --reference the word is a folder of finished pictures, by whomever, measured against a folder of references (docs/evaluation.md):\n\n"
    "    lacuna eval IMAGES --reference DIR|STATS.npz [--masks DIR] [--prompts FILE.json] --metrics NAME[@hole|@known],...\n"
    "                [--weights NAME=FILE]... [--size N] [--fid-dims N] [--kid-subsets N] [--kid-subset-size N] [--strict] --out OUT.json\n\n"
    "Files of one name without its ending are pairs. OUT.json has each metric's value, its recipe and what is broken, unmatched or undefined;\n"
    "OUT.images.jsonl and .csv a line a pair. Stopped, it goes on where it stood (OUT.journal-RANK). Metrics: l1 mse psnr tv ssim ssim-valid ssim-zero\n"
    "ssim-reflect ssim-uniform7 lpips-alex lpips-vgg lpips-squeeze, each also @hole and @known; ms-ssim ms-ssim-reflect brushnet-psnr\n"
    "brushnet-mse brushnet-lpips; of two sets fid fid-clean fid-tf kid is precision recall p-ids u-ids\n"
    "lfid-bbox lfid-bbox-ann lfid-sq lfid-sq-1.25 lfid-sq-1.5 lfid-mask;\n"
    "of captions clip-score clipscore-w2.5 clip-sim clip-dir clip-dir-image clip-dir-text image-reward hps-v2 hps-v2.1; of labels clip-local clip-local2 clip-cat clip@1 clip@3 clip@5 clip-distance;\n"
    "of pictures alone clip-i aesthetic-v1 aesthetic-v2; of folders of masks iou m-iou c-iou p@0.5 p@0.6 p@0.7 p@0.8 p@0.9.\n\n"
    "    lacuna eval --ground-truth instances.json --detections results.json [--iou-type bbox|segm|keypoints] --out OUT.json\n\n"
    "is COCOeval's AP and AR of a detector's results. Exit status: 0 done, 76 another rank was lost, else an error.";

int lac_cmd_eval(int argc, char **argv)
{
    wish w = { .shorter = -1, .seed = UNSAID, .pictures = 8, .batch = LAC_EVAL_BATCH, .how = { "auto", "auto" } };
    lac_eval_images_wish images = { .settings = LAC_METRIC_SETTINGS };
    lac_eval_coco_wish coco = { .iou_type = "bbox" };
    const lac_option options[] = {
        { "protocol", 0, "NAME", LAC_OPTION_STRING, &w.protocol_name, "a benchmark's own split, masks, size, sampling, seed and metrics (configs-lua/protocols/), with what was published beside the table" },
        { "set", 0, "NAME", LAC_OPTION_STRING, &w.set, "packed set: a path, or a name below $LACUNA_SETS or sets/" },
        { "split", 0, "NAME", LAC_OPTION_STRING, &w.split, "of the set" },
        { "size", 0, "N", LAC_OPTION_INT, &w.size, "side of the pictures; finished ones are brought to N x N before paired metrics" },
        { "crop", 0, "NAME", LAC_OPTION_STRING, &w.crop, "center or squash" },
        { "shorter", 0, "N", LAC_OPTION_INT, &w.shorter, "shorter side before the crop; 0: as large as the crop allows" },
        { "mask", 0, "NAME", LAC_OPTION_STRING, &w.mask, "file of fixed masks: a path, or a name below data/masks" },
        { "metrics", 0, "LIST", LAC_OPTION_STRING, &w.metrics, "separated by commas; a region may follow: psnr@hole, psnr@known" },
        { "limit", 0, "N", LAC_OPTION_INT, &w.limit, "pictures, the first of the split; 0: all (default)" },
        { "baselines", 0, "on|off", LAC_OPTION_STRING, &w.baselines, "rows for copy nothing, mean colour and Laplace fill (default on)" },
        { "prompt", 0, "TEXT", LAC_OPTION_STRING, &w.prompt, "for every picture, in place of data.eval.prompt and the records' captions" },
        { "seed", 0, "N", LAC_OPTION_INT, &w.seed, "of what models draw at random, and of the intervals' resamples (default 0)" },
        { "batch", 0, "N", LAC_OPTION_INT, &w.batch, "pictures at once, which changes no value (default 8)" },
        { "pictures", 0, "N", LAC_OPTION_INT, &w.pictures, "rows of the sheet of pictures; 0: no sheet (default 8)" },
        { "keep", 0, NULL, LAC_OPTION_FLAG, &w.keep, "every finished picture, the truth and the masks as PNG below DIR/SET-SPLIT-SIZE/: for lacuna report, or any other tool" },
        { "out", 'o', "DIR|OUT.json", LAC_OPTION_STRING, &w.out, "where the files go (default RUN/eval for one run, else none are written)" },
        { "reference", 0, "DIR|STATS.npz", LAC_OPTION_STRING, &images.reference, "finished pictures are measured against these, or their statistics" },
        { "cache", 0, "DIR", LAC_OPTION_STRING, &images.cache, "what Inception makes of finished pictures and references is kept there, for evaluations to come" },
        { "save-statistics", 0, "FILE.npz", LAC_OPTION_STRING, &images.statistics,
          "mu and sigma of the reference's features, by the first of fid, fid-clean and fid-tf among --metrics (default fid), for --reference later; of IMAGES, without --reference" },
        { "masks", 0, "DIR", LAC_OPTION_STRING, &images.masks, "masks of finished pictures: 128 and above is hole" },
        { "prompts", 0, "FILE.json", LAC_OPTION_STRING, &images.prompts, "captions of finished pictures by id, and labels, boxes, captions before and after" },
        { "weights", 0, "NAME=FILE", LAC_OPTION_MULTIPLE, &images.weights, "weights of a metric's network; several files of one NAME are joined; of mini-clip a run too" },
        { "fid-dims", 0, "N", LAC_OPTION_INT, &images.settings.fid_dims, "features of Inception: 64, 192, 768 or 2048 (default)" },
        { "kid-subsets", 0, "N", LAC_OPTION_INT, &images.settings.kid_subsets, "default 100" },
        { "kid-subset-size", 0, "N", LAC_OPTION_INT, &images.settings.kid_subset_size, "default 1000" },
        { "ground-truth", 0, "FILE.json", LAC_OPTION_STRING, &coco.ground_truth, "COCO's instances or person_keypoints: --detections are scored by its AP and AR" },
        { "detections", 0, "FILE.json", LAC_OPTION_STRING, &coco.detections, "a detector's results, as COCO wants them" },
        { "iou-type", 0, "bbox|segm|keypoints", LAC_OPTION_STRING, &coco.iou_type, "what is compared: boxes (default), masks, or key points by OKS" },
        { "strict", 0, NULL, LAC_OPTION_FLAG, &images.strict, "a finished picture that is broken, unmatched or undefined is an error" },
        LAC_MODEL_HOW_OPTIONS(w.how),
        { NULL },
    };
    const lac_command command = { "lacuna eval", "[RUN|MODEL|CONFIG|IMAGES ...]", 0, -1, about, options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go && s == LAC_OK)
        s = check_numbers(&w);
    const int code = !go || s != LAC_OK ? lac_finish(s) : coco.ground_truth != NULL || coco.detections != NULL ? run_on_coco(&w, &images, &coco, &words)
                   : images.reference != NULL || images.statistics != NULL ? run_on_images(&w, &images, &words) : run_on_set(&w, &images, &words);
    lac_words_free(&words);
    lac_words_free(&w.how.set);
    lac_words_free(&images.weights);
    return code;
}
