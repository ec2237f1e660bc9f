#include "data/pack_collage.h"

#include "core/image/paste.h"
#include "core/image/resample.h"
#include "core/memory.h"
#include "core/philox.h"
#include "data/scene/scene.h"
#include "data/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OBJECTS = 8, TRIES = 16, LEAST_SIDE = 35, MOST_SIDE = 75, MOST_SHORTER = 150, SHARE = 8, MOST_COUNT = 10000000 };      /* sides in percent of the picture's */

/* Records of the source, decoded and made as small as they may be wanted, when first drawn. */
typedef struct stock { int64_t *id, n; lac_image *image; } stock;

typedef struct placed { lac_image image; int64_t top, left, record; } placed;      /* RGBA, at its size in the picture */

typedef struct collage {
    lac_pack_job *job;
    lac_pack_collage_own o;
    lac_set *set;
    const char *split;
    int64_t apart;                              /* group of the split's first picture, where each is one of its own */
    bool rendered;
    stock photos, objects;
    placed at[MOST_OBJECTS];
    int64_t n;                                  /* objects of the picture in work */
} collage;

static const struct { const char *split, *photos, *objects[3]; } splits[] = {
    { "train", "train", { "train" } }, { "val", "val", { "train" } }, { "test", "test_near", { "train" } }, { "unseen", "test_far", { "val", "test" } } };

/* ---- what there is to draw from ---- */

static void free_stock(stock *s)
{
    for (int64_t i = 0; s->image != NULL && i < s->n; i++)
        lac_image_free(&s->image[i]);
    free(s->image);
    free(s->id);
    *s = (stock){ 0 };
}

static bool listed(const char *labels, const char *label)
{
    const size_t n = strlen(label);
    for (const char *at = labels; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, label, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return labels == NULL;
}

/* Room is for all of the set's. A split that it has not adds nothing. */
static lac_status add_to_stock(stock *s, const lac_set *set, const char *split, lac_kind kind, const char *labels)
{
    int64_t *id, n;
    const lac_status found = lac_set_select(set, split, kind, &id, &n);
    if (found != LAC_OK)
        return found == LAC_ERR_ARG ? LAC_OK : found;
    for (int64_t i = 0; i < n; i++)
        if (kind == LAC_KIND_PHOTO || listed(labels, lac_set_record(set, id[i]).label))
            s->id[s->n++] = id[i];
    free(id);
    return LAC_OK;
}

static lac_status new_stock(stock *s, const lac_set *set)
{
    free_stock(s);
    LAC_TRY(lac_calloc((void **)&s->id, (size_t)lac_set_count(set), sizeof *s->id));
    return lac_calloc((void **)&s->image, (size_t)lac_set_count(set), sizeof *s->image);
}

static lac_status open_stocks(collage *c, int k)
{
    LAC_TRY(new_stock(&c->photos, c->set));
    LAC_TRY(new_stock(&c->objects, c->set));
    c->split = splits[k].split;
    c->apart = k * (int64_t)MOST_COUNT;
    LAC_TRY(add_to_stock(&c->photos, c->set, splits[k].photos, LAC_KIND_PHOTO, NULL));
    for (int i = 0; splits[k].objects[i] != NULL; i++)
        LAC_TRY(add_to_stock(&c->objects, c->set, splits[k].objects[i], LAC_KIND_OBJECT, c->o.labels));
    return LAC_OK;
}

/* `side` is what the shorter (of an object: the longer) side is shrunk to; a smaller picture stays. */
static lac_status shrunk(lac_image *image, int64_t side, bool longer)
{
    const int64_t from = longer == (image->height > image->width) ? image->height : image->width;
    lac_image small;
    if (from <= side)
        return LAC_OK;
    LAC_TRY(lac_image_resize(&small, image, LAC_MAX(image->height * side / from, 1), LAC_MAX(image->width * side / from, 1), LAC_FILTER_BICUBIC,
                             LAC_PASSES_PILLOW_13));
    lac_image_free(image);
    *image = small;
    return LAC_OK;
}

static lac_status of_stock(stock *s, const collage *c, int64_t i, bool object, const lac_image **image)
{
    lac_image *at = &s->image[i];
    *image = at;
    if (at->pixels != NULL)
        return LAC_OK;
    LAC_TRY(lac_set_decode(c->set, s->id[i], object ? 4 : 3, at));
    return shrunk(at, c->o.size * (object ? MOST_SIDE : MOST_SHORTER) / 100, object);
}

/* ---- one picture ---- */

static lac_status render_ground(const collage *c, int64_t number, lac_image *to)
{
    char apart[64];
    lac_scene scene;
    snprintf(apart, sizeof apart, "collage/%s", c->split);
    lac_scene_draw(&scene, &(lac_scene_rule){ .seed = (uint64_t)c->o.seed, .split = apart, .number = (uint32_t)number });
    return lac_scene_render(&scene, c->o.size, to, NULL, NULL);
}

static lac_status cut_ground(collage *c, lac_stream *random, lac_image *to, int64_t *record)
{
    const lac_image *photo;
    const int64_t i = lac_stream_below(random, (uint32_t)c->photos.n);
    const lac_view view = { .size = c->o.size, .crop = LAC_CROP_RANDOM, .shorter = c->o.size, .shorter_max = c->o.size * MOST_SHORTER / 100, .flip = true };
    LAC_TRY(of_stock(&c->photos, c, i, false, &photo));
    *record = c->photos.id[i];
    const lac_window w = lac_view_window(&view, photo->height, photo->width, random);
    LAC_TRY(lac_image_new(to, c->o.size, c->o.size, 3));
    return lac_window_cut(&w, photo, c->o.size, to->pixels);
}

static bool free_of_others(const collage *c, const placed *p)
{
    for (int64_t i = 0; i < c->n; i++) {
        const placed *q = &c->at[i];
        if (p->top < q->top + q->image.height && q->top < p->top + p->image.height && p->left < q->left + q->image.width
            && q->left < p->left + p->image.width)
            return false;
    }
    return true;
}

/* Of a size and at a place that are drawn; after some tries without room it is left out. */
static lac_status place_object(collage *c, lac_stream *random)
{
    const lac_image *object;
    const int64_t k = lac_stream_below(random, (uint32_t)c->objects.n), size = c->o.size;
    const int64_t side = size * (LEAST_SIDE + lac_stream_below(random, MOST_SIDE - LEAST_SIDE + 1)) / 100;
    placed *p = &c->at[c->n];
    LAC_TRY(of_stock(&c->objects, c, k, true, &object));
    const int64_t longer = LAC_MAX(object->height, object->width);
    LAC_TRY(lac_image_resize(&p->image, object, LAC_MAX(object->height * side / longer, 1), LAC_MAX(object->width * side / longer, 1),
                             LAC_FILTER_BICUBIC, LAC_PASSES_PILLOW_13));
    p->record = c->objects.id[k];
    if (lac_stream_below(random, 2) == 1)
        lac_image_flip(&p->image);
    for (int i = 0; i < TRIES; i++) {
        p->top = lac_stream_below(random, (uint32_t)(size - p->image.height + 1));
        p->left = lac_stream_below(random, (uint32_t)(size - p->image.width + 1));
        if (free_of_others(c, p))
            return c->n++, LAC_OK;
    }
    lac_image_free(&p->image);
    return LAC_OK;
}

static lac_status lay(const placed *p, lac_image *ground, lac_image *mask)
{
    LAC_TRY(lac_image_new(mask, ground->height, ground->width, 1));
    for (int64_t k = 0; k < p->image.height * p->image.width; k++) {
        const int64_t to = (p->top + k / p->image.width) * ground->width + p->left + k % p->image.width;
        const uint8_t *from = p->image.pixels + 4 * k;
        mask->pixels[to] = from[3] >= 128 ? 255 : 0;
        for (int i = 0; i < 3; i++) {
            uint8_t *pixel = ground->pixels + 3 * to + i;
            *pixel = (uint8_t)((from[i] * from[3] + *pixel * (255 - from[3]) + 127) / 255);
        }
    }
    return LAC_OK;
}

/* ---- into the set ---- */

static lac_status add_encoded(collage *c, const lac_image *image, lac_record *record)
{
    lac_job_file f = { .height = image->height, .width = image->width };
    LAC_TRY(lac_image_encode_png(image, &f.bytes, &f.size));
    const lac_part edited = { .kind = LAC_PART_EDITED, .length = (int64_t)f.size, .label = "" };
    const lac_status s = record != NULL ? lac_job_add(c->job, record, &f) : lac_job_part(c->job, &edited, f.bytes, "");
    free(f.bytes);
    return s;
}

static lac_status add_object(collage *c, const placed *p, lac_image *mask)
{
    const bool seen = lac_box_around(mask->pixels, mask->height, mask->width).width > 0;       /* else all of it is thinner than half a pixel */
    const char *label = lac_set_record(c->set, p->record).label;
    return seen ? lac_job_object(c->job, mask, label, label) : LAC_OK;
}

static lac_status add_caption(collage *c)
{
    char text[LAC_CAPTION_BYTES] = "";
    size_t n = 0;
    for (int64_t i = 0; i < c->n && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? " and " : "", lac_set_record(c->set, c->at[i].record).label);
    const lac_part part = { .kind = LAC_PART_CAPTION, .length = (int64_t)strlen(text) };
    return n > 0 ? lac_job_part(c->job, &part, text, text) : LAC_OK;
}

/* What a picture owes to whom: its photograph, or where there is none its first object. */
static lac_record origin(const collage *c, int64_t photo, int64_t number)
{
    const lac_record from = lac_set_record(c->set, c->rendered ? c->at[0].record : photo);
    return (lac_record){ .group = c->rendered ? c->apart + number : from.group, .split = c->split, .source = c->rendered ? "scenes" : from.name, .licence = from.licence, .author = from.author };
}

static lac_status add_picture(collage *c, lac_image *ground, int64_t photo, int64_t number)
{
    char name[64];
    lac_image mask[MOST_OBJECTS] = { { 0 } }, clean = { 0 };
    lac_record r = origin(c, photo, number);
    snprintf(name, sizeof name, "%s/%06" PRId64, c->split, number);
    r.name = name;
    lac_status s = c->o.pairs ? lac_image_crop(&clean, ground, 0, 0, ground->height, ground->width) : LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < c->n; i++)
        s = lay(&c->at[i], ground, &mask[i]);
    if (s == LAC_OK)
        s = add_encoded(c, ground, &r);
    if (s == LAC_OK && c->o.pairs)
        s = add_encoded(c, &clean, NULL);
    for (int64_t i = 0; i < c->n; i++) {
        if (s == LAC_OK)
            s = add_object(c, &c->at[i], &mask[i]);
        lac_image_free(&mask[i]);
    }
    lac_image_free(&clean);
    return s == LAC_OK ? add_caption(c) : s;
}

static lac_status make_picture(collage *c, int64_t number)
{
    char purpose[64];
    lac_image ground = { 0 };
    int64_t photo = 0;
    snprintf(purpose, sizeof purpose, "collage/%s", c->split);
    lac_stream random = lac_stream_at((uint64_t)c->o.seed, lac_purpose(purpose), (uint32_t)number, 0);
    lac_status s = c->rendered ? render_ground(c, number, &ground) : cut_ground(c, &random, &ground, &photo);
    const int64_t wanted = 1 + lac_stream_below(&random, (uint32_t)c->o.objects);
    c->n = 0;
    for (int64_t i = 0; s == LAC_OK && i < wanted; i++)
        s = place_object(c, &random);
    if (s == LAC_OK)
        s = add_picture(c, &ground, photo, number);
    for (int64_t i = 0; i < c->n; i++)
        lac_image_free(&c->at[i].image);
    lac_image_free(&ground);
    return s;
}

static lac_status check_grounds(collage *c)
{
    const char *grounds = c->o.grounds != NULL ? c->o.grounds : "photos";
    c->rendered = strcmp(grounds, "rendered") == 0;
    return c->rendered || strcmp(grounds, "photos") == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "--grounds is photos or rendered, found '%.40s'", grounds);
}

static lac_status check(lac_pack_collage_own *o)
{
    if (o->size == 0)
        o->size = 128;
    if (o->count == 0)
        o->count = 4000;
    if (o->objects == 0)
        o->objects = 1;
    if (o->size < 16 || o->size > 1024)
        return LAC_FAIL(LAC_ERR_ARG, "--size is from 16 to 1024 pixels, found %" PRId64, o->size);
    if (o->count > MOST_COUNT)
        return LAC_FAIL(LAC_ERR_ARG, "--count is at most %d, found %" PRId64, MOST_COUNT, o->count);
    return o->objects <= MOST_OBJECTS ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "--objects is at most %d, found %" PRId64, MOST_OBJECTS, o->objects);
}

static lac_status make_splits(collage *c)
{
    for (size_t k = 0; k < LAC_COUNT(splits); k++) {
        LAC_TRY(open_stocks(c, (int)k));
        if ((c->photos.n == 0 && !c->rendered) || c->objects.n == 0) {
            if (k == 0)
                return LAC_FAIL(LAC_ERR_FORMAT, "%" PRId64 " photographs and %" PRId64 " objects%s of split 'train', expected some of %s (a set of `pack stamps`)",
                                c->photos.n, c->objects.n, c->o.labels != NULL ? " of these labels" : "", c->rendered ? "the latter" : "both");
            continue;
        }
        const int64_t n = k == 0 ? c->o.count : LAC_MAX(c->o.count / SHARE, 1);
        for (int64_t i = 0; i < n; i++)
            LAC_TRY(make_picture(c, i));
    }
    return LAC_OK;
}

static lac_status pack_collage(lac_pack_job *j, const char *const *sources, int n)
{
    collage c = { .job = j, .o = *(const lac_pack_collage_own *)j->own };
    (void)n;
    LAC_TRY(check(&c.o));
    LAC_TRY(check_grounds(&c));
    LAC_TRY(lac_set_open(&c.set, sources[0]));
    const lac_status s = lac_context(make_splits(&c), "'%s'", sources[0]);
    free_stock(&c.photos);
    free_stock(&c.objects);
    lac_set_close(c.set);
    return s;
}

#define AT(member) offsetof(lac_pack_collage_own, member)
static const lac_pack_own_option options[] = {
    { "size", "PIXELS", "side of a picture (default 128)", LAC_FORMAT_NUMBER, AT(size) },
    { "count", "N", "pictures of the split train (default 4000); the others have an eighth of it", LAC_FORMAT_NUMBER, AT(count) },
    { "objects", "N", "most objects in a picture (default 1)", LAC_FORMAT_NUMBER, AT(objects) },
    { "labels", "A,B,...", "objects of these labels alone (default: all)", LAC_FORMAT_TEXT, AT(labels) },
    { "grounds", "KIND", "photos (default), or rendered: floors, walls and skies, no two alike", LAC_FORMAT_TEXT, AT(grounds) },
    { "seed", "N", "other pictures (default 0)", LAC_FORMAT_NUMBER, AT(seed) },
    { "pairs", NULL, "each picture's ground without objects, as an edited copy", LAC_FORMAT_FLAG, AT(pairs) },
    { NULL },
};

const lac_pack_format lac_format_collage = {
    .name = "collage", .about = "objects of a packed set laid on its photographs or on rendered grounds: masks, boxes, labels, captions", .sources = "STAMPS.h5", .least = 1,
    .most = 1, .help = "Lays the objects of STAMPS.h5 on its photographs, or on rendered grounds. Splits: train; val and test with backgrounds never seen; unseen with things\nnever seen either.",
    .options = options, .own = sizeof(lac_pack_collage_own), .title = "", .pack = pack_collage,
};
