/* Sets and loaders of a stage. */
#include "train/run_internal.h"

#include "core/memory.h"
#include "data/eval_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_OUT_BATCH = 8 };

static lac_status open_set(run *r, const char *name, lac_set **set)
{
    char *path;
    LAC_TRY(r->hooks->locate(r->hooks->context, name, &path));
    const lac_status s = lac_set_open(set, path);
    free(path);
    return s;
}

static lac_status open_source(run *r, const json_t *told, double weight, const char *mask, lac_source *source)
{
    if (r->n_sets == LAC_MIX_MAX)
        return LAC_FAIL(LAC_ERR_CONFIG, "data.train.mix has more than %d sets", LAC_MIX_MAX);
    LAC_TRY(open_set(r, lac_config_str(told, "set"), &r->set[r->n_sets]));
    *source = (lac_source){ .set = r->set[r->n_sets++], .split = lac_config_str(told, "split"), .weight = weight, .mask = mask };
    return LAC_OK;
}

static lac_status open_sources(run *r, const json_t *data, lac_source *source, int *n)
{
    const json_t *mix = lac_config_at(data, "mix");
    *n = 0;
    for (size_t i = 0; i < json_array_size(mix); i++) {
        const json_t *m = json_array_get(mix, i);
        const char *mask = lac_config_str(m, "mask");
        LAC_TRY(open_source(r, m, lac_config_num(m, "weight"), mask[0] != '\0' ? mask : NULL, &source[*n]));
        (*n)++;
    }
    if (*n == 0)
        LAC_TRY(open_source(r, data, 1, NULL, &source[(*n)++]));
    return LAC_OK;
}

static lac_status describe_loader(const run *r, const lac_source *source, int n, lac_loader_config *c)
{
    const int64_t share = r->trainer.share;
    const json_t *data = lac_config_at(r->config, "data.train");
    *c = (lac_loader_config){
        .source = source, .n_sources = n, .fields = r->trainer.recipe.fields, .latent = { r->trainer.recipe.latents[0].one, r->trainer.recipe.latents[1].one }, .mask = lac_config_str(data, "mask"),
        .locate = r->hooks->locate, .locate_context = r->hooks->context, .seed = (uint64_t)lac_config_int(r->config, "seed"),
        .global = share * r->comm->size, .first = r->comm->rank * share, .count = share,
        .sum_order = lac_config_int(r->config, "debug.sum_order"), .tint = (float)lac_config_num(data, "tint"),
        .around = lac_config_bool(data, "around"),
        .threads = (int)lac_config_int(data, "threads"),
        .view = { .size = lac_config_int(data, "size"), .shorter = lac_config_int(data, "shorter"),
                  .shorter_max = lac_config_int(data, "shorter_max"), .flip = lac_config_bool(data, "flip"),
                  .turn = (float)lac_config_num(data, "turn") } };
    return lac_crop_named(&c->view.crop, lac_config_str(data, "crop"));
}

static lac_status open_loader(run *r, const lac_loader_config *c, lac_loader **l)
{
    LAC_TRY(lac_loader_new(l, c));
    return lac_loader_seek(*l, r->step - r->first_step);
}

static lac_cache_watch watch_of(const run *r) { return (lac_cache_watch){ r->hooks->context, r->hooks->stop, r->hooks->progress }; }

static lac_latents_from latents_of(run *r, const lac_loader_config *c)
{
    return (lac_latents_from){ .recipe = &r->trainer.recipe, .data = c, .folder = lac_config_str(r->config, "model.cache_folder"), .comm = r->comm, .tape = r->painter,
                               .batch = r->trainer.micro, .watch = watch_of(r) };
}

static lac_texts_from texts_of(run *r)
{
    return (lac_texts_from){ .recipe = &r->trainer.recipe, .folder = lac_config_str(r->config, "model.cache_folder"), .comm = r->comm, .tape = r->painter,
                             .batch = r->trainer.micro, .watch = watch_of(r) };
}

static lac_status open_texts(run *r, const lac_source *source, int n)
{
    const lac_texts_from from = texts_of(r);
    for (int k = 0; r->trainer.recipe.texts.encoder != NULL && k < n; k++)
        LAC_TRY(lac_texts_add(&r->texts, &from, &source[k]));
    return LAC_OK;
}

static bool keeps_any(const lac_recipe *r) { return lac_latents_any(r) || r->texts.encoder != NULL; }

/* What the recipe keeps of the sources' pictures and captions; s: whether this rank could open these. */
static lac_status open_kept(run *r, const lac_loader_config *c, lac_source *source, lac_status s, lac_latents *l)
{
    const lac_latents_from from = latents_of(r, c);
    const lac_recipe *recipe = &r->trainer.recipe;
    if (!keeps_any(recipe))
        return s;
    LAC_TRY(lac_comm_agree(r->comm, s));
    LAC_TRY(open_texts(r, source, c->n_sources));
    if (!lac_latents_any(recipe))
        return LAC_OK;
    LAC_TRY(lac_latents_open(l, &from));
    for (int sort = 0; sort < LAC_LATENT_SORTS; sort++)
        for (int k = 0; k < c->n_sources; k++)
            source[k].latents[sort] = l->cache[sort][k];
    return LAC_OK;
}

static lac_status open_data(run *r, lac_source *source, lac_loader_config *c)
{
    int n;
    LAC_TRY(open_sources(r, lac_config_at(r->config, "data.train"), source, &n));
    return lac_context(describe_loader(r, source, n, c), "data.train");
}

/* ---- data.eval, where the recipe's loss is validated ---- */

static bool validates_loss(const run *r) { return lac_config_int(r->config, "validate.loss.every") > 0; }

static lac_status describe_held_out(run *r, lac_loader_config *c)
{
    const json_t *data = lac_config_at(r->config, "data.eval");
    if (data == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "validate.loss.every = %lld wants data.eval", (long long)lac_config_int(r->config, "validate.loss.every"));
    LAC_TRY(open_set(r, lac_config_str(data, "set"), &r->held_out_set));
    LAC_TRY(lac_eval_loader(c, &r->held_out_source, r->held_out_set, data, r->hooks->locate, r->hooks->context));
    c->fields = r->trainer.recipe.fields;
    for (int sort = 0; sort < LAC_LATENT_SORTS; sort++)
        c->latent[sort] = r->trainer.recipe.latents[sort].one;
    c->limit = lac_config_int(r->config, "validate.loss.limit");
    c->threads = (int)lac_config_int(r->config, "data.train.threads");
    return LAC_OK;
}

/* Batches know no ranks: the largest that are whole micro-batches, up to eight pictures, or what the recipe says. */
static lac_held_out_from held_out_of(run *r, const lac_loader_config *c)
{
    const int64_t micro = lac_config_int(r->config, "batch.micro"), few = micro > 0 ? LAC_MIN(micro, HELD_OUT_BATCH) : HELD_OUT_BATCH;
    return (lac_held_out_from){ .trainer = &r->trainer, .data = c, .draws = lac_config_int(r->config, "validate.loss.draws"), .tape = r->painter,
                                .batch = r->trainer.recipe.held_out > 0 ? r->trainer.recipe.held_out : few };
}

static lac_status open_held_out(run *r)
{
    lac_loader_config c = { 0 };
    if (!validates_loss(r))
        return LAC_OK;
    LAC_TRY(open_kept(r, &c, &r->held_out_source, describe_held_out(r, &c), &r->held_out_latents));
    const lac_held_out_from from = held_out_of(r, &c);
    return lac_held_out_open(&r->held_out, &from);
}

lac_status run_open_data(run *r)
{
    lac_source source[LAC_MIX_MAX];
    lac_loader_config c = { 0 };
    char stream[128];
    LAC_TRY(lac_context(open_kept(r, &c, source, open_data(r, source, &c), &r->latents), "data.train"));
    for (int p = 0; p < r->trainer.recipe.n_phases; p++) {
        if (p > 0 && !r->trainer.recipe.phase[p].own_batch)
            continue;
        snprintf(stream, sizeof stream, "%s/%s", r->stage->name, p == 0 ? "train" : r->trainer.recipe.phase[p].name);
        c.stream = stream;
        LAC_TRY(lac_context(open_loader(r, &c, &r->loader[p]), "data.train"));
    }
    return lac_context(open_held_out(r), "data.eval");
}

/* ---- what it costs ---- */

static lac_status estimate_latents(run *r, const lac_loader_config *c, lac_cache_cost cost[LAC_LATENT_SORTS])
{
    const lac_latents_from from = latents_of(r, c);
    return lac_latents_estimate(&from, cost);
}

static lac_status estimate_texts(run *r, const lac_loader_config *c, lac_cache_cost *cost)
{
    const lac_texts_from from = texts_of(r);
    for (int k = 0; r->trainer.recipe.texts.encoder != NULL && k < c->n_sources; k++)
        LAC_TRY(lac_texts_estimate(&from, &c->source[k], cost));
    return LAC_OK;
}

static lac_status estimate_training(run *r, lac_run_costs *cost)
{
    lac_source source[LAC_MIX_MAX];
    lac_loader_config c;
    if (!keeps_any(&r->trainer.recipe))
        return LAC_OK;
    LAC_TRY(open_data(r, source, &c));
    LAC_TRY(lac_context(estimate_texts(r, &c, &cost->texts), "data.train"));
    return lac_context(estimate_latents(r, &c, cost->latents), "data.train");
}

static lac_status estimate_held_out(run *r, lac_run_costs *cost)
{
    lac_loader_config c;
    if (!validates_loss(r))
        return LAC_OK;
    LAC_TRY(describe_held_out(r, &c));
    LAC_TRY(estimate_texts(r, &c, &cost->texts));
    LAC_TRY(estimate_latents(r, &c, cost->held_out_latents));
    c.fields = r->trainer.recipe.def->fields;           /* to be counted, they need no latents */
    const lac_held_out_from from = held_out_of(r, &c);
    LAC_TRY(lac_held_out_open(&r->held_out, &from));
    cost->held_out = lac_held_out_pictures(r->held_out);
    return lac_held_out_flops(r->held_out, &cost->held_out_flops);
}

static lac_status estimate(run *r, lac_run_costs *cost)
{
    cost->known = !r->trainer.recipe.backend->blank && r->stage == r->stages->stage && run_init_weights(r) == LAC_OK;    /* a later stage's are not known before it begins */
    if (!cost->known)
        lac_error_clear();
    LAC_TRY(lac_tape_new(&r->painter, r->trainer.recipe.backend));
    LAC_TRY(estimate_training(r, cost));
    return lac_context(estimate_held_out(r, cost), "data.eval");
}

lac_status lac_run_cost(const lac_stages *stages, int64_t k, lac_trainer *t, const lac_run_hooks *hooks, lac_run_costs *cost)
{
    run r = { .stages = stages, .stage = &stages->stage[k], .config = stages->stage[k].config, .comm = t->comm, .hooks = hooks, .trainer = *t };
    *cost = (lac_run_costs){ 0 };
    const lac_status s = keeps_any(&t->recipe) || validates_loss(&r) ? estimate(&r, cost) : LAC_OK;
    run_close_data(&r);
    lac_tape_free(r.painter);
    *t = r.trainer;
    return s;
}

void run_close_data(run *r)
{
    for (int p = 0; p < LAC_MAX_PHASES; p++) {
        lac_loader_free(r->loader[p]);
        r->loader[p] = NULL;
    }
    lac_held_out_close(r->held_out);
    r->held_out = NULL;
    lac_latents_close(&r->held_out_latents);
    lac_set_close(r->held_out_set);
    r->held_out_set = NULL;
    lac_latents_close(&r->latents);
    lac_texts_close(&r->texts);
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
