#include "train/latents.h"

#include "core/memory.h"
#include "core/sha256.h"
#include "train/derive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 8, VIEWS = 2 };

static const struct { const char *name, *rows, *made; } sort_of[LAC_LATENT_SORTS] = {
    { "latents", "moments", "latents of picture" }, { "features", "features", "features of picture" } };

/* One source's cache of one sort, and what makes it. */
typedef struct source {
    const lac_latents_from *from;
    const lac_recipe_latents *kept;
    lac_latent_sort sort;
    int k;                                  /* which of the sources */
    int64_t views, batch;
    lac_latent_layout layout;
    lac_latent_cache *cache;
    lac_loader *loader[VIEWS];              /* as it is, flipped */
} source;

/* ---- what it is a function of ---- */

static void hash_records(const lac_loader *l, char hex[LAC_SHA256_HEX])
{
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256 h;
    lac_sha256_start(&h);
    for (int64_t i = 0; i < lac_loader_records(l); i++) {
        const int64_t id = lac_loader_record(l, i);
        lac_sha256_add(&h, &id, sizeof id);
    }
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, hex);
}

/* What is not in here may change without a new cache: the code and the machine, whose rounding is not the rows' business. */
static lac_status describe(const source *s, char **about)
{
    static const char *const crop[] = { "random", "center", "squash" };
    const lac_latents_from *f = s->from;
    const lac_network *n = s->kept->encoder;
    const lac_view *v = &f->data->view;
    const bool around = s->kept->kept[LAC_LATENT_AROUND];
    char weights[LAC_SHA256_HEX], records[LAC_SHA256_HEX], drawn[80] = "";
    if (f->data->evaluate)          /* windows and masks that are drawn, are drawn by record */
        snprintf(drawn, sizeof drawn, "drawn by record, %s\n", f->data->stream);
    LAC_TRY(lac_params_hash(n->params, weights));
    hash_records(s->loader[0], records);
    char *config = n->config != NULL ? lac_config_text(n->config, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const lac_status status = lac_format(about, "%s 1\nset %s\nsplit %s\nrecords %lld %s\nsize %lld %s shorter %lld, %lld views\nmasks %s\n"
        "%sencoder %s %s\nweights %s\ndtype %s\n%s", sort_of[s->sort].name, lac_set_hash(f->data->source[s->k].set), f->data->source[s->k].split, (long long)lac_loader_records(s->loader[0]), records,
        (long long)v->size, crop[v->crop], (long long)v->shorter, (long long)s->views, around ? lac_loader_masks(s->loader[0]) : "none",
        drawn, n->def != NULL ? n->def->name : n->params->name, config != NULL ? config : "", weights, lac_dtype_name(s->kept->dtype),
        around && s->kept->about != NULL ? s->kept->about : "");
    free(config);
    return status;
}

/* ---- one source ---- */

/* The same records in the evaluation's order, with all that the recipe asks for where it keeps nothing: so the same ones are left out. */
static lac_status open_loader(source *s, int view)
{
    const lac_latents_from *f = s->from;
    lac_loader_config c = *f->data;
    c.source += s->k;
    c.n_sources = 1;
    c.fields = f->recipe->def->fields;
    c.stream = f->data->evaluate ? f->data->stream : "latents";
    c.first = c.sum_order = 0;
    c.global = c.count = s->batch;
    c.tint = 0;
    c.evaluate = true;
    c.view.flip = false;
    c.view.turn = 0;
    c.view.shorter_max = 0;
    c.view.mirror = view == 1;
    return lac_loader_new(&s->loader[view], &c);
}

static int64_t batch_of(const lac_latents_from *f)
{
    int64_t n = AT_ONCE;
    while (n > 1 && (n > f->batch || (f->each > 0 && f->each % n != 0)))
        n /= 2;
    return n;
}

static lac_status open_cache(source *s)
{
    const lac_recipe_latents *l = s->kept;
    char *about;
    LAC_TRY(lac_context(lac_loader_check_fixed(s->loader[0], s->from->data, l->kept[LAC_LATENT_AROUND]), "%s cannot be kept", sort_of[s->sort].name));
    LAC_TRY(describe(s, &about));
    s->layout = (lac_latent_layout){ .about = about, .records = lac_loader_records(s->loader[0]), .views = s->views, .dtype = l->dtype, .name = sort_of[s->sort].rows,
                                     .one = l->one, .kept = { l->kept[0], l->kept[1] }, .each = s->from->each };
    const lac_status status = lac_latent_cache_open(&s->cache, s->from->folder, &s->layout);
    s->layout.about = NULL;
    free(about);
    return status;
}

static lac_status open_source(source *s, const lac_latents_from *f, lac_latent_sort sort, int k)
{
    *s = (source){ .from = f, .kept = &f->recipe->latents[sort], .sort = sort, .k = k, .views = f->data->view.flip ? VIEWS : 1, .batch = batch_of(f) };
    LAC_TRY(open_loader(s, 0));
    return open_cache(s);
}

static void close_loaders(source *s)
{
    for (int v = 0; v < VIEWS; v++) {
        lac_loader_free(s->loader[v]);
        s->loader[v] = NULL;
    }
}

/* ---- through the encoder ---- */

/* Some pictures of the loader's, and what the encoder reads of them where that is the host's to make. */
typedef struct encoding {
    const lac_recipe *recipe;
    const lac_recipe_latents *kept;
    lac_latent_sort sort;
    bool around;
    const lac_field *image, *mask;
    lac_tensor *seen, *made;
} encoding;

static lac_tensor *encode_row(lac_tape *t, void *context)
{
    const encoding *e = context;
    const int64_t n = e->image->tensor.dim[0];
    if (e->kept->see != NULL)
        return e->kept->encode(e->recipe, t, lac_tape_input(t, e->seen, LAC_F32), NULL, e->around);
    lac_tensor *image = lac_field_load(t, e->image, 0, n), *mask = lac_field_load(t, e->mask, 0, n);
    return e->kept->encode(e->recipe, t, image, mask, e->around);
}

static lac_status encode(lac_tape *t, void *context)
{
    encoding *e = context;
    lac_tensor *made = encode_row(t, context);
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, made, &e->made);
}

static void seen_shape(const lac_recipe_latents *l, int64_t n, int64_t dim[LAC_MAX_DIMS])
{
    dim[0] = n;
    memcpy(dim + 1, l->seen.dim, (size_t)l->seen.ndim * sizeof *dim);
}

static lac_status see(encoding *e)
{
    const lac_tensor *image = &e->image->tensor;
    const int64_t h = image->dim[1], w = image->dim[2], each = lac_shape_numel(&e->kept->seen);
    for (int64_t i = 0; i < image->dim[0]; i++) {
        const lac_image picture = { h, w, 3, (uint8_t *)image->data + i * h * w * 3 };
        LAC_TRY(e->kept->see(e->recipe, (float *)e->seen->data + i * each, &picture, e->around ? (const uint8_t *)e->mask->tensor.data + i * h * w : NULL));
    }
    return LAC_OK;
}

static lac_status look(encoding *e)
{
    int64_t dim[LAC_MAX_DIMS];
    if (e->kept->see == NULL)
        return LAC_OK;
    seen_shape(e->kept, e->image->tensor.dim[0], dim);
    LAC_TRY(lac_tensor_new(&e->seen, LAC_F32, e->kept->seen.ndim + 1, dim));
    return see(e);
}

static lac_status encode_to(encoding *e, lac_tape *t, char *to, int64_t first, int64_t by)
{
    char signature[64];
    snprintf(signature, sizeof signature, "%s/%s/n%lld", sort_of[e->sort].name, e->around ? "around" : "pictures", (long long)e->image->tensor.dim[0]);
    lac_status s = look(e);
    if (s == LAC_OK)
        s = lac_tape_run(t, signature, encode, e);
    if (s == LAC_OK)
        lac_cache_put_rows(e->made, e->kept->dtype, to, first, by);
    lac_tensor_free(e->made);
    lac_tensor_free(e->seen);
    return s;
}

static encoding encoding_of(const source *s, const lac_field *image, const lac_field *mask, int kind)
{
    return (encoding){ .recipe = s->from->recipe, .kept = s->kept, .sort = s->sort, .around = kind == LAC_LATENT_AROUND, .image = image, .mask = mask };
}

static lac_status encode_whole(void *context, char *to)
{
    const source *s = context;
    const lac_field_def *image, *mask;
    lac_field field[2] = { 0 };
    uint8_t *bytes;
    const int64_t side = s->from->recipe->size;
    LAC_TRY(lac_field_find(&image, "image"));
    LAC_TRY(lac_field_find(&mask, "mask"));
    LAC_TRY(lac_malloc((void **)&bytes, (size_t)(4 * side * side)));
    memset(bytes, 1, (size_t)(4 * side * side));
    field[0].def = image;
    field[1].def = mask;
    for (int k = 0; k < 2; k++) {
        lac_tensor_shape(&field[k].tensor, LAC_U8, 4, (int64_t[]){ 1, side, side, k == 0 ? 3 : 1 });
        field[k].tensor.data = bytes + (k == 0 ? 0 : 3 * side * side);
    }
    encoding e = encoding_of(s, &field[0], &field[1], LAC_LATENT_AROUND);
    const lac_status status = encode_to(&e, s->from->tape, to, 0, 1);
    free(bytes);
    return status;
}

/* ---- files ---- */

static lac_status encode_batch(void *context, int64_t view, int64_t place, int64_t n, char *const rows[LAC_LATENT_KINDS], int64_t first, int64_t by)
{
    source *s = context;
    const lac_batch *b;
    LAC_TRY(s->loader[view] == NULL ? open_loader(s, (int)view) : LAC_OK);
    LAC_TRY(lac_loader_seek(s->loader[view], place / s->batch));
    LAC_TRY(lac_loader_next(s->loader[view], &b));
    if (b->n < n)
        return LAC_FAIL(LAC_ERR_STATE, "%lld pictures where %lld were expected", (long long)b->n, (long long)n);
    lac_field image = *lac_batch_find(b, "image"), mask = *lac_batch_find(b, "mask");
    image.tensor.dim[0] = mask.tensor.dim[0] = n;
    for (int k = 0; k < LAC_LATENT_KINDS; k++) {
        encoding e = encoding_of(s, &image, &mask, k);
        LAC_TRY(s->kept->kept[k] ? encode_to(&e, s->from->tape, rows[k], first, by) : LAC_OK);
    }
    return LAC_OK;
}

static lac_status make_missing(source *s)
{
    const lac_cache_maker m = { .cache = s->cache, .layout = &s->layout, .what = sort_of[s->sort].made, .comm = s->from->comm, .batch = s->batch, .watch = s->from->watch,
                                .context = s, .make = encode_batch, .whole = encode_whole };
    return lac_cache_make(&m);
}

/* ---- all sources ---- */

static lac_status open_one(lac_latents *l, const lac_latents_from *f, lac_latent_sort sort, int k)
{
    source s;
    lac_status status = lac_comm_agree(f->comm, open_source(&s, f, sort, k));
    if (status == LAC_OK)
        status = make_missing(&s);
    close_loaders(&s);
    l->cache[sort][k] = s.cache;
    return status;
}

static lac_status open_sort(lac_latents *l, const lac_latents_from *f, lac_latent_sort sort)
{
    lac_recipe_latents *kept = &f->recipe->latents[sort];
    for (int k = 0; k < f->data->n_sources; k++)
        LAC_TRY(open_one(l, f, sort, k));
    if (!kept->kept[LAC_LATENT_AROUND])
        return LAC_OK;
    LAC_TRY(lac_malloc((void **)&l->whole[sort], (size_t)lac_shape_numel(&kept->one) * sizeof *l->whole[sort]));
    kept->whole = l->whole[sort];
    return lac_latent_cache_whole(l->cache[sort][0], l->whole[sort]);
}

bool lac_latents_any(const lac_recipe *r)
{
    bool any = false;
    for (int sort = 0; sort < LAC_LATENT_SORTS; sort++)
        any |= r->latents[sort].encoder != NULL;
    return any;
}

lac_status lac_latents_open(lac_latents *l, const lac_latents_from *f)
{
    *l = (lac_latents){ 0 };
    for (int sort = 0; sort < LAC_LATENT_SORTS; sort++)
        if (f->recipe->latents[sort].encoder != NULL)
            LAC_TRY(open_sort(l, f, (lac_latent_sort)sort));
    return LAC_OK;
}

void lac_latents_close(lac_latents *l)
{
    for (int sort = 0; sort < LAC_LATENT_SORTS; sort++) {
        for (int k = 0; k < LAC_MIX_MAX; k++)
            lac_latent_cache_close(l->cache[sort][k]);
        free(l->whole[sort]);
    }
    *l = (lac_latents){ 0 };
}

/* ---- what it costs ---- */

static lac_status plan_one(const lac_latents_from *f, lac_latent_sort sort, lac_cache_cost *cost)
{
    lac_batch b;
    lac_tensor seen = { 0 };
    lac_cache_row row;
    int64_t dim[LAC_MAX_DIMS];
    const lac_recipe_latents *kept = &f->recipe->latents[sort];
    LAC_TRY(lac_loader_describe(&(lac_loader_config){ .fields = f->recipe->def->fields, .view.size = f->recipe->size, .count = 1 }, &b));
    seen_shape(kept, 1, dim);
    lac_tensor_shape(&seen, LAC_F32, kept->seen.ndim + 1, dim);
    encoding e = { .recipe = f->recipe, .kept = kept, .sort = sort, .image = lac_batch_find(&b, "image"), .mask = lac_batch_find(&b, "mask"), .seen = &seen };
    LAC_TRY(lac_cache_plan(&row, f->recipe->backend, encode_row, &e));
    cost->flops = row.flops;
    return LAC_OK;
}

static lac_status estimate(const lac_latents_from *f, lac_latent_sort sort, lac_cache_cost *cost)
{
    const bool *kept = f->recipe->latents[sort].kept;
    for (int k = 0; k < f->data->n_sources; k++) {
        source s;
        const lac_status status = open_source(&s, f, sort, k);
        if (status == LAC_OK)
            lac_cache_add_cost(cost, s.cache, s.views * (kept[LAC_LATENT_PICTURE] + kept[LAC_LATENT_AROUND]));
        close_loaders(&s);
        lac_latent_cache_close(s.cache);
        LAC_TRY(status);
    }
    return plan_one(f, sort, cost);
}

lac_status lac_latents_estimate(const lac_latents_from *f, lac_cache_cost cost[LAC_LATENT_SORTS])
{
    for (int sort = 0; sort < LAC_LATENT_SORTS; sort++) {
        cost[sort] = (lac_cache_cost){ 0 };
        if (f->recipe->latents[sort].encoder != NULL)
            LAC_TRY(estimate(f, (lac_latent_sort)sort, &cost[sort]));
    }
    return LAC_OK;
}
