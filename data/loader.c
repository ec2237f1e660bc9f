#include "data/loader.h"

#include "core/clock.h"
#include "core/memory.h"
#include "data/field.h"
#include "data/order.h"

#include <inttypes.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 256, MAX_DEPTH = 64, DEFAULT_THREADS = 2, DEFAULT_AHEAD = 2 };

typedef struct slot {
    int64_t step, done;                 /* samples made of this step */
    lac_status status;
    int64_t failed;                     /* the first sample that failed, whatever thread met it first */
    char why[1024];
    lac_batch batch;
} slot;

/* The records of one source. */
typedef struct stock {
    const lac_set *set;
    int64_t *id, n;
    const lac_latent_cache *latents[LAC_LATENT_SORTS];
    lac_mask_source *masks;             /* NULL: no field wants any */
    bool of_record, around;             /* its masks are the record's, whatever the sample; its windows are laid around an object */
    unsigned needs;                     /* LAC_NEEDS_... of fields, masks and windows */
} stock;

struct lac_loader {
    lac_loader_config config;
    uint32_t stream, order;             /* the latter: a purpose */
    lac_mix mix;
    stock *stocks;
    slot *slots;
    size_t each[LAC_MAX_FIELDS];        /* bytes of a sample's field */
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

/* Where a position of the endless row leads: source, record, and the record's place among its split. */
static int64_t find_record(const lac_loader *l, int64_t position, int *source, int64_t *place)
{
    int64_t own = position;
    *source = l->config.evaluate ? 0 : lac_mix_source(&l->mix, l->config.seed, l->order ^ lac_purpose("mix"), position, &own);
    const stock *s = &l->stocks[*source];
    *place = l->config.evaluate ? position : lac_order_record(l->config.seed, l->order + (uint32_t)*source, s->n, own);
    return s->id[*place];
}

/* Which of the rank's samples stands at place i of its batch. */
static int64_t shuffled(const lac_loader *l, int64_t i)
{
    const uint64_t order = (uint64_t)l->config.sum_order;
    return order == 0 ? i : lac_permute(order, lac_purpose("sum_order"), 0, l->config.count, i);
}

/* Its counter: in training the step and the place in the global batch, in evaluation the record. */
static void count_sample(const lac_loader *l, int64_t step, int64_t sample, lac_sample *s)
{
    const bool record = l->config.evaluate;
    s->step = (uint32_t)(record ? s->id : step);
    s->sample = (uint32_t)(record ? s->id >> 32 : sample);
}

/* Window and tint: drawn in this order from one stream. */
static void frame_sample(const lac_loader *l, lac_sample *s, lac_tint *tint)
{
    const lac_record r = lac_set_record(s->set, s->id);
    lac_stream random = lac_sample_draw(s, LAC_DRAW_CROP);
    const lac_box *around = NULL;
    lac_part object;
    if (l->stocks[s->source].around) {
        object = lac_set_part(s->set, lac_sample_object(s));
        around = &object.box;
    }
    s->window = lac_view_window_around(s->view, r.height, r.width, around, &random);
    if (l->config.tint > 0) {
        *tint = lac_tint_draw(l->config.tint, &random);
        s->tint = tint;
    }
}

static lac_status make_sample(const lac_loader *l, const slot *to, int64_t i, struct lac_buffer *buffer)
{
    const int64_t sample = l->config.first + shuffled(l, i);
    int source;
    lac_tint tint;
    lac_sample s = { .view = &l->config.view, .seed = l->config.seed, .stream = l->stream, .buffer = buffer };
    s.id = find_record(l, to->step * l->config.global + sample, &source, &s.place);
    const stock *from = &l->stocks[source];
    s.source = source;
    s.set = from->set;
    s.latents = from->latents;
    s.needs = from->needs;
    s.masks = from->masks;
    count_sample(l, to->step, sample, &s);
    frame_sample(l, &s, &tint);
    for (int f = 0; f < to->batch.n_fields; f++) {
        const lac_field *field = &to->batch.field[f];
        LAC_TRY(field->def->make(&s, (char *)field->tensor.data + (size_t)i * l->each[f]));
    }
    return LAC_OK;
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
    struct lac_buffer buffer = { 0 };
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
        const lac_status status = make_sample(l, s, sample, &buffer);
        pthread_mutex_lock(&l->lock);
        put_back(l, s, sample, status);
    }
    pthread_mutex_unlock(&l->lock);
    free(buffer.bytes);
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

/* ---- what is asked for ---- */

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

static lac_status open_masks(stock *s, const lac_source *source, const lac_loader_config *c)
{
    const char *word = source->mask != NULL ? source->mask : c->mask;
    if (!(s->needs & LAC_NEEDS_MASK))
        return LAC_OK;
    LAC_TRY(lac_mask_source_open(&s->masks, word, c->view.size, c->mask_params, c->locate, c->locate_context));
    s->of_record = lac_mask_source_of_record(word);
    s->needs |= lac_mask_source_needs(s->masks);
    return LAC_OK;
}

static lac_status find_needs(stock *s, const lac_source *source, const lac_loader_config *c, const lac_batch *made)
{
    for (int f = 0; f < made->n_fields; f++) {
        const lac_field_def *def = made->field[f].def;
        s->needs |= def->needs;
        if ((def->needs & LAC_NEEDS_MASK) && c->mask == NULL && source->mask == NULL)
            return LAC_FAIL(LAC_ERR_CONFIG, "field '%s' wants a source of masks, and none is given", def->name);
    }
    LAC_TRY(open_masks(s, source, c));
    s->around = c->around && (source->mask == NULL || (s->needs & LAC_NEEDS_OBJECT));
    s->needs |= s->around ? LAC_NEEDS_OBJECT : 0;
    return LAC_OK;
}

static bool has_what_is_needed(const lac_set *set, int64_t id, unsigned needs)
{
    int64_t first;
    const bool silent = (needs & LAC_NEEDS_CAPTION) && lac_set_parts(set, id, LAC_PART_CAPTION, &first) == 0, object = (needs & LAC_NEEDS_OBJECT) || silent;
    if ((needs & LAC_NEEDS_EDITED) && lac_set_parts(set, id, LAC_PART_EDITED, &first) == 0)
        return false;
    return !object || lac_sample_object(&(lac_sample){ .set = set, .id = id, .needs = needs }) >= 0;
}

static lac_status nobody_has_it(const lac_source *source, unsigned needs)
{
    return LAC_FAIL(LAC_ERR_CONFIG, "no picture of '%s', split '%s', has all that is asked for:%s%s%s", lac_set_path(source->set), source->split,
                    needs & LAC_NEEDS_EDITED ? " an edited copy" : "", needs & LAC_NEEDS_CAPTION ? " a caption or an object's label" : "",
                    needs & LAC_NEEDS_OBJECT_MASK ? " an object with a mask" : needs & LAC_NEEDS_OBJECT ? " an object" : "");
}

static lac_status take_latents(stock *s, const lac_source *source, unsigned needs)
{
    static const struct { unsigned need; const char *name; } sort[LAC_LATENT_SORTS] = { { LAC_NEEDS_MOMENTS, "latents" }, { LAC_NEEDS_FEATURES, "features" } };
    for (int i = 0; i < LAC_LATENT_SORTS; i++) {
        const lac_latent_cache *c = s->latents[i] = source->latents[i];
        if (!(needs & sort[i].need))
            continue;
        if (c == NULL)
            return LAC_FAIL(LAC_ERR_CONFIG, "there is no cache of %s for '%s', split '%s'", sort[i].name, lac_set_path(source->set), source->split);
        if (lac_latent_cache_records(c) != s->n)
            return LAC_FAIL(LAC_ERR_STATE, "'%s' has %s of %" PRId64 " records, '%s' has %" PRId64, lac_latent_cache_folder(c), sort[i].name, lac_latent_cache_records(c),
                            lac_set_path(source->set), s->n);
    }
    return LAC_OK;
}

static lac_status fill_stock(stock *s, const lac_source *source, int64_t limit)
{
    const unsigned needs = s->needs;
    int64_t n = 0;
    s->set = source->set;
    LAC_TRY(lac_set_select(s->set, source->split, LAC_KIND_PHOTO, &s->id, &s->n));
    for (int64_t i = 0; i < s->n; i++)
        if (has_what_is_needed(s->set, s->id[i], needs))
            s->id[n++] = s->id[i];
    s->n = limit > 0 ? LAC_MIN(n, limit) : n;
    return n > 0 ? take_latents(s, source, needs) : nobody_has_it(source, needs);
}

static lac_status fill_stocks(lac_loader *l, const lac_loader_config *c, const lac_batch *made)
{
    double weight[LAC_MIX_MAX];
    LAC_TRY(lac_calloc((void **)&l->stocks, (size_t)LAC_MAX(c->n_sources, 1), sizeof *l->stocks));
    for (int i = 0; i < c->n_sources && i < LAC_MIX_MAX; i++) {
        weight[i] = c->source[i].weight;
        LAC_TRY(find_needs(&l->stocks[i], &c->source[i], c, made));
        LAC_TRY(fill_stock(&l->stocks[i], &c->source[i], c->evaluate ? c->limit : 0));
    }
    return lac_mix_new(&l->mix, weight, c->n_sources);
}

/* ---- making one ---- */

static lac_status make_slots(lac_loader *l, const lac_loader_config *c, const lac_batch *made)
{
    l->n_slots = 1 + (c->depth > 0 ? c->depth : DEFAULT_AHEAD);
    for (int f = 0; f < made->n_fields; f++)
        l->each[f] = lac_bytes(&made->field[f].tensor) / (size_t)c->count;
    LAC_TRY(lac_calloc((void **)&l->slots, (size_t)l->n_slots, sizeof *l->slots));
    for (int i = 0; i < l->n_slots; i++) {
        slot *s = &l->slots[i];
        s->step = -1;
        s->batch = *made;
        for (int f = 0; f < made->n_fields; f++)
            LAC_TRY(lac_calloc(&s->batch.field[f].tensor.data, 1, lac_bytes(&made->field[f].tensor)));
    }
    return LAC_OK;
}

static lac_status fill(lac_loader *l, const lac_loader_config *c)
{
    lac_batch made;
    LAC_TRY(lac_loader_describe(c, &made));
    LAC_TRY(fill_stocks(l, c, &made));
    LAC_TRY(make_slots(l, c, &made));
    return start_threads(l, c->threads > 0 ? c->threads : DEFAULT_THREADS);
}

lac_status lac_loader_new(lac_loader **loader, const lac_loader_config *c)
{
    lac_loader *l;
    LAC_TRY(check(c));
    LAC_TRY(lac_calloc((void **)&l, 1, sizeof *l));
    l->config = *c;
    l->stream = lac_draw_stream(c->stream);
    l->order = lac_draw_purpose(l->stream, LAC_DRAW_ORDER);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    const lac_status s = fill(l, c);
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
    for (int i = 0; l->slots != NULL && i < l->n_slots; i++)
        lac_batch_free(&l->slots[i].batch);
    for (int i = 0; l->stocks != NULL && i < l->config.n_sources; i++) {
        lac_mask_source_close(l->stocks[i].masks);
        free(l->stocks[i].id);
    }
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

/* ---- what is the same in every epoch ---- */

/* The window of a picture is what it is, whatever is drawn. */
static bool has_one_window(const lac_loader_config *c, bool around, const lac_record *r)
{
    const int64_t least = LAC_MIN(r->height, r->width), shorter = LAC_MAX(c->view.shorter > 0 ? c->view.shorter : least, c->view.size);
    const bool whole = r->height == r->width && (c->view.size * least + shorter / 2) / shorter == least;
    return c->view.crop == LAC_CROP_SQUASH || whole || (c->view.crop == LAC_CROP_CENTER && !around);
}

static int64_t count_objects(const lac_loader *l, int64_t id)
{
    const lac_set *set = l->stocks[0].set;
    int64_t first, n = 0;
    const int64_t all = lac_set_parts(set, id, LAC_PART_OBJECT, &first);
    for (int64_t i = 0; i < all; i++)
        n += !(l->stocks[0].needs & LAC_NEEDS_OBJECT_MASK) || lac_set_part(set, first + i).length > 0;
    return n;
}

static lac_status check_record_fixed(const lac_loader *l, const lac_loader_config *c, bool masks, int64_t id)
{
    const stock *s = &l->stocks[0];
    const lac_record r = lac_set_record(s->set, id);
    if (!has_one_window(c, s->around, &r))
        return LAC_FAIL(LAC_ERR_CONFIG, "%s: '%s' is %" PRId64 " x %" PRId64 ", of which each sample sees another window of %" PRId64 "; expected %s",
                        c->view.crop == LAC_CROP_RANDOM ? "crop" : "around", r.name, r.height, r.width, c->view.size,
                        c->view.crop == LAC_CROP_RANDOM ? "center or squash, or pictures that are square and no larger" : "false");
    const int64_t objects = masks && (lac_mask_source_needs(s->masks) & LAC_NEEDS_OBJECT) ? count_objects(l, id) : 1;
    return objects == 1 ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "mask: '%s' has %" PRId64 " objects, of which each sample draws one", r.name, objects);
}

lac_status lac_loader_check_fixed(const lac_loader *l, const lac_loader_config *c, bool masks)
{
    if (c->evaluate)
        return LAC_OK;
    if (c->view.shorter_max > c->view.shorter || c->view.turn > 0 || c->tint > 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "%s: every sample is another picture; expected 0",
                        c->tint > 0 ? "tint" : c->view.turn > 0 ? "turn" : "shorter_max");
    if (masks && !l->stocks[0].of_record)
        return LAC_FAIL(LAC_ERR_CONFIG, "mask: every sample draws another: %s", lac_loader_masks(l));
    for (int64_t i = 0; i < l->stocks[0].n; i++)
        LAC_TRY(check_record_fixed(l, c, masks, l->stocks[0].id[i]));
    return LAC_OK;
}

int64_t lac_loader_records(const lac_loader *l) { return total(l); }
int64_t lac_loader_record(const lac_loader *l, int64_t place) { return l->stocks[0].id[place]; }
const char *lac_loader_masks(const lac_loader *l) { return l->stocks[0].masks != NULL ? lac_mask_source_about(l->stocks[0].masks) : ""; }

double lac_loader_waited(const lac_loader *l)
{
    pthread_mutex_lock((pthread_mutex_t *)&l->lock);
    const double seconds = l->waited;
    pthread_mutex_unlock((pthread_mutex_t *)&l->lock);
    return seconds;
}
