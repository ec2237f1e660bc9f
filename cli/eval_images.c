#include "cli/eval_images.h"

#include "cli/commands.h"
#include "cli/eval_result.h"
#include "cli/weights_arg.h"
#include "core/clock.h"
#include "core/file/relative.h"
#include "core/memory.h"
#include "eval/finished.h"
#include "eval/journal.h"
#include "train/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is asked ---- */

typedef struct asked { char *list, *out; const char **metric; int64_t n; lac_weights_arg weights; } asked;

static void free_asked(asked *a)
{
    lac_weights_arg_close(&a->weights);
    free(a->metric);
    free(a->list);
    free(a->out);
}

static lac_status split_metrics(asked *a, const char *metrics)
{
    char *rest = NULL;
    int64_t capacity = 0;
    LAC_TRY(lac_strdup(&a->list, metrics));
    for (char *m = strtok_r(a->list, ",", &rest); m != NULL; m = strtok_r(NULL, ",", &rest)) {
        LAC_TRY(lac_grow((void **)&a->metric, a->n, &capacity, sizeof *a->metric));
        a->metric[a->n++] = m;
    }
    return LAC_OK;
}

static lac_status check(const lac_eval_images_wish *w)
{
    const int64_t dims = w->settings.fid_dims;
    if (w->reference == NULL && (w->out != NULL || w->masks != NULL || w->prompts != NULL))
        return LAC_FAIL(LAC_ERR_ARG, "%s wants --reference", w->out != NULL ? "--out" : w->masks != NULL ? "--masks" : "--prompts");
    if (w->reference != NULL && (w->metrics == NULL || w->out == NULL))
        return LAC_FAIL(LAC_ERR_ARG, "finished pictures want %s", w->metrics == NULL ? "--metrics NAME,..." : "--out OUT.json");
    if (dims != 64 && dims != 192 && dims != 768 && dims != 2048)
        return LAC_FAIL(LAC_ERR_ARG, "--fid-dims must be 64, 192, 768 or 2048, found %lld", (long long)dims);
    if (w->settings.kid_subsets < 0 || w->settings.kid_subset_size < 2)
        return LAC_FAIL(LAC_ERR_ARG, "--kid-subsets must not be negative, --kid-subset-size must be at least 2");
    if (w->size < 0 || w->limit < 0 || w->size > 16384)
        return LAC_FAIL(LAC_ERR_ARG, "--size must be 0 to 16384, --limit 0 or more");
    return LAC_OK;
}

/* OUT without ".json", and OUT's folder made. */
static lac_status name_out(asked *a, const char *out)
{
    const size_t n = strlen(out);
    const bool ends = n > 5 && strcmp(out + n - 5, ".json") == 0;
    LAC_TRY(lac_format(&a->out, "%.*s", (int)(ends ? n - 5 : n), out));
    return lac_eval_result_make_folder(out);
}

static lac_status open_finished(const lac_eval_images_wish *w, asked *a, lac_finished **f)
{
    const lac_backend *b;
    lac_dtype d;
    LAC_TRY(check(w));
    LAC_TRY(split_metrics(a, w->metrics != NULL ? w->metrics : "fid"));
    LAC_TRY(lac_model_device(w->how, &b, &d));
    LAC_TRY(lac_weights_arg_open(&a->weights, &w->weights));
    const lac_finished_ask ask = { .images = w->images, .reference = w->reference, .masks = w->masks, .prompts = w->prompts, .metric = a->metric, .n_metrics = a->n,
                                   .weights = &a->weights.weights, .settings = w->settings, .size = w->size, .limit = w->limit, .batch = w->batch,
                                   .seed = (uint64_t)w->seed, .backend = b, .cache = w->cache };
    LAC_TRY(lac_finished_open(f, &ask));
    if (w->statistics != NULL)
        LAC_TRY(lac_finished_has_statistics(*f));
    return name_out(a, w->out != NULL ? w->out : w->statistics);
}

/* ---- while it runs ---- */

typedef struct progress { bool terminal; double started; } progress;

static void tell(void *context, int64_t done, int64_t measured, int64_t n)
{
    const progress *p = context;
    char left[40];
    if (!p->terminal)
        return;
    lac_duration(left, sizeof left, measured > 0 ? (lac_seconds() - p->started) / (double)measured * (double)(n - done) : -1);
    fprintf(stderr, "\r\033[Kpicture %lld/%lld   ETA %s", (long long)done, (long long)n, left);
}

static lac_status run(lac_finished *f, const asked *a, lac_comm *comm)
{
    progress p = { comm->rank == 0 && isatty(STDERR_FILENO), lac_seconds() };
    char *journal = NULL;
    LAC_TRY(lac_comm_agree(comm, lac_format(&journal, "%s.journal", a->out)));
    const lac_status s = lac_finished_run(f, journal, tell, &p, comm);
    if (p.terminal)
        fprintf(stderr, "\r\033[K");
    free(journal);
    return s;
}

/* ---- what comes out ---- */

/* Where the pictures lie, seen from OUT: a report shows them. What cannot be said as text is left out. */
static lac_status add_folders(const lac_eval_images_wish *w, json_t *result)
{
    const struct { const char *name, *path; } all[] = { { "images", w->images }, { "reference", w->reference }, { "masks", w->masks } };
    json_t *folders = json_object();
    char *here, *path;
    lac_status s = lac_path_folder(&here, w->out);
    for (size_t i = 0; s == LAC_OK && i < LAC_COUNT(all); i++)
        if (all[i].path != NULL && (s = lac_path_relative(&path, here, all[i].path)) == LAC_OK) {
            json_object_set_new(folders, all[i].name, json_string(path));
            free(path);
        }
    free(here);
    json_object_set_new(result, "folders", folders);
    return s;
}

/* Says what is broken, unmatched or undefined; under --strict the first of it is the failure. */
static lac_status remark(const lac_finished *f, bool strict)
{
    lac_paths lines = { 0 };
    lac_status s = lac_finished_remarks(f, &lines);
    if (s == LAC_OK && strict && lines.n > 0)
        s = LAC_FAIL(LAC_ERR_FORMAT, "--strict: %s", lines.item[0]);
    for (int64_t i = 0; s == LAC_OK && i < lines.n; i++)
        fprintf(stderr, "lacuna: %s\n", lines.item[i]);
    lac_paths_free(&lines);
    return s;
}

static lac_status forget(const asked *a)
{
    char *journal;
    LAC_TRY(lac_format(&journal, "%s.journal", a->out));
    const lac_status s = lac_journal_forget(journal);
    free(journal);
    return s;
}

/* The lines first: who finds the result finds them too. */
static lac_status write_files(const lac_eval_images_wish *w, const asked *a, const lac_finished *f, json_t *result)
{
    LAC_TRY(add_folders(w, result));
    LAC_TRY(lac_finished_lines(f, a->out));
    LAC_TRY(lac_eval_result_write(result, w->out));
    lac_eval_result_print(result);
    return LAC_OK;
}

static lac_status write_result(const lac_eval_images_wish *w, const asked *a, lac_finished *f)
{
    const bool terminal = isatty(STDERR_FILENO);
    json_t *result;
    if (terminal)
        fprintf(stderr, "\r\033[Kvalues of all pictures together");
    const lac_status found = lac_finished_result(f, &result);
    if (terminal)
        fprintf(stderr, "\r\033[K");
    LAC_TRY(found);
    const lac_status s = write_files(w, a, f, result);
    json_decref(result);
    return s;
}

/* Nobody needs the journals of a result that is written, nor of one that is refused. */
static lac_status write_all(const lac_eval_images_wish *w, const asked *a, lac_finished *f)
{
    if (w->strict)
        LAC_TRY(forget(a));
    LAC_TRY(remark(f, w->strict));
    if (w->statistics != NULL)
        LAC_TRY(lac_finished_save_statistics(f, w->statistics));
    if (w->reference != NULL)
        LAC_TRY(write_result(w, a, f));
    return forget(a);
}

static lac_status evaluate(const lac_eval_images_wish *w, lac_comm *comm)
{
    asked a = { .list = NULL };
    lac_finished *f = NULL;
    lac_status s = lac_comm_agree(comm, open_finished(w, &a, &f));
    if (s == LAC_OK)
        s = run(f, &a, comm);
    if (s == LAC_OK)
        s = lac_comm_agree(comm, comm->rank == 0 ? write_all(w, &a, f) : LAC_OK);
    lac_finished_close(f);
    free_asked(&a);
    return s;
}

int lac_eval_images(const lac_eval_images_wish *w)
{
    lac_comm *comm = NULL;
    lac_status s = lac_comm_open(&comm, 600);
    if (s == LAC_OK)
        s = evaluate(w, comm);
    const int code = lac_finish_rank(s, comm, true);
    lac_comm_free(comm);
    return code;
}
