#include "data/pack_objects.h"

#include "core/file/atomic.h"
#include "core/image/grow.h"
#include "core/image/resample.h"
#include "core/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SIDE = 4096, MOST_DILATE = 1024 };

static bool is_box(const lac_object_wishes *w) { return w->masks != NULL && strcmp(w->masks, "box") == 0; }

lac_status lac_objects_check(const lac_object_wishes *w)
{
    if (w->masks != NULL && strcmp(w->masks, "segmentation") != 0 && !is_box(w))
        return LAC_FAIL(LAC_ERR_ARG, "--masks is segmentation or box, got '%.60s'", w->masks);
    if (w->dilate > MOST_DILATE)
        return LAC_FAIL(LAC_ERR_ARG, "--dilate is at most %d, got %" PRId64, MOST_DILATE, w->dilate);
    if (w->dilate > 0 && is_box(w))
        return LAC_FAIL(LAC_ERR_ARG, "--dilate is for segmentations: boxes are drawn as they are");
    if (w->size > MOST_SIDE)
        return LAC_FAIL(LAC_ERR_ARG, "--size is at most %d, got %" PRId64, MOST_SIDE, w->size);
    if (w->size > 0 && w->max_side > 0)
        return LAC_FAIL(LAC_ERR_ARG, "--size and --max-side do not go together");
    if (w->every && (w->per_picture > 0 || w->limit > 0))
        return LAC_FAIL(LAC_ERR_ARG, "--every takes all objects: --per-picture and --limit do not go with it");
    return LAC_OK;
}

/* ---- which objects ---- */

static lac_object_rule rule_of(const lac_object_wishes *w) { return (lac_object_rule){ w->every, w->per_picture > 0 ? w->per_picture : 1, w->limit }; }

static void write_rule(const lac_object_wishes *w, char *text, size_t size)
{
    const lac_object_rule r = rule_of(w);
    if (r.every)
        snprintf(text, size, "every");
    else
        snprintf(text, size, "box %g to %g, mask %g, per picture %" PRId64 ", limit %" PRId64, LAC_OBJECT_LEAST_BOX, LAC_OBJECT_MOST_BOX, LAC_OBJECT_LEAST_MASK, r.per_picture, r.limit);
}

/* What the command line says of the rule must be what the manifest was made by. */
static lac_status check_rule(const lac_object_wishes *w, const lac_object_reader *r, const lac_manifest *m)
{
    char rule[256];
    if (strcmp(m->layout, r->layout) != 0)
        return LAC_FAIL(LAC_ERR_ARG, "'%s' is a manifest of %.60s, not of %s", m->path, m->layout, r->layout);
    write_rule(w, rule, sizeof rule);
    if ((w->every || w->per_picture > 0 || w->limit > 0) && strcmp(rule, m->rule) != 0)
        return LAC_FAIL(LAC_ERR_ARG, "'%s' was made by '%.200s', not by '%s'; without --every, --per-picture and --limit it is taken as it is", m->path, m->rule, rule);
    return LAC_OK;
}

static lac_status check_line(const lac_manifest *m, int64_t i, const lac_object *o)
{
    const lac_manifest_line *line = &m->item[i];
    const double box[] = { o->box[0] / o->unit[0], o->box[1] / o->unit[1], (o->box[2] - o->box[0]) / o->unit[0], (o->box[3] - o->box[1]) / o->unit[1] };
    if (strcmp(line->label, o->label) != 0)
        return lac_manifest_at(m, i, LAC_FAIL(LAC_ERR_FORMAT, "'%s' is '%.100s', in the annotations '%.100s'", line->object, line->label, o->label));
    for (int k = 0; k < 4; k++)
        if (!(fabs(box[k] - line->box[k]) <= 1e-6))
            return lac_manifest_at(m, i, LAC_FAIL(LAC_ERR_FORMAT, "'%s': box[%d] is %.9g, in the annotations %.9g", line->object, k, line->box[k], box[k]));
    return LAC_OK;
}

/* The list in the manifest's order. Objects are moved: what is taken leaves an empty one behind. */
static lac_status follow(const lac_manifest *m, lac_object_list *l)
{
    lac_object_list chosen = { .capacity = m->n };
    lac_status s = lac_calloc((void **)&chosen.item, (size_t)m->n, sizeof *chosen.item);
    int64_t *from = NULL;
    lac_object_sort(l);
    if (s == LAC_OK)
        s = lac_calloc((void **)&from, (size_t)m->n, sizeof *from);
    for (int64_t i = 0; s == LAC_OK && i < m->n; i++) {
        from[i] = lac_object_find(l, m->item[i].image, m->item[i].object);
        s = from[i] >= 0 ? check_line(m, i, &l->item[from[i]])
                         : lac_manifest_at(m, i, LAC_FAIL(LAC_ERR_FORMAT, "the annotations have no object '%.200s' in the picture '%.200s'", m->item[i].object, m->item[i].image));
    }
    for (int64_t i = 0; s == LAC_OK && i < m->n; i++) {
        chosen.item[chosen.n++] = l->item[from[i]];
        l->item[from[i]] = (lac_object){ 0 };
    }
    free(from);
    if (s == LAC_OK) {
        lac_object_list_free(l);
        *l = chosen;
    } else
        free(chosen.item);
    return s;
}

typedef struct asked { lac_pack_job *job; const lac_object_reader *reader; } asked;

static lac_status share_of(void *context, const lac_object *o, double *share)
{
    const asked *a = context;
    lac_image mask = { 0 };
    int64_t set = 0;
    *share = -1;
    const lac_status s = a->reader->mask(a->reader->context, o, &mask);
    if (s != LAC_OK)
        return lac_job_skip(a->job, s, o->name);
    for (int64_t i = 0; i < mask.height * mask.width; i++)
        set += mask.pixels[i] != 0;
    *share = (double)set / (double)(mask.height * mask.width);
    lac_image_free(&mask);
    return LAC_OK;
}

static lac_status name_twin(void *context, const lac_object *o)
{
    return lac_job_skip(context, LAC_FAIL(LAC_ERR_FORMAT, "'%.300s' stands in the annotations twice", o->name), o->name);
}

static lac_status choose_by_rule(lac_pack_job *j, const lac_object_wishes *w, const lac_object_reader *r, lac_object_list *l)
{
    lac_object_chosen n;
    const lac_object_rule rule = rule_of(w);
    LAC_TRY(lac_object_choose(l, &rule, share_of, &(asked){ j, r }, &n));
    if (rule.every)
        lac_job_note(j, "%" PRId64 " objects of %" PRId64 " pictures", n.all, n.pictures);
    else
        lac_job_note(j, "%" PRId64 " objects of %" PRId64 " pictures: %" PRId64 " taken, %" PRId64 " left out by their box, %" PRId64 " by their mask", n.all, n.pictures, l->n, n.by_box, n.by_mask);
    return LAC_OK;
}

lac_status lac_objects_choose(lac_pack_job *j, const lac_object_wishes *w, const lac_object_reader *r, lac_object_list *l, const lac_manifest *m)
{
    LAC_TRY(lac_object_drop_twins(l, name_twin, j));
    if (m->n == 0)
        return choose_by_rule(j, w, r, l);
    LAC_TRY(check_rule(w, r, m));
    LAC_TRY(follow(m, l));
    lac_job_note(j, "%" PRId64 " objects, as '%s' says", l->n, m->path);
    return LAC_OK;
}

lac_status lac_objects_manifest(const lac_object_wishes *w, lac_manifest *m)
{
    *m = (lac_manifest){ 0 };
    return w->manifest != NULL && access(w->manifest, F_OK) == 0 ? lac_manifest_read(m, w->manifest) : LAC_OK;
}

/* ---- records ---- */

typedef struct packer {
    lac_pack_job *job;
    const lac_object_wishes *w;
    const lac_object_reader *r;
    const lac_object_list *l;
    const lac_manifest *m;
    lac_print text;
    json_t *groups;                         /* picture -> its group; -1: it cannot be read, which was said */
    const char *image;                      /* the picture that lies here, NULL: none */
    lac_job_file file;                      /* as it goes into the set */
    int64_t height, width;                  /* as it was published */
    char picture[LAC_SHA256_HEX];
    lac_image *mask;                        /* of the record in work */
    char (*mask_hash)[LAC_SHA256_HEX];
    bool *good;
} packer;

/* A failure of object i. */
static lac_status refuse(packer *p, int64_t i, lac_status s)
{
    return p->m->n > 0 ? lac_manifest_at(p->m, i, s) : lac_job_skip(p->job, s, p->l->item[i].name);
}

static lac_status differs(const char *what, const char *found, const char *wanted)
{
    return LAC_FAIL(LAC_ERR_FORMAT, "%s has the SHA-256 %.12s..., the manifest says %.12s...", what, found, wanted);
}

static void hash_bytes(const void *bytes, size_t size, char hex[LAC_SHA256_HEX])
{
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256_of(bytes, size, digest);
    lac_sha256_hex(digest, hex);
}

static lac_status load_file(packer *p, const char *path)
{
    lac_job_file *f = &p->file;
    LAC_TRY(lac_job_load(f, path, NULL, false));
    p->height = f->height;
    p->width = f->width;
    hash_bytes(f->bytes, f->size, p->picture);
    if (p->w->size > 0)
        return lac_pack_squash(&f->bytes, &f->size, p->w->size, &f->height, &f->width, path);
    return lac_pack_shrink(&f->bytes, &f->size, p->w->max_side, false, &f->height, &f->width, path);
}

static lac_status load_picture(packer *p, const lac_object *o)
{
    char *path;
    if (p->image != NULL && strcmp(p->image, o->image) == 0)
        return LAC_OK;
    free(p->file.bytes);
    p->file = (lac_job_file){ 0 };
    p->image = NULL;
    LAC_TRY(p->r->picture(p->r->context, o, &path));
    const lac_status s = load_file(p, path);
    free(path);
    p->image = s == LAC_OK ? o->image : NULL;
    return s;
}

/* *group below 0: the picture is one of those that were skipped. */
static lac_status open_picture(packer *p, int64_t i, int64_t *group)
{
    const lac_object *o = &p->l->item[i];
    const json_t *known = json_object_get(p->groups, o->image);
    *group = known != NULL ? json_integer_value(known) : (int64_t)json_object_size(p->groups);
    if (*group < 0)
        return LAC_OK;
    lac_status s = load_picture(p, o);
    const char *wanted = p->m->n > 0 ? p->m->item[i].picture : "";
    if (s == LAC_OK && wanted[0] != '\0' && strcmp(wanted, p->picture) != 0)
        s = differs("the picture", p->picture, wanted);
    if (s != LAC_OK) {
        *group = -1;
        LAC_TRY(refuse(p, i, s));
    }
    return known != NULL || json_object_set_new(p->groups, o->image, json_integer(*group)) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: pictures by name");
}

/* ---- masks ---- */

static void draw_box(const lac_object *o, lac_image *to)
{
    int64_t at[4];
    for (int k = 0; k < 4; k++) {
        const int64_t side = k % 2 == 0 ? to->width : to->height, corner = (int64_t)(o->box[k] * (double)side / o->unit[k % 2]);
        at[k] = LAC_MAX(LAC_MIN(corner, side - 1), 0);
    }
    for (int64_t y = at[1]; y <= at[3]; y++)
        memset(to->pixels + y * to->width + at[0], 255, (size_t)(at[2] - at[0] + 1));
}

/* own: 0 and 1; *to: 0 and 255, as large as the picture in the set. */
static lac_status resize_mask(const packer *p, lac_image *own, lac_image *to)
{
    for (int64_t i = 0; i < own->height * own->width; i++)
        own->pixels[i] = own->pixels[i] ? 255 : 0;
    const bool smooth = p->w->size > 0 || p->w->max_side > 0;
    LAC_TRY(lac_image_resize(to, own, p->file.height, p->file.width, smooth ? LAC_FILTER_BICUBIC : LAC_FILTER_NEAREST, LAC_PASSES_PILLOW_13));
    for (int64_t i = 0; i < to->height * to->width; i++)
        to->pixels[i] = to->pixels[i] >= 128 ? 255 : 0;
    return LAC_OK;
}

static lac_status hash_mask(const packer *p, int64_t i, const lac_image *own, char hex[LAC_SHA256_HEX])
{
    hash_bytes(own->pixels, (size_t)(own->height * own->width), hex);
    const char *wanted = p->m->n > 0 ? p->m->item[i].mask : "";
    return wanted[0] == '\0' || strcmp(wanted, hex) == 0 ? LAC_OK : differs("the mask", hex, wanted);
}

static lac_status fit_mask(const packer *p, int64_t i, lac_image *own, lac_image *to, char hex[LAC_SHA256_HEX])
{
    const lac_object *o = &p->l->item[i];
    if (p->r->same_size && (own->height != p->height || own->width != p->width))
        return LAC_FAIL(LAC_ERR_FORMAT, "the mask of '%s' is %" PRId64 " x %" PRId64 " pixels, its picture '%s' %" PRId64 " x %" PRId64, o->name, own->height, own->width, o->image, p->height, p->width);
    LAC_TRY(hash_mask(p, i, own, hex));
    if (is_box(p->w)) {
        LAC_TRY(lac_image_new(to, p->file.height, p->file.width, 1));
        draw_box(o, to);
        return LAC_OK;
    }
    LAC_TRY(lac_mask_grow(own->pixels, own->height, own->width, p->w->dilate));
    LAC_TRY(resize_mask(p, own, to));
    if (lac_box_around(to->pixels, to->height, to->width).width > 0)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_FORMAT, "the mask of '%s' is empty at %" PRId64 " x %" PRId64 " pixels", o->name, to->height, to->width);
}

static lac_status make_mask(const packer *p, int64_t i, lac_image *to, char hex[LAC_SHA256_HEX])
{
    lac_image own = { 0 };
    LAC_TRY(p->r->mask(p->r->context, &p->l->item[i], &own));
    const lac_status s = fit_mask(p, i, &own, to, hex);
    lac_image_free(&own);
    return s;
}

/* ---- into the set ---- */

static lac_status add_record(packer *p, int64_t from, int64_t n, int64_t group)
{
    const lac_object *o = &p->l->item[from];
    const lac_record record = { .kind = LAC_KIND_PHOTO, .name = p->w->every ? o->image : o->name, .label = p->w->every ? NULL : o->label, .source = p->r->source, .group = group,
                                .licence = o->licence, .author = o->author };
    LAC_TRY(lac_job_add(p->job, &record, &p->file));
    for (int64_t i = 0; i < n; i++)
        if (p->good[i]) {
            LAC_TRY(lac_job_object(p->job, &p->mask[i], o[i].label, o[i].name));
            LAC_TRY(lac_manifest_add(&p->text, &o[i], p->picture, p->mask_hash[i]));
        }
    return p->r->captions != NULL ? p->r->captions(p->r->context, p->job, o) : LAC_OK;
}

/* Objects [from, from + n), all of one picture. */
static lac_status pack_record(packer *p, int64_t from, int64_t n)
{
    int64_t group, good = 0;
    lac_status s = LAC_OK;
    LAC_TRY(open_picture(p, from, &group));
    if (group < 0)
        return LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        s = make_mask(p, from + i, &p->mask[i], p->mask_hash[i]);
        p->good[i] = s == LAC_OK;
        good += p->good[i];
        if (s != LAC_OK)
            s = refuse(p, from + i, s);
    }
    if (s == LAC_OK && good > 0)
        s = add_record(p, from, n, group);
    for (int64_t i = 0; i < n; i++)
        lac_image_free(&p->mask[i]);
    return s;
}

/* How many objects from there on make one record. */
static int64_t count_of(const packer *p, int64_t from)
{
    int64_t n = 1;
    while (p->w->every && from + n < p->l->n && strcmp(p->l->item[from + n].image, p->l->item[from].image) == 0)
        n++;
    return n;
}

static lac_status make_room(packer *p)
{
    int64_t most = 1;
    for (int64_t i = 0, n; i < p->l->n; i += n) {
        n = count_of(p, i);
        most = LAC_MAX(most, n);
    }
    p->groups = json_object();
    if (p->groups == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: pictures by name");
    LAC_TRY(lac_calloc((void **)&p->mask, (size_t)most, sizeof *p->mask));
    LAC_TRY(lac_calloc((void **)&p->mask_hash, (size_t)most, sizeof *p->mask_hash));
    return lac_calloc((void **)&p->good, (size_t)most, sizeof *p->good);
}

static lac_status pack_records(packer *p)
{
    char rule[256];
    write_rule(p->w, rule, sizeof rule);
    LAC_TRY(lac_manifest_begin(&p->text, p->r->layout, rule));
    for (int64_t i = 0, n; i < p->l->n; i += n) {
        n = count_of(p, i);
        LAC_TRY(pack_record(p, i, n));
    }
    return LAC_OK;
}

static lac_status keep_manifest(packer *p, const char *text)
{
    char hash[LAC_SHA256_HEX];
    const size_t size = strlen(text);
    if (p->m->n > 0)
        memcpy(hash, p->m->hash, sizeof hash);
    else
        hash_bytes(text, size, hash);
    lac_pack_selection(p->job->pack, hash);
    if (p->m->n > 0 || p->w->manifest == NULL || p->job->counts.pictures == 0)
        return LAC_OK;
    return lac_file_write(p->w->manifest, text, size);
}

lac_status lac_objects_pack(lac_pack_job *j, const lac_object_wishes *w, const lac_object_reader *r, const lac_object_list *l, const lac_manifest *m)
{
    packer p = { .job = j, .w = w, .r = r, .l = l, .m = m };
    char *text = NULL;
    LAC_TRY(lac_print_open(&p.text, "the manifest"));
    lac_status s = make_room(&p);
    if (s == LAC_OK)
        s = pack_records(&p);
    s = lac_print_close(&p.text, s, &text);
    if (s == LAC_OK)
        s = keep_manifest(&p, text);
    free(text);
    json_decref(p.groups);
    free(p.file.bytes);
    free(p.mask);
    free(p.mask_hash);
    free(p.good);
    return s;
}
