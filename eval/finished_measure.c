/* A few entries: their pictures read, measured, seen by networks. */
#include "eval/finished_internal.h"

#include "core/file/atomic.h"
#include "core/image/paste.h"
#include "core/memory.h"
#include "core/threads.h"
#include "eval/object_crop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30 };

/* One entry while its pictures are in memory. */
typedef struct slot {
    int64_t i;
    lac_image picture[LAC_FOLDERS];
    lac_resized sized, small;               /* of a pair: at --size; at the side that a metric wants. Empty where nobody asks */
    lac_status status[LAC_FOLDERS + 1];     /* of the threads that worked on it; not those of broken files */
} slot;

typedef struct block { lac_finished *f; slot *slot; int64_t n, side; } block;

static lac_finished_row *row_of(const block *b, const slot *s) { return &b->f->row[s->i]; }

/* ---- reading ---- */

static lac_status decode(const block *b, slot *s, int folder, const char *path)
{
    char *bytes;
    size_t size;
    LAC_TRY(lac_file_read(path, MAX_FILE, &bytes, &size));
    lac_sha256_of(bytes, size, row_of(b, s)->digest[folder]);
    const lac_status status = lac_image_decode_as_pillow(&s->picture[folder], (const uint8_t *)bytes, size, folder == LAC_MASKS ? 1 : 3, path);
    free(bytes);
    return status;
}

/* A file that cannot be read is broken, and no failure. */
static lac_status load(const block *b, slot *s, int folder)
{
    const lac_finished_ask *ask = &b->f->ask;
    const char *root = folder == LAC_IMAGES ? ask->images : folder == LAC_REFERENCE ? ask->reference : ask->masks, *path = b->f->entry[s->i].path[folder];
    char *full;
    if (path == NULL)
        return LAC_OK;
    LAC_TRY(lac_format(&full, "%s/%s", root, path));
    lac_status status = decode(b, s, folder, full);
    free(full);
    if (status != LAC_OK && status != LAC_ERR_MEM)
        return lac_strdup(&row_of(b, s)->broken[folder], lac_error_message());
    if (status == LAC_OK && folder == LAC_MASKS)
        lac_mask_binarise(s->picture[folder].pixels, s->picture[folder].height * s->picture[folder].width);
    return status;
}

/* ---- pictures of a pair ---- */

static bool same_size(const lac_image *a, const lac_image *b) { return a->height == b->height && a->width == b->width; }

static lac_resized as_read(const slot *s) { return (lac_resized){ s->picture[LAC_IMAGES], s->picture[LAC_REFERENCE], s->picture[LAC_MASKS] }; }

static lac_status resize(const block *b, slot *s)
{
    const int64_t size = b->f->ask.size;
    lac_resized whole = as_read(s);
    if (size > 0)
        LAC_TRY(lac_resized_new(&s->sized, &whole, size));
    if (b->side > 0)
        LAC_TRY(lac_resized_new(&s->small, size > 0 ? &s->sized : &whole, b->side));
    return LAC_OK;
}

/* What metric k sees of the pair. */
static lac_resized seen_by(const block *b, const slot *s, int64_t k)
{
    const lac_metric_def *def = b->f->metric[k].def;
    return def->side > 0 ? s->small : b->f->ask.size > 0 && lac_finished_resizes(def) ? s->sized : as_read(s);
}

/* NULL, or why metric k can have no value of what it sees. */
static const char *unfit(const block *b, const slot *s, int64_t k, const lac_resized *seen)
{
    const lac_metric *m = &b->f->metric[k];
    const bool masked = m->region != LAC_WHOLE || m->def->wants_mask;
    if (!m->def->no_reference && !same_size(&seen->image, &seen->reference))
        return "the pictures have different sizes";
    if (masked && seen->mask.pixels == NULL)
        return row_of(b, s)->broken[LAC_MASKS] != NULL ? "its mask is broken" : "no mask";
    return masked && !same_size(&seen->image, &seen->mask) ? "the mask has another size" : NULL;
}

static lac_pair pair_for(const block *b, const slot *s, int64_t k, const lac_resized *seen)
{
    const int64_t v = b->f->view_of[k];
    lac_pair p = lac_resized_pair(seen);
    if (!same_size(&seen->image, &seen->mask))
        p.mask = NULL;
    p.said = b->f->entry[s->i].said;
    if (v >= 0) {
        p.feature = row_of(b, s)->feature[v][0];
        p.reference_feature = row_of(b, s)->feature[v][1];
        p.n_features = b->f->view[v].net->n;
    }
    return p;
}

/* A crop that cannot be is the reason of a metric that sees one. */
static lac_status measure(const block *b, slot *s, int64_t k)
{
    const lac_metric *m = &b->f->metric[k];
    lac_value *value = &row_of(b, s)->value[k];
    const lac_resized seen = seen_by(b, s, k);
    const char *why = unfit(b, s, k, &seen);
    const lac_pair p = pair_for(b, s, k, &seen);
    lac_cutout box;
    if (why == NULL && m->def->crop != NULL)
        why = m->def->crop(&p, &box);
    if (why != NULL)
        return *value = lac_undefined(why), LAC_OK;
    if (!lac_metric_of_pictures(m->def))
        return *value = (lac_value){ NAN, NULL }, LAC_OK;
    return lac_metric_measure(m, b->f->net_of[k], &p, value);
}

/* Those without a network; each pair is a thread's. */
static lac_status measure_pixels(const block *b, slot *s)
{
    if (!row_of(b, s)->pair)
        return LAC_OK;
    LAC_TRY(resize(b, s));
    for (int64_t k = 0; k < b->f->ask.n_metrics; k++)
        if (b->f->net_of[k] == NULL)
            LAC_TRY(measure(b, s, k));
    return LAC_OK;
}

static lac_status measure_by_networks(const block *b)
{
    for (int64_t i = 0; i < b->n; i++)
        for (int64_t k = 0; row_of(b, &b->slot[i])->pair && k < b->f->ask.n_metrics; k++)
            if (b->f->net_of[k] != NULL)
                LAC_TRY(lac_context(measure(b, &b->slot[i], k), "'%s'", b->f->entry[b->slot[i].i].id));
    return LAC_OK;
}

/* ---- features ---- */

/* A picture that a view sees, and whose; cut out of a whole one, it is owned. */
typedef struct sight { lac_picture picture; lac_image cut; float **to; } sight;

static lac_status look(const lac_finished_view *v, lac_spool *spool, sight *from, int64_t n)
{
    lac_picture *picture;
    float *found = NULL;
    LAC_TRY(lac_calloc((void **)&picture, (size_t)n, sizeof *picture));
    for (int64_t i = 0; i < n; i++)
        picture[i] = from[i].picture;
    lac_status s = lac_calloc((void **)&found, (size_t)(n * v->net->n), sizeof *found);
    if (s == LAC_OK)
        s = v->net->def->of(v->net, picture, n, found);
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        s = lac_spool_take(spool, v->net->n, from[i].to);
        if (s == LAC_OK)
            memcpy(*from[i].to, found + i * v->net->n, (size_t)v->net->n * sizeof *found);
    }
    free(found);
    free(picture);
    return s;
}

/* Runs of pictures of one size, at once. */
static lac_status look_at_all(const lac_finished_view *v, lac_spool *spool, sight *all, int64_t n)
{
    for (int64_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n; to++)
            if (all[to].picture.height != all[from].picture.height || all[to].picture.width != all[from].picture.width)
                break;
        LAC_TRY(look(v, spool, all + from, to - from));
    }
    return LAC_OK;
}

static lac_status add_sight(const block *b, slot *s, int64_t view, int folder, const lac_cutout *cut, sight *to)
{
    const lac_image *whole = &s->picture[folder], *mask = &s->picture[LAC_MASKS];
    const lac_picture all = { whole->height, whole->width, whole->pixels, same_size(whole, mask) ? mask->pixels : NULL, b->f->entry[s->i].said };
    *to = (sight){ .to = &row_of(b, s)->feature[view][folder], .picture = all };
    if (cut == NULL)
        return LAC_OK;
    LAC_TRY(lac_cutout_take(&to->cut, &all, cut));
    to->picture = (lac_picture){ to->cut.height, to->cut.width, to->cut.pixels, NULL, all.said };
    return LAC_OK;
}

/* Whether the view sees this entry's pictures at all, and in *cut which part. */
static bool sees(const block *b, const slot *s, const lac_finished_view *v, lac_cutout *cut)
{
    const lac_resized whole = as_read(s);
    lac_pair p = lac_resized_pair(&whole);
    p.said = b->f->entry[s->i].said;
    if (!same_size(&whole.image, &whole.mask))
        p.mask = NULL;
    if (lac_said_missing(v->wants, &b->f->entry[s->i].said) != NULL)
        return false;
    if (v->unpaired)
        return true;
    if (!row_of(b, s)->pair || v->crop == NULL)
        return row_of(b, s)->pair;
    return same_size(&whole.image, &whole.reference) && v->crop(&p, cut) == NULL;
}

static lac_status see(const block *b, int64_t view)
{
    const lac_finished_view *v = &b->f->view[view];
    sight *all;
    int64_t n = 0;
    LAC_TRY(lac_calloc((void **)&all, (size_t)(2 * b->n), sizeof *all));
    lac_status status = LAC_OK;
    for (int folder = LAC_IMAGES; folder <= (v->reference ? LAC_REFERENCE : LAC_IMAGES); folder++)
        for (int64_t i = 0; status == LAC_OK && i < b->n; i++) {
            lac_cutout cut;
            if (b->slot[i].picture[folder].pixels != NULL && sees(b, &b->slot[i], v, &cut))
                status = add_sight(b, &b->slot[i], view, folder, v->crop != NULL ? &cut : NULL, &all[n++]);
        }
    if (status == LAC_OK)
        status = lac_context(look_at_all(v, b->f->spool, all, n), "network '%s'", v->net->def->name);
    for (int64_t i = 0; i < n; i++)
        lac_image_free(&all[i].cut);
    free(all);
    return status;
}

/* ---- a block ---- */

/* A thread's failure, which left its message there. */
static lac_status failed(const block *b)
{
    for (int64_t i = 0; i < b->n; i++)
        for (int k = 0; k <= LAC_FOLDERS; k++)
            if (b->slot[i].status[k] != LAC_OK)
                return LAC_FAIL(b->slot[i].status[k], "no memory for the pictures of '%s'", b->f->entry[b->slot[i].i].id);
    return LAC_OK;
}

static int64_t holes_of(const slot *s)
{
    const lac_image *mask = &s->picture[LAC_MASKS];
    int64_t holes = 0;
    if (mask->pixels == NULL || !same_size(mask, &s->picture[LAC_REFERENCE]))
        return -1;
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        holes += mask->pixels[i] != 0;
    return holes;
}

static lac_status pair_up(const block *b, slot *s)
{
    lac_finished_row *row = row_of(b, s);
    row->pair = s->picture[LAC_IMAGES].pixels != NULL && s->picture[LAC_REFERENCE].pixels != NULL;
    if (!row->pair)
        return LAC_OK;
    row->height = s->picture[LAC_REFERENCE].height;
    row->width = s->picture[LAC_REFERENCE].width;
    row->holes = holes_of(s);
    return lac_calloc((void **)&row->value, (size_t)b->f->ask.n_metrics, sizeof *row->value);
}

static lac_status measure_block(block *b)
{
    LAC_PARALLEL_FOR(p, LAC_FOLDERS * b->n)
        b->slot[p / LAC_FOLDERS].status[p % LAC_FOLDERS] = load(b, &b->slot[p / LAC_FOLDERS], (int)(p % LAC_FOLDERS));
    LAC_TRY(failed(b));
    for (int64_t i = 0; i < b->n; i++)
        LAC_TRY(pair_up(b, &b->slot[i]));
    LAC_PARALLEL_FOR(p, b->n)
        b->slot[p].status[LAC_FOLDERS] = measure_pixels(b, &b->slot[p]);
    LAC_TRY(failed(b));
    for (int64_t v = 0; v < b->f->n_views; v++)
        LAC_TRY(see(b, v));
    LAC_TRY(measure_by_networks(b));
    for (int64_t i = 0; i < b->n; i++)
        row_of(b, &b->slot[i])->done = true;
    return LAC_OK;
}

static void free_slot(slot *s)
{
    for (int folder = 0; folder < LAC_FOLDERS; folder++)
        lac_image_free(&s->picture[folder]);
    lac_resized_free(&s->sized);
    lac_resized_free(&s->small);
}

lac_status lac_finished_measure(lac_finished *f, const int64_t *at, int64_t n)
{
    block b = { .f = f, .n = n };
    for (int64_t k = 0; k < f->ask.n_metrics; k++)
        b.side = LAC_MAX(b.side, f->metric[k].def->side);
    LAC_TRY(lac_calloc((void **)&b.slot, (size_t)n, sizeof *b.slot));
    for (int64_t i = 0; i < n; i++)
        b.slot[i].i = at[i];
    const lac_status s = measure_block(&b);
    for (int64_t i = 0; i < n; i++)
        free_slot(&b.slot[i]);
    free(b.slot);
    return s;
}
