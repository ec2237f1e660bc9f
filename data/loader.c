#include "data/loader.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/philox.h"
#include "data/mask_file.h"
#include "data/order.h"
#include "data/tint.h"

#include <inttypes.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 256, MAX_DEPTH = 64, DEFAULT_THREADS = 2, DEFAULT_AHEAD = 2 };

typedef struct slot {
    int64_t step, done;                 /* samples made of this step */
    uint8_t *image, *mask;
    int64_t *id, *source;
    lac_status status;
    int64_t failed;                     /* the first sample that failed, whatever thread met it first */
    char why[1024];
    lac_batch batch;
} slot;

typedef struct stock { const lac_set *set; int64_t *id, n; } stock;     /* the records of one source */

struct lac_loader {
    lac_loader_config config;
    uint32_t order, crop, masks;        /* purposes */
    lac_mix mix;
    stock *stocks;
    lac_mask_file file;                 /* either a file, or */
    const lac_mask_kind *kind;          /* a generator */
    lac_mask_params params;
    slot *slots;
    int n_slots, n_threads;
    pthread_t thread[MAX_THREADS];
    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    /* all below under the lock */
    int64_t next;                       /* step that lac_loader_next will hand out */
    bool held;                          /* the caller has step next - 1 */
    int64_t take_step, take_sample;     /* what the next free thread makes */
    int busy;
    bool paused, stop;
    double waited;
};

typedef struct worker { uint8_t *bytes; size_t capacity; } worker;

/* ---- one sample ---- */

static int64_t total(const lac_loader *l)
{
    int64_t n = 0;
    for (int i = 0; i < l->config.n_sources; i++)
        n += l->stocks[i].n;
    return n;
}

/* Samples that this rank makes of a step. */
static int64_t rows(const lac_loader *l, int64_t step)
{
    const lac_loader_config *c = &l->config;
    if (!c->evaluate)
        return c->count;
    const int64_t left = l->stocks[0].n - step * c->global - c->first;
    return LAC_MAX(LAC_MIN(left, c->count), 0);
}

static lac_stream numbers(const lac_loader *l, uint32_t purpose, int64_t id, int64_t step, int64_t sample)
{
    if (l->config.evaluate)
        return lac_stream_at(l->config.seed, purpose, (uint32_t)id, (uint32_t)(id >> 32));
    return lac_stream_at(l->config.seed, purpose, (uint32_t)step, (uint32_t)sample);
}

/* Where a position of the endless row leads: source, record, and the record's place among its split. */
static int64_t find_record(const lac_loader *l, int64_t position, int *source, int64_t *place)
{
    int64_t own = position;
    *source = l->config.evaluate ? 0 : lac_mix_source(&l->mix, l->config.seed, l->order ^ lac_purpose("mix"), position, &own);
    const stock *s = &l->stocks[*source];
    *place = l->config.evaluate ? position : lac_order_record(l->config.seed, l->order + (uint32_t)*source, s->n, own);
    return s->id[*place];
}

static lac_status cut_picture(const lac_loader *l, const lac_set *set, int64_t id, lac_stream random, worker *w, uint8_t *to)
{
    lac_image image = { 0 };
    const lac_record r = lac_set_record(set, id);
    const lac_window window = lac_view_window(&l->config.view, r.height, r.width, &random);
    const int64_t rows = window.top + window.height;        /* what lies below the window need not be decoded */
    LAC_TRY(lac_set_read(set, id, &w->bytes, &w->capacity));
    LAC_TRY(lac_context(lac_image_decode_top(&image, w->bytes, (size_t)r.length, rows, 3, r.name), "'%s'", lac_set_path(set)));
    lac_status s;
    if (image.height == rows && image.width == r.width)
        s = lac_window_cut(&window, &image, l->config.view.size, to);
    else
        s = LAC_FAIL(LAC_ERR_FORMAT, "record '%s' of '%s' is not of the size that the set says", r.name, lac_set_path(set));
    lac_image_free(&image);
    if (s == LAC_OK && l->config.tint > 0) {
        const lac_tint tint = lac_tint_draw(l->config.tint, &random);
        lac_tint_apply(&tint, to, l->config.view.size * l->config.view.size);
    }
    return s;
}

/* A fixed mask belongs to the record's place in its split, a drawn one to the sample. */
static lac_status make_mask(const lac_loader *l, int64_t place, lac_stream random, uint8_t *to)
{
    const int64_t size = l->config.view.size;
    if (l->kind != NULL)
        return lac_mask_make(to, size, size, l->kind, &l->params, &random);
    memcpy(to, l->file.pixels + place % l->file.n * size * size, (size_t)(size * size));
    return LAC_OK;
}

/* Which of the rank's samples stands at place i of its batch. */
static int64_t shuffled(const lac_loader *l, int64_t i)
{
    const uint64_t order = (uint64_t)l->config.sum_order;
    return order == 0 ? i : lac_permute(order, lac_purpose("sum_order"), 0, l->config.count, i);
}

static lac_status make_sample(const lac_loader *l, slot *s, int64_t i, worker *w)
{
    const int64_t size = l->config.view.size, sample = l->config.first + shuffled(l, i);
    int source;
    int64_t place;
    const int64_t id = find_record(l, s->step * l->config.global + sample, &source, &place);
    s->id[i] = id;
    s->source[i] = source;
    if (l->config.mask != NULL)
        LAC_TRY(make_mask(l, place, numbers(l, l->masks, id, s->step, sample), s->mask + i * size * size));
    return cut_picture(l, l->stocks[source].set, id, numbers(l, l->crop, id, s->step, sample), w, s->image + 3 * i * size * size);
}

/* ---- threads ---- */

static slot *slot_of(lac_loader *l, int64_t step) { return &l->slots[step % l->n_slots]; }

/* There is a sample to make, and its slot is not one that the caller may still read or has not seen. */
static bool work_to_do(const lac_loader *l)
{
    const int64_t oldest = l->next - (l->held ? 1 : 0);
    return !l->paused && l->take_step < oldest + l->n_slots && rows(l, l->take_step) > 0;
}

static slot *take(lac_loader *l, int64_t *sample)
{
    slot *s = slot_of(l, l->take_step);
    if (l->take_sample == 0) {
        s->step = l->take_step;
        s->done = 0;
        s->status = LAC_OK;
    }
    *sample = l->take_sample++;
    if (l->take_sample == rows(l, l->take_step)) {
        l->take_step++;
        l->take_sample = 0;
    }
    l->busy++;
    return s;
}

static void put_back(lac_loader *l, slot *s, int64_t sample, lac_status status)
{
    if (status != LAC_OK && (s->status == LAC_OK || sample < s->failed)) {
        s->status = status;
        s->failed = sample;
        lac_error_copy(s->why, sizeof s->why);
    }
    s->done++;
    l->busy--;
    if (s->done == rows(l, s->step) || l->busy == 0)
        pthread_cond_broadcast(&l->ready);
}

static void *work(void *context)
{
    lac_loader *l = context;
    worker w = { 0 };
    int64_t sample;
    omp_set_num_threads(1);             /* a thread decodes alone; the team belongs to the step */
    pthread_mutex_lock(&l->lock);
    for (;;) {
        while (!l->stop && !work_to_do(l))
            pthread_cond_wait(&l->work, &l->lock);
        if (l->stop)
            break;
        slot *s = take(l, &sample);
        pthread_mutex_unlock(&l->lock);
        const lac_status status = make_sample(l, s, sample, &w);
        pthread_mutex_lock(&l->lock);
        put_back(l, s, sample, status);
    }
    pthread_mutex_unlock(&l->lock);
    free(w.bytes);
    return NULL;
}

/* Signals are the main thread's. */
static lac_status start_threads(lac_loader *l, int wanted)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int refused = 0;
    while (l->n_threads < wanted && refused == 0) {
        refused = pthread_create(&l->thread[l->n_threads], NULL, work, l);
        l->n_threads += refused == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return refused == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot start a thread of the loader: %s", strerror(refused));
}

/* ---- making one ---- */

static lac_status check(const lac_loader_config *c)
{
    if (c->global < 1 || c->count < 1 || c->first < 0 || c->first + c->count > c->global || c->global > INT32_MAX)
        return LAC_FAIL(LAC_ERR_CONFIG, "samples %" PRId64 " to %" PRId64 " of a batch of %" PRId64, c->first, c->first + c->count, c->global);
    if (c->threads < 0 || c->threads > MAX_THREADS || c->depth < 0 || c->depth > MAX_DEPTH)
        return LAC_FAIL(LAC_ERR_CONFIG, "%d loader threads and %d batches ahead, expected at most %d and %d", c->threads, c->depth, MAX_THREADS,
                        MAX_DEPTH);
    if (c->evaluate && (c->n_sources != 1 || c->view.flip || c->view.turn > 0 || c->tint > 0 || c->sum_order > 0))
        return LAC_FAIL(LAC_ERR_CONFIG, "evaluation takes one source, and neither flips, turns nor tints");
    return lac_view_check(&c->view);
}

static uint32_t purpose_of(const char *stream, const char *what)
{
    return lac_purpose(what) ^ 31 * lac_purpose(stream);
}

static lac_status fill_stocks(lac_loader *l, const lac_loader_config *c)
{
    double weight[LAC_MIX_MAX];
    LAC_TRY(lac_calloc((void **)&l->stocks, (size_t)LAC_MAX(c->n_sources, 1), sizeof *l->stocks));
    for (int i = 0; i < c->n_sources && i < LAC_MIX_MAX; i++) {
        stock *s = &l->stocks[i];
        weight[i] = c->source[i].weight;
        s->set = c->source[i].set;
        LAC_TRY(lac_set_select(s->set, c->source[i].split, LAC_KIND_PHOTO, &s->id, &s->n));
    }
    return lac_mix_new(&l->mix, weight, c->n_sources);
}

static lac_status find_masks(lac_loader *l, const lac_loader_config *c)
{
    if (c->mask == NULL)
        return LAC_OK;
    if (strncmp(c->mask, "file:", 5) != 0) {
        l->params = c->mask_params != NULL ? *c->mask_params : lac_mask_defaults();
        LAC_TRY(lac_mask_check(&l->params));
        return lac_mask_named(&l->kind, c->mask);
    }
    LAC_TRY(lac_mask_file_load(&l->file, c->mask + 5));
    if (l->file.size == c->view.size)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_CONFIG, "the masks of '%s' are %" PRId64 " pixels wide, the pictures %" PRId64, c->mask + 5, l->file.size, c->view.size);
}

static void name_fields(slot *s, const lac_loader_config *c)
{
    const int64_t n = c->count, size = c->view.size;
    lac_field *f = s->batch.field;
    int k = 0;
    lac_tensor_shape(&f[k].tensor, LAC_U8, 4, (int64_t[]){ n, size, size, 3 });
    f[k].tensor.data = s->image;
    f[k++].name = "image";
    if (c->mask != NULL) {
        lac_tensor_shape(&f[k].tensor, LAC_U8, 4, (int64_t[]){ n, size, size, 1 });
        f[k].tensor.data = s->mask;
        f[k++].name = "mask";
    }
    lac_tensor_shape(&f[k].tensor, LAC_I64, 1, &n);
    f[k].tensor.data = s->id;
    f[k++].name = "id";
    lac_tensor_shape(&f[k].tensor, LAC_I64, 1, &n);
    f[k].tensor.data = s->source;
    f[k++].name = "source";
    s->batch.n_fields = k;
}

static lac_status make_slots(lac_loader *l, const lac_loader_config *c)
{
    const size_t n = (size_t)c->count, pixels = (size_t)(c->view.size * c->view.size);
    l->n_slots = 1 + (c->depth > 0 ? c->depth : DEFAULT_AHEAD);
    LAC_TRY(lac_calloc((void **)&l->slots, (size_t)l->n_slots, sizeof *l->slots));
    for (int i = 0; i < l->n_slots; i++) {
        slot *s = &l->slots[i];
        s->step = -1;
        LAC_TRY(lac_calloc((void **)&s->image, n, 3 * pixels));
        if (c->mask != NULL)
            LAC_TRY(lac_calloc((void **)&s->mask, n, pixels));
        LAC_TRY(lac_calloc((void **)&s->id, n, sizeof *s->id));
        LAC_TRY(lac_calloc((void **)&s->source, n, sizeof *s->source));
        name_fields(s, c);
    }
    return LAC_OK;
}

lac_status lac_loader_new(lac_loader **loader, const lac_loader_config *c)
{
    lac_loader *l;
    LAC_TRY(check(c));
    LAC_TRY(lac_calloc((void **)&l, 1, sizeof *l));
    l->config = *c;
    l->order = purpose_of(c->stream, "order");
    l->crop = purpose_of(c->stream, "crop");
    l->masks = purpose_of(c->stream, "mask");
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    lac_status s = fill_stocks(l, c);
    if (s == LAC_OK)
        s = find_masks(l, c);
    if (s == LAC_OK)
        s = make_slots(l, c);
    if (s == LAC_OK)
        s = start_threads(l, c->threads > 0 ? c->threads : DEFAULT_THREADS);
    if (s == LAC_OK)
        *loader = l;
    else
        lac_loader_free(l);
    return s;
}

void lac_loader_free(lac_loader *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_threads; i++)
        pthread_join(l->thread[i], NULL);
    for (int i = 0; l->slots != NULL && i < l->n_slots; i++) {
        slot *s = &l->slots[i];
        free(s->image), free(s->mask), free(s->id), free(s->source);
    }
    for (int i = 0; l->stocks != NULL && i < l->config.n_sources; i++)
        free(l->stocks[i].id);
    lac_mask_file_free(&l->file);
    free(l->slots);
    free(l->stocks);
    pthread_cond_destroy(&l->ready);
    pthread_cond_destroy(&l->work);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* ---- using it ---- */

lac_status lac_loader_seek(lac_loader *l, int64_t step)
{
    if (step < 0 || step > UINT32_MAX)
        return LAC_FAIL(LAC_ERR_ARG, "there is no step %" PRId64, step);
    pthread_mutex_lock(&l->lock);
    l->paused = true;
    while (l->busy > 0)
        pthread_cond_wait(&l->ready, &l->lock);
    for (int i = 0; i < l->n_slots; i++)
        l->slots[i].step = -1;
    l->next = l->take_step = step;
    l->take_sample = 0;
    l->held = l->paused = false;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return LAC_OK;
}

/* Under the lock: waits until all samples of the step are made. */
static slot *await(lac_loader *l)
{
    slot *s = slot_of(l, l->next);
    const double from = lac_seconds();
    while (rows(l, l->next) > 0 && (s->step != l->next || s->done < rows(l, l->next)))
        pthread_cond_wait(&l->ready, &l->lock);
    l->waited += lac_seconds() - from;
    return s;
}

lac_status lac_loader_next(lac_loader *l, const lac_batch **batch)
{
    pthread_mutex_lock(&l->lock);
    l->held = false;
    pthread_cond_broadcast(&l->work);
    slot *s = await(l);
    s->batch.n = rows(l, l->next);
    s->batch.step = l->next;
    for (int i = 0; i < s->batch.n_fields; i++)
        s->batch.field[i].tensor.dim[0] = s->batch.n;
    const lac_status status = s->batch.n > 0 ? s->status : LAC_OK;
    if (status == LAC_OK) {
        l->next++;
        l->held = true;
        *batch = &s->batch;
    }
    pthread_mutex_unlock(&l->lock);
    return status == LAC_OK ? LAC_OK : LAC_FAIL(status, "%s", s->why);
}

const lac_tensor *lac_batch_field(const lac_batch *b, const char *name)
{
    for (int i = 0; i < b->n_fields; i++)
        if (strcmp(b->field[i].name, name) == 0)
            return &b->field[i].tensor;
    return NULL;
}

int64_t lac_loader_records(const lac_loader *l) { return total(l); }

double lac_loader_waited(const lac_loader *l)
{
    pthread_mutex_lock((pthread_mutex_t *)&l->lock);
    const double seconds = l->waited;
    pthread_mutex_unlock((pthread_mutex_t *)&l->lock);
    return seconds;
}
