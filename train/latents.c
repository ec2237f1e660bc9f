#include "train/latents.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/sha256.h"
#include "train/derive.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 8, VIEWS = 2, KINDS = 2 };

/* One source's cache, and what makes it. */
typedef struct source {
    const lac_latents_from *from;
    int64_t views, batch;
    lac_latent_layout layout;
    lac_latent_cache *cache;
    lac_loader *loader[VIEWS];              /* as it is, flipped */
} source;

/* ---- what it is a function of ---- */

static lac_status hash_weights(const lac_params *ps, char hex[LAC_SHA256_HEX])
{
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256 h;
    lac_status s = LAC_OK;
    lac_sha256_start(&h);
    for (int64_t i = 0; s == LAC_OK && i < ps->n; i++) {
        const lac_param *p = ps->sorted[i];
        const size_t bytes = (size_t)lac_numel(p->value) * sizeof(float);
        float *x;
        LAC_TRY(lac_malloc((void **)&x, LAC_MAX(bytes, 1)));
        s = lac_param_get(p, x);
        lac_sha256_add(&h, p->name, strlen(p->name) + 1);
        if (s == LAC_OK)
            lac_sha256_add(&h, x, bytes);
        free(x);
    }
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, hex);
    return s;
}

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
static lac_status describe(const source *s, int k, char **about)
{
    static const char *const crop[] = { "random", "center", "squash" };
    const lac_latents_from *f = s->from;
    const lac_network *n = f->recipe->latents.encoder;
    const lac_view *v = &f->data->view;
    char weights[LAC_SHA256_HEX], records[LAC_SHA256_HEX], drawn[80] = "";
    if (f->data->evaluate)          /* windows and masks that are drawn, are drawn by record */
        snprintf(drawn, sizeof drawn, "drawn by record, %s\n", f->data->stream);
    LAC_TRY(hash_weights(n->params, weights));
    hash_records(s->loader[0], records);
    char *config = n->config != NULL ? lac_config_text(n->config, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const lac_status status = lac_format(about, "latents 1\nset %s\nsplit %s\nrecords %lld %s\nsize %lld %s shorter %lld, %lld views\nmasks %s\n"
        "%sencoder %s %s\nweights %s\ndtype %s\n", lac_set_hash(f->data->source[k].set), f->data->source[k].split, (long long)lac_loader_records(s->loader[0]), records,
        (long long)v->size, crop[v->crop], (long long)v->shorter, (long long)s->views, f->recipe->latents.around ? lac_loader_masks(s->loader[0]) : "none",
        drawn, n->def != NULL ? n->def->name : n->params->name, config != NULL ? config : "", weights, lac_dtype_name(f->recipe->dtype));
    free(config);
    return status;
}

/* ---- one source ---- */

/* The same records in the evaluation's order, with all that the recipe asks for where it keeps nothing: so the same ones are left out. */
static lac_status open_loader(source *s, int k, int view)
{
    const lac_latents_from *f = s->from;
    lac_loader_config c = *f->data;
    c.source += k;
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

static lac_status open_cache(source *s, int k)
{
    const lac_recipe_latents *l = &s->from->recipe->latents;
    char *about;
    LAC_TRY(lac_context(lac_loader_check_fixed(s->loader[0], s->from->data, l->around), "latents cannot be kept"));
    LAC_TRY(describe(s, k, &about));
    s->layout = (lac_latent_layout){ .about = about, .records = lac_loader_records(s->loader[0]), .views = s->views, .dtype = s->from->recipe->dtype,
                                     .around = l->around, .each = s->from->each };
    memcpy(s->layout.dim, l->one.dim, sizeof s->layout.dim);
    const lac_status status = lac_latent_cache_open(&s->cache, s->from->folder, &s->layout);
    s->layout.about = NULL;
    free(about);
    return status;
}

static lac_status open_source(source *s, const lac_latents_from *f, int k)
{
    *s = (source){ .from = f, .views = f->data->view.flip ? VIEWS : 1, .batch = batch_of(f) };
    LAC_TRY(open_loader(s, k, 0));
    return open_cache(s, k);
}

static void close_loaders(source *s)
{
    for (int v = 0; v < VIEWS; v++) {
        lac_loader_free(s->loader[v]);
        s->loader[v] = NULL;
    }
}

/* ---- through the encoder ---- */

typedef struct encoding { const lac_recipe *recipe; const lac_field *image, *mask; bool around; lac_tensor *made; } encoding;

static lac_status encode(lac_tape *t, void *context)
{
    encoding *e = context;
    const int64_t n = e->image->tensor.dim[0];
    lac_tensor *image = lac_field_load(t, e->image, 0, n), *mask = lac_field_load(t, e->mask, 0, n);
    lac_tensor *moments = e->recipe->def->encode(e->recipe, t, image, mask, e->around);
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, moments, &e->made);
}

static void name_region(const encoding *e, char *to, size_t size)
{
    snprintf(to, size, "latents/%s/n%lld", e->around ? "around" : "pictures", (long long)e->image->tensor.dim[0]);
}

static void narrow(uint16_t *to, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = lac_f32_to_bf16(x[i]);
}

/* Row i of what is made becomes row `first` + i * `by` of `to`, in the recipe's dtype, which is what it was computed in: nothing is lost. */
static lac_status encode_to(encoding *e, lac_tape *t, char *to, int64_t first, int64_t by)
{
    char signature[64];
    name_region(e, signature, sizeof signature);
    LAC_TRY(lac_tape_run(t, signature, encode, e));
    const int64_t rows = e->made->dim[0], n = lac_numel(e->made) / LAC_MAX(rows, 1);
    const size_t bytes = (size_t)n * lac_dtype_size(e->recipe->dtype);
    for (int64_t i = 0; i < rows; i++) {
        const float *x = (const float *)e->made->data + i * n;
        char *row = to + (size_t)(first + i * by) * bytes;
        if (e->recipe->dtype == LAC_BF16)
            narrow((uint16_t *)row, x, n);
        else
            memcpy(row, x, bytes);
    }
    lac_tensor_free(e->made);
    return LAC_OK;
}

static lac_status encode_whole(const source *s, char *to)
{
    const lac_recipe *r = s->from->recipe;
    const lac_field_def *image, *mask;
    lac_field field[KINDS] = { 0 };
    uint8_t *bytes;
    const int64_t side = r->size;
    LAC_TRY(lac_field_find(&image, "image"));
    LAC_TRY(lac_field_find(&mask, "mask"));
    LAC_TRY(lac_malloc((void **)&bytes, (size_t)(4 * side * side)));
    memset(bytes, 1, (size_t)(4 * side * side));
    field[0].def = image;
    field[1].def = mask;
    for (int k = 0; k < KINDS; k++) {
        lac_tensor_shape(&field[k].tensor, LAC_U8, 4, (int64_t[]){ 1, side, side, k == 0 ? 3 : 1 });
        field[k].tensor.data = bytes + (k == 0 ? 0 : 3 * side * side);
    }
    const lac_status status = encode_to(&(encoding){ r, &field[0], &field[1], true, NULL }, s->from->tape, to, 0, 1);
    free(bytes);
    return status;
}

/* ---- files, a batch at a time ---- */

/* What one rank makes of a source: its files among those that are missing, one after the other, each view by view. */
typedef struct work {
    source *s;
    const int64_t *file;                    /* those missing */
    int64_t n_files, next, stride;          /* its own are file[next], file[next + stride], ... */
    int64_t view, at;                       /* in the file under way: what comes next */
    char *rows[KINDS], *whole;
} work;

static int64_t batches_of(const source *s, int64_t file)
{
    int64_t from, n;
    lac_latent_cache_range(s->cache, file, &from, &n);
    return s->views * ((n + s->batch - 1) / s->batch);
}

static size_t row_bytes(const source *s)
{
    return (size_t)(s->layout.dim[0] * s->layout.dim[1] * s->layout.dim[2]) * lac_dtype_size(s->layout.dtype);
}

static lac_status begin_file(work *w, int64_t n)
{
    for (int k = 0; k < (w->s->layout.around ? KINDS : 1); k++)
        LAC_TRY(lac_malloc((void **)&w->rows[k], (size_t)(n * w->s->views) * row_bytes(w->s)));
    return lac_malloc((void **)&w->whole, row_bytes(w->s));
}

static void drop_file(work *w)
{
    free(w->rows[0]), free(w->rows[1]), free(w->whole);
    w->rows[0] = w->rows[1] = w->whole = NULL;
}

static lac_status end_file(work *w)
{
    const int64_t file = w->file[w->next];
    const bool whole = w->s->layout.around && file == 0;
    LAC_TRY(whole ? encode_whole(w->s, w->whole) : LAC_OK);
    LAC_TRY(lac_latent_cache_put(w->s->cache, file, w->rows[0], w->rows[1], whole ? w->whole : NULL));
    drop_file(w);
    w->next += w->stride;
    w->view = w->at = 0;
    return LAC_OK;
}

static lac_status encode_batch(work *w, int64_t place, int64_t n)
{
    const source *s = w->s;
    const lac_batch *b;
    LAC_TRY(lac_loader_seek(s->loader[w->view], place / s->batch));
    LAC_TRY(lac_loader_next(s->loader[w->view], &b));
    if (b->n < n)
        return LAC_FAIL(LAC_ERR_STATE, "%lld pictures where %lld were expected", (long long)b->n, (long long)n);
    lac_field image = *lac_batch_find(b, "image"), mask = *lac_batch_find(b, "mask");
    image.tensor.dim[0] = mask.tensor.dim[0] = n;
    for (int k = 0; k < (s->layout.around ? KINDS : 1); k++)
        LAC_TRY(encode_to(&(encoding){ s->from->recipe, &image, &mask, k == 1, NULL }, s->from->tape, w->rows[k], w->at * s->views + w->view, s->views));
    return LAC_OK;
}

/* The next batch of this rank's, if it has one. */
static lac_status do_some(work *w)
{
    int64_t from, n;
    if (w->next >= w->n_files)
        return LAC_OK;
    lac_latent_cache_range(w->s->cache, w->file[w->next], &from, &n);
    if (w->rows[0] == NULL)
        LAC_TRY(begin_file(w, n));
    LAC_TRY(encode_batch(w, from + w->at, LAC_MIN(w->s->batch, n - w->at)));
    w->at += w->s->batch;
    if (w->at >= n) {
        w->at = 0;
        w->view++;
    }
    return w->view == w->s->views ? end_file(w) : LAC_OK;
}

static void report(const lac_latents_from *f, int64_t done, int64_t all, double since)
{
    const double seconds = lac_seconds() - since;
    const lac_progress p = { .what = "latents of picture", .step = LAC_MIN(done, all), .steps = all, .loss = NAN,
                             .images_per_second = seconds > 0 ? (double)done / seconds : 0, .seconds_per_step = seconds / (double)LAC_MAX(done, 1) };
    if (f->progress != NULL && f->comm->rank == 0)
        f->progress(f->context, &p);
}

/* Every rank the same number of rounds. */
static lac_status work_off(work *w, int64_t rounds, int64_t pictures)
{
    const lac_latents_from *f = w->s->from;
    const double since = lac_seconds();
    for (int64_t i = 0; i < rounds; i++) {
        lac_status s = do_some(w);
        if (s == LAC_OK && f->stop != NULL && f->stop(f->context))
            s = LAC_FAIL(LAC_ERR_STOPPED, "stopped while latents were made; the same command goes on behind the files in '%s'", lac_latent_cache_folder(w->s->cache));
        LAC_TRY(lac_comm_agree(f->comm, s));
        report(f, (i + 1) * w->s->batch * f->comm->size, pictures, since);
    }
    return LAC_OK;
}

/* The first rank's view of what is missing is everybody's. */
static lac_status list_missing(const source *s, int64_t **file, int64_t *n)
{
    const int64_t all = lac_latent_cache_files(s->cache);
    uint8_t *has;
    *n = 0;
    LAC_TRY(lac_malloc((void **)file, (size_t)all * sizeof **file));
    LAC_TRY(lac_malloc((void **)&has, (size_t)all));
    for (int64_t i = 0; i < all; i++)
        has[i] = lac_latent_cache_has(s->cache, i);
    const lac_status status = s->from->comm->broadcast(s->from->comm, has, (size_t)all, 0);
    for (int64_t i = 0; i < all; i++)
        if (!has[i])
            (*file)[(*n)++] = i;
    free(has);
    return status;
}

static int64_t missing_pictures(const source *s, const int64_t *file, int64_t n_files)
{
    int64_t pictures = 0, from, n;
    for (int64_t i = 0; i < n_files; i++) {
        lac_latent_cache_range(s->cache, file[i], &from, &n);
        pictures += n * s->views;
    }
    return pictures;
}

static int64_t rounds_of(const source *s, const int64_t *file, int64_t n_files, int size)
{
    int64_t most = 0;
    for (int rank = 0; rank < size; rank++) {
        int64_t sum = 0;
        for (int64_t i = rank; i < n_files; i += size)
            sum += batches_of(s, file[i]);
        most = LAC_MAX(most, sum);
    }
    return most;
}

static lac_status make_missing(source *s, int k)
{
    int64_t *file = NULL, n;
    lac_status status = list_missing(s, &file, &n);
    if (status == LAC_OK && n > 0) {
        const lac_comm *comm = s->from->comm;
        work w = { .s = s, .file = file, .n_files = n, .next = comm->rank, .stride = comm->size };
        if (s->views > 1)
            status = open_loader(s, k, 1);
        status = lac_comm_agree(s->from->comm, status);
        if (status == LAC_OK)
            status = work_off(&w, rounds_of(s, file, n, comm->size), missing_pictures(s, file, n));
        drop_file(&w);
    }
    free(file);
    return status == LAC_OK ? lac_comm_agree(s->from->comm, lac_latent_cache_complete(s->cache)) : status;
}

/* ---- all sources ---- */

static lac_status open_one(lac_latents *l, const lac_latents_from *f, int k)
{
    source s;
    lac_status status = lac_comm_agree(f->comm, open_source(&s, f, k));
    if (status == LAC_OK)
        status = make_missing(&s, k);
    close_loaders(&s);
    l->cache[l->n++] = s.cache;
    return status;
}

lac_status lac_latents_open(lac_latents *l, const lac_latents_from *f)
{
    lac_recipe_latents *kept = &f->recipe->latents;
    *l = (lac_latents){ 0 };
    for (int k = 0; k < f->data->n_sources; k++)
        LAC_TRY(open_one(l, f, k));
    if (!kept->around)
        return LAC_OK;
    LAC_TRY(lac_malloc((void **)&l->whole, (size_t)lac_shape_numel(&kept->one) * sizeof *l->whole));
    kept->whole = l->whole;
    return lac_latent_cache_whole(l->cache[0], l->whole);
}

void lac_latents_close(lac_latents *l)
{
    for (int i = 0; i < l->n; i++)
        lac_latent_cache_close(l->cache[i]);
    free(l->whole);
    *l = (lac_latents){ 0 };
}

/* ---- what it costs ---- */

static lac_status plan_one(const lac_latents_from *f, lac_latents_cost *cost)
{
    lac_batch b;
    lac_plan_stats stats;
    char signature[64];
    LAC_TRY(lac_loader_describe(&(lac_loader_config){ .fields = f->recipe->def->fields, .view.size = f->recipe->size, .count = 1 }, &b));
    encoding e = { f->recipe, lac_batch_find(&b, "image"), lac_batch_find(&b, "mask"), false, NULL };
    name_region(&e, signature, sizeof signature);
    LAC_TRY(lac_tape_begin(f->tape, signature, true));
    const lac_status s = encode(f->tape, &e), end = lac_tape_end(f->tape);
    LAC_TRY(s != LAC_OK ? s : end);
    LAC_TRY(lac_tape_plan_stats(f->tape, signature, &stats));
    cost->flops = stats.flops;
    return LAC_OK;
}

static void add_source(const source *s, int k, lac_latents_cost *cost)
{
    const int64_t each = s->views * (s->layout.around ? KINDS : 1);
    cost->pictures += s->layout.records * each;
    cost->bytes += lac_latent_cache_bytes(s->cache);
    for (int64_t i = 0, from, n; i < lac_latent_cache_files(s->cache); i++) {
        lac_latent_cache_range(s->cache, i, &from, &n);
        cost->missing += lac_latent_cache_has(s->cache, i) ? 0 : n * each;
    }
    if (k == 0)
        snprintf(cost->folder, sizeof cost->folder, "%s", lac_latent_cache_folder(s->cache));
}

lac_status lac_latents_estimate(const lac_latents_from *f, lac_latents_cost *cost)
{
    *cost = (lac_latents_cost){ 0 };
    for (int k = 0; k < f->data->n_sources; k++) {
        source s;
        const lac_status status = open_source(&s, f, k);
        if (status == LAC_OK)
            add_source(&s, k, cost);
        close_loaders(&s);
        lac_latent_cache_close(s.cache);
        LAC_TRY(status);
    }
    return plan_one(f, cost);
}
