/* Sets and loaders of a stage. */
#include "train/run_internal.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lac_status open_set(run *r, const char *name, lac_set **set)
{
    char *path;
    LAC_TRY(r->hooks->locate(r->hooks->context, name, &path));
    const lac_status s = lac_set_open(set, path);
    free(path);
    return s;
}

static lac_status open_source(run *r, const char *set, const char *split, double weight, lac_source *source)
{
    if (r->n_sets == LAC_MIX_MAX)
        return LAC_FAIL(LAC_ERR_CONFIG, "data.train.mix has more than %d sets", LAC_MIX_MAX);
    LAC_TRY(open_set(r, set, &r->set[r->n_sets]));
    *source = (lac_source){ .set = r->set[r->n_sets++], .split = split, .weight = weight };
    return LAC_OK;
}

static lac_status open_sources(run *r, const json_t *data, lac_source *source, int *n)
{
    const json_t *mix = lac_config_at(data, "mix");
    *n = 0;
    for (size_t i = 0; i < json_array_size(mix); i++) {
        const json_t *m = json_array_get(mix, i);
        LAC_TRY(open_source(r, lac_config_str(m, "set"), lac_config_str(m, "split"), lac_config_num(m, "weight"), &source[*n]));
        (*n)++;
    }
    if (*n == 0)
        LAC_TRY(open_source(r, lac_config_str(data, "set"), lac_config_str(data, "split"), 1, &source[(*n)++]));
    return LAC_OK;
}

static lac_status open_loader(run *r, const json_t *data, const lac_source *source, int n, const char *stream, lac_loader **l)
{
    const int64_t share = r->trainer.share;
    lac_loader_config c = {
        .source = source, .n_sources = n, .fields = r->trainer.recipe.def->fields, .mask = lac_config_str(data, "mask"),
        .locate = r->hooks->locate, .locate_context = r->hooks->context, .stream = stream, .seed = (uint64_t)lac_config_int(r->config, "seed"),
        .global = share * r->comm->size, .first = r->comm->rank * share, .count = share,
        .sum_order = lac_config_int(r->config, "debug.sum_order"), .tint = (float)lac_config_num(data, "tint"),
        .around = lac_config_bool(data, "around"),
        .threads = (int)lac_config_int(data, "threads"),
        .view = { .size = lac_config_int(data, "size"), .shorter = lac_config_int(data, "shorter"),
                  .shorter_max = lac_config_int(data, "shorter_max"), .flip = lac_config_bool(data, "flip"),
                  .turn = (float)lac_config_num(data, "turn") } };
    LAC_TRY(lac_crop_named(&c.view.crop, lac_config_str(data, "crop")));
    LAC_TRY(lac_loader_new(l, &c));
    return lac_loader_seek(*l, r->step - r->first_step);
}

lac_status run_open_data(run *r)
{
    const json_t *data = lac_config_at(r->config, "data.train");
    lac_source source[LAC_MIX_MAX];
    char stream[128];
    int n;
    LAC_TRY(open_sources(r, data, source, &n));
    for (int p = 0; p < r->trainer.recipe.n_phases; p++) {
        if (p > 0 && !r->trainer.recipe.phase[p].own_batch)
            continue;
        snprintf(stream, sizeof stream, "%s/%s", r->stage->name, p == 0 ? "train" : r->trainer.recipe.phase[p].name);
        LAC_TRY(lac_context(open_loader(r, data, source, n, stream, &r->loader[p]), "data.train"));
    }
    return LAC_OK;
}

void run_close_data(run *r)
{
    for (int p = 0; p < LAC_MAX_PHASES; p++) {
        lac_loader_free(r->loader[p]);
        r->loader[p] = NULL;
    }
    for (int i = 0; i < r->n_sets; i++)
        lac_set_close(r->set[i]);
    r->n_sets = 0;
}

lac_status run_next_batches(run *r, const lac_batch **batch)
{
    for (int p = 0; p < r->trainer.recipe.n_phases; p++) {
        if (r->loader[p] != NULL)
            LAC_TRY(lac_loader_next(r->loader[p], &batch[p]));
        else
            batch[p] = batch[0];
    }
    return LAC_OK;
}
