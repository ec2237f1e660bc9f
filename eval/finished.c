#include "eval/finished_internal.h"

#include "core/memory.h"
#include "eval/moments.h"

#include <lac_version.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- what metrics want ---- */

bool lac_finished_paired(const lac_metric_def *def) { return !def->unpaired; }

/* Networks bring pictures to their own size, but for those that compare. */
bool lac_finished_resizes(const lac_metric_def *def)
{
    const bool seen = def->wants_features || (def->network != NULL && def->network->between == NULL);
    return lac_metric_of_pictures(def) && !seen && !def->of_masks;
}

static lac_status check_wants(const lac_finished *f, const lac_metric *m, const char *name)
{
    const char *const *weights = m->features != NULL ? m->features->weights : NULL;
    for (; weights != NULL && *weights != NULL; weights++)
        if (lac_eval_weights_find(f->ask.weights, *weights) == NULL)
            return LAC_FAIL(LAC_ERR_ARG, "metric '%s' wants weights '%s': give --weights %s=FILE", name, *weights, *weights);
    if (f->ask.masks == NULL && (m->region != LAC_WHOLE || m->def->wants_mask))
        return LAC_FAIL(LAC_ERR_ARG, "metric '%s' wants masks: give --masks DIR", name);
    if (f->ask.prompts == NULL && m->def->wants != 0)
        return LAC_FAIL(LAC_ERR_ARG, "metric '%s' wants captions: give --prompts FILE.json", name);
    return LAC_OK;
}

static lac_status find_metrics(lac_finished *f)
{
    const int64_t n = f->ask.n_metrics;
    if (n == 0)
        return LAC_FAIL(LAC_ERR_ARG, "--metrics names none");
    LAC_TRY(lac_calloc((void **)&f->metric, (size_t)n, sizeof *f->metric));
    for (int64_t k = 0; k < n; k++) {
        LAC_TRY(lac_metric_find_with(&f->metric[k], f->ask.metric[k], &f->ask.settings));
        for (int64_t i = 0; i < k; i++)
            if (strcmp(f->ask.metric[i], f->ask.metric[k]) == 0)
                return LAC_FAIL(LAC_ERR_ARG, "metric '%s' is named twice", f->ask.metric[k]);
    }
    for (int64_t k = 0; k < n; k++)
        LAC_TRY(check_wants(f, &f->metric[k], f->ask.metric[k]));
    return LAC_OK;
}

/* A file of statistics in the reference's place. */
static bool is_cached(const char *path)
{
    const size_t n = strlen(path);
    struct stat st;
    return n > 4 && strcmp(path + n - 4, ".npz") == 0 && !(stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static lac_status check_pairs(const lac_finished *f)
{
    for (int64_t k = 0; k < f->ask.n_metrics; k++)
        if (!lac_finished_paired(f->metric[k].def))
            return LAC_OK;
    if (f->ask.reference == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "statistics are of fid, fid-clean or fid-tf: --metrics names none of them");
    for (int64_t i = 0; i < f->n_entries; i++)
        if (f->entry[i].path[LAC_IMAGES] != NULL && f->entry[i].path[LAC_REFERENCE] != NULL)
            return LAC_OK;
    return LAC_FAIL(LAC_ERR_ARG, "no picture of '%s' would match one of '%s' by its id: each metric asked for is of pairs", f->ask.images, f->ask.reference);
}

/* ---- networks and what they see ---- */

static lac_status open_net(lac_finished *f, int64_t k)
{
    const lac_metric *m = &f->metric[k];
    if (m->features == NULL)
        return LAC_OK;
    for (int64_t i = 0; i < f->n_nets; i++)
        if (f->net[i].def == m->features && strcmp(f->net[i].option, m->option) == 0)
            return f->net_of[k] = &f->net[i], LAC_OK;
    f->net_of[k] = &f->net[f->n_nets];
    LAC_TRY(lac_context(lac_features_open(f->net_of[k], m->features, m->option, &f->means, f->backbones), "metric '%s'", f->ask.metric[k]));
    f->n_nets++;
    return LAC_OK;
}

static lac_status add_view(lac_finished *f, int64_t k)
{
    const lac_metric_def *def = f->metric[k].def;
    int64_t v = 0;
    f->view_of[k] = -1;
    if (f->net_of[k] == NULL || f->net_of[k]->def->between != NULL)
        return LAC_OK;
    while (v < f->n_views && (f->view[v].net != f->net_of[k] || f->view[v].crop != def->crop))
        v++;
    if (v == LAC_MOST_VIEWS)
        return LAC_FAIL(LAC_ERR_ARG, "metrics that stand on more than %d networks", LAC_MOST_VIEWS);
    if (v == f->n_views)
        f->view[f->n_views++] = (lac_finished_view){ f->net_of[k], def->crop, .wants = def->wants };
    f->view[v].unpaired |= def->unpaired;
    f->view[v].reference |= !def->no_reference;
    f->view[v].wants &= def->wants;
    f->view_of[k] = v;
    return LAC_OK;
}

/* The metric's own recipe; pictures that were brought to size are another. */
static lac_status make_recipe(lac_finished *f, int64_t k)
{
    char *text;
    const size_t n = lac_metric_recipe(&f->metric[k], f->net_of[k], NULL, &text) == LAC_OK ? strlen(text) : 0;
    if (n == 0)
        return LAC_ERR_MEM;
    if (f->ask.size == 0 || !lac_finished_resizes(f->metric[k].def) || text[n - 1] != '}')
        return f->recipe[k] = text, LAC_OK;
    const lac_status s = lac_format(&f->recipe[k], "%.*s,size=%lld pil8-bicubic}", (int)(n - 1), text, (long long)f->ask.size);
    free(text);
    return s;
}

static lac_status open_nets(lac_finished *f)
{
    const size_t n = (size_t)f->ask.n_metrics;
    f->means = (lac_eval_means){ f->ask.backend, f->ask.weights, f->classes, f->n_classes };
    LAC_TRY(lac_spool_new(&f->spool));
    LAC_TRY(lac_backbones_new(&f->backbones, f->ask.backend, f->ask.weights));
    lac_backbones_keep(f->backbones, f->ask.cache);
    LAC_TRY(lac_calloc((void **)&f->net, n, sizeof *f->net));
    LAC_TRY(lac_calloc((void **)&f->net_of, n, sizeof(lac_features *)));
    LAC_TRY(lac_calloc((void **)&f->view_of, n, sizeof *f->view_of));
    LAC_TRY(lac_calloc((void **)&f->recipe, n, sizeof *f->recipe));
    for (int64_t k = 0; k < f->ask.n_metrics; k++) {
        LAC_TRY(open_net(f, k));
        LAC_TRY(add_view(f, k));
        LAC_TRY(make_recipe(f, k));
    }
    return LAC_OK;
}

/* ---- the question ---- */

static lac_status put_file(const lac_finished *f, lac_blob *b, int64_t i, int folder)
{
    const char *root = folder == LAC_IMAGES ? f->ask.images : folder == LAC_MASKS ? f->ask.masks : f->ask.reference, *path = f->entry[i].path[folder];
    struct stat st = { .st_size = -1 };
    char *full;
    if (path == NULL)
        return LAC_OK;
    LAC_TRY(lac_format(&full, "%s/%s", root, path));
    if (stat(full, &st) != 0)
        st.st_size = -1;
    free(full);
    const int64_t number[] = { folder, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec };
    LAC_TRY(lac_blob_put_text(b, path));
    return lac_blob_put(b, number, sizeof number);
}

static lac_status put_question(const lac_finished *f, lac_blob *b)
{
    const int64_t number[] = { f->ask.size, f->ask.limit, f->n_entries };
    LAC_TRY(lac_blob_put_text(b, LAC_VERSION));
    LAC_TRY(lac_blob_put_text(b, LAC_REVISION));
    LAC_TRY(lac_blob_put(b, number, sizeof number));
    for (int64_t k = 0; k < f->ask.n_metrics; k++) {
        LAC_TRY(lac_blob_put_text(b, f->ask.metric[k]));
        LAC_TRY(lac_blob_put_text(b, f->recipe[k]));
    }
    for (int64_t i = 0; f->ask.weights != NULL && i < f->ask.weights->n; i++)
        for (int64_t k = 0; k < f->ask.weights->entry[i].n; k++)
            LAC_TRY(lac_blob_put_text(b, f->ask.weights->entry[i].file[k].sha256));
    char *captions = f->captions != NULL ? json_dumps(f->captions, JSON_SORT_KEYS) : NULL;
    const lac_status s = lac_blob_put_text(b, captions);
    free(captions);
    LAC_TRY(s);
    for (int64_t i = 0; i < f->n_entries; i++)
        for (int folder = 0; folder < LAC_FOLDERS; folder++)
            LAC_TRY(put_file(f, b, i, folder));
    return LAC_OK;
}

static lac_status hash_question(lac_finished *f)
{
    lac_blob b = { NULL, 0, 0 };
    uint8_t digest[LAC_SHA256_SIZE];
    const lac_status s = put_question(f, &b);
    lac_sha256_of(b.data, b.n, digest);
    lac_sha256_hex(digest, f->question);
    free(b.data);
    return s;
}

/* ---- as a whole ---- */

static lac_status load_moments(lac_finished *f)
{
    LAC_TRY(lac_moments_load(&f->moments, f->ask.reference));
    return lac_sha256_file(f->ask.reference, f->moments_hash);
}

static lac_status open_all(lac_finished *f)
{
    LAC_TRY(find_metrics(f));
    f->cached = f->ask.reference == NULL || is_cached(f->ask.reference);
    if (f->cached && f->ask.reference != NULL)
        LAC_TRY(lac_context(load_moments(f), "reference"));
    LAC_TRY(lac_finished_find_files(f));
    LAC_TRY(check_pairs(f));
    LAC_TRY(open_nets(f));
    return hash_question(f);
}

lac_status lac_finished_open(lac_finished **f, const lac_finished_ask *ask)
{
    lac_finished *fresh;
    *f = NULL;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    fresh->ask = *ask;
    const lac_status s = open_all(fresh);
    if (s == LAC_OK)
        *f = fresh;
    else
        lac_finished_close(fresh);
    return s;
}

static void free_texts(char **text, int64_t n)
{
    for (int64_t i = 0; text != NULL && i < n; i++)
        free(text[i]);
    free(text);
}

void lac_finished_close(lac_finished *f)
{
    if (f == NULL)
        return;
    for (int64_t i = 0; f->row != NULL && i < f->n_entries; i++)
        lac_finished_free_row(&f->row[i]);
    for (int64_t i = 0; i < f->n_nets; i++)
        lac_features_close(&f->net[i]);
    for (int folder = 0; folder < LAC_FOLDERS; folder++) {
        lac_paths_free(&f->paths[folder]);
        lac_paths_free(&f->ids[folder]);
    }
    free_texts(f->recipe, f->ask.n_metrics);
    free_texts(f->reason, f->n_reasons);
    lac_moments_free(&f->moments);
    lac_spool_free(f->spool);
    lac_backbones_free(f->backbones);
    json_decref(f->captions);
    free(f->classes);
    free(f->entry);
    free(f->row);
    free(f->net);
    free(f->net_of);
    free(f->view_of);
    free(f->metric);
    free(f);
}
