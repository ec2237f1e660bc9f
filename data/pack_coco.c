#include "data/pack_coco.h"

#include "core/json.h"
#include "core/memory.h"
#include "data/coco.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30 };

typedef struct caption { int64_t image, id; const char *text; } caption;

typedef struct reader {
    lac_pack_job *job;
    const lac_pack_coco_own *o;
    lac_coco coco;
    json_t *captions_json;
    caption *caption;               /* by image, then id */
    int64_t n_captions;
} reader;

/* ---- captions ---- */

static int by_image(const void *a, const void *b)
{
    const caption *x = a, *y = b;
    return x->image != y->image ? (x->image > y->image) - (x->image < y->image) : (x->id > y->id) - (x->id < y->id);
}

static lac_status want_whole(const json_t *record, const char *key, int64_t *value)
{
    const json_t *x = json_object_get(record, key);
    return lac_json_whole(x, value) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s, expected an integer", key, lac_json_sort(x));
}

static lac_status read_caption(const json_t *record, caption *c)
{
    if (!json_is_object(record))
        return LAC_FAIL(LAC_ERR_FORMAT, "it is %s, expected an object", lac_json_sort(record));
    LAC_TRY(want_whole(record, "id", &c->id));
    LAC_TRY(want_whole(record, "image_id", &c->image));
    return lac_json_string(record, "caption", &c->text);
}

static lac_status read_captions(reader *r)
{
    const char *path = r->o->captions;
    LAC_TRY(lac_json_load(&r->captions_json, path, MAX_FILE));
    const json_t *list = json_object_get(r->captions_json, "annotations");
    if (!json_is_array(list))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': 'annotations' is %s, expected a list", path, lac_json_sort(list));
    LAC_TRY(lac_calloc((void **)&r->caption, json_array_size(list), sizeof *r->caption));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const lac_status s = lac_context(read_caption(json_array_get(list, i), &r->caption[r->n_captions]), "'%s', annotations[%zu]", path, i);
        r->n_captions += s == LAC_OK;
        if (s != LAC_OK)
            LAC_TRY(lac_job_skip(r->job, s, path));
    }
    if (r->n_captions > 0)
        qsort(r->caption, (size_t)r->n_captions, sizeof *r->caption, by_image);
    return LAC_OK;
}

static lac_status add_captions(void *context, lac_pack_job *j, const lac_object *o)
{
    const reader *r = context;
    const int64_t image = r->coco.object[o->place].image_id;
    int64_t from = 0, to = r->n_captions;
    while (from < to) {
        const int64_t at = (from + to) / 2;
        if (r->caption[at].image < image)
            from = at + 1;
        else
            to = at;
    }
    for (; from < r->n_captions && r->caption[from].image == image; from++) {
        const char *text = r->caption[from].text;
        LAC_TRY(lac_job_part(j, &(lac_part){ .kind = LAC_PART_CAPTION, .length = (int64_t)strlen(text) }, text, o->image));
    }
    return LAC_OK;
}

/* ---- objects ---- */

static lac_status name_of(const char *file, int64_t id, char **name)
{
    const char *slash = strrchr(file, '/'), *from = slash != NULL ? slash + 1 : file, *dot = strrchr(from, '.');
    return lac_format(name, "%.*s_%" PRId64 ".png", dot != NULL ? (int)(dot - from) : (int)strlen(from), from, id);
}

static lac_status add_named(lac_object_list *l, const lac_coco_image *image, const lac_coco_object *o, int64_t place, char *name, const char *label)
{
    return lac_object_add(l, &(lac_object){ .image = (char *)image->file, .name = name, .label = (char *)label, .place = place, .unit = { (double)image->width, (double)image->height },
                                            .box = { o->box[0], o->box[1], o->box[0] + o->box[2], o->box[1] + o->box[3] } });
}

static lac_status add_object(reader *r, lac_object_list *l, int64_t i)
{
    const lac_coco_object *o = &r->coco.object[i];
    const lac_coco_image *image = &r->coco.image[lac_coco_find_image(&r->coco, o->image_id)];
    const int64_t category = lac_coco_find_category(&r->coco, o->category_id);
    char *name;
    if (category < 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "'category_id' %" PRId64 " is that of no category", o->category_id);
    if (!o->has_box)
        return LAC_FAIL(LAC_ERR_FORMAT, "'bbox' is missing");
    if (image->height == 0 || image->width == 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "its picture, images[%" PRId64 "], has no 'height' and 'width'", image->place);
    LAC_TRY(name_of(image->file, o->id, &name));
    const lac_status s = add_named(l, image, o, i, name, r->coco.category[category].name);
    free(name);
    return s;
}

static lac_status list_objects(reader *r, lac_object_list *l)
{
    int64_t crowds = 0;
    for (int64_t i = 0; i < r->coco.n_objects; i++) {
        const lac_coco_object *o = &r->coco.object[i];
        crowds += o->crowd;
        const lac_status s = o->crowd ? LAC_OK : lac_coco_at(&r->coco, o, add_object(r, l, i));
        if (s != LAC_OK)
            LAC_TRY(lac_job_skip(r->job, s, r->o->annotations));
    }
    if (crowds > 0)
        lac_job_note(r->job, "%" PRId64 " crowds left out", crowds);
    return LAC_OK;
}

static lac_status picture_of(void *context, const lac_object *o, char **path)
{
    const reader *r = context;
    return lac_job_path(path, r->o->images, o->image);
}

static lac_status draw_mask(const lac_rle *runs, lac_image *mask)
{
    LAC_TRY(lac_image_new(mask, runs->height, runs->width, 1));
    lac_rle_decode(runs, mask->pixels);
    return LAC_OK;
}

static lac_status mask_of(void *context, const lac_object *o, lac_image *mask)
{
    const reader *r = context;
    const lac_coco_object *c = &r->coco.object[o->place];
    lac_rle runs = { 0 };
    lac_status s = lac_coco_mask(&r->coco, c, (int64_t)o->unit[1], (int64_t)o->unit[0], &runs);
    if (s == LAC_OK)
        s = lac_coco_at(&r->coco, c, draw_mask(&runs, mask));
    lac_rle_free(&runs);
    return s;
}

/* ---- all of it ---- */

static lac_status skip_record(void *context, lac_status s, const char *path) { return lac_job_skip(context, s, path); }

static lac_status check(const lac_pack_coco_own *o)
{
    if (o->images == NULL || o->annotations == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "pack coco wants --images, the folder of the pictures, and --annotations, as instances_val2017.json");
    return lac_objects_check(&o->objects);
}

static lac_status pack_all(reader *r, lac_object_list *l, lac_manifest *m)
{
    const lac_object_reader how = { "coco", r->o->images, true, picture_of, mask_of, r->o->captions != NULL ? add_captions : NULL, r };
    LAC_TRY(lac_objects_manifest(&r->o->objects, m));
    LAC_TRY(lac_coco_open(&r->coco, r->o->annotations, skip_record, r->job));
    if (r->o->captions != NULL)
        LAC_TRY(read_captions(r));
    LAC_TRY(list_objects(r, l));
    LAC_TRY(lac_objects_choose(r->job, &r->o->objects, &how, l, m));
    return lac_objects_pack(r->job, &r->o->objects, &how, l, m);
}

static lac_status pack_coco(lac_pack_job *j, const char *const *sources, int n)
{
    reader r = { .job = j, .o = j->own };
    lac_object_list l = { 0 };
    lac_manifest m = { 0 };
    (void)sources, (void)n;
    LAC_TRY(check(r.o));
    const lac_status s = pack_all(&r, &l, &m);
    lac_object_list_free(&l);
    lac_manifest_free(&m);
    lac_coco_close(&r.coco);
    json_decref(r.captions_json);
    free(r.caption);
    return s;
}

#define AT(member) offsetof(lac_pack_coco_own, member)
static const lac_pack_own_option options[] = {
    { "images", "FOLDER", "where the pictures lie", LAC_FORMAT_TEXT, AT(images) },
    { "annotations", "FILE", "instances_val2017.json or the like", LAC_FORMAT_TEXT, AT(annotations) },
    { "captions", "FILE", "captions_val2017.json: captions of the pictures (default: the object's label is what is said)", LAC_FORMAT_TEXT, AT(captions) },
    LAC_OBJECT_OPTIONS(lac_pack_coco_own),
    { NULL },
};

const lac_pack_format lac_format_coco = {
    .name = "coco", .about = "COCO: objects with masks, labels and captions", .least = 0, .most = 0,
    .help = "Packs objects of COCO, one of each picture by a fixed rule (docs/formats.md), or those of a manifest. Crowds are left out.",
    .options = options, .own = sizeof(lac_pack_coco_own), .pack = pack_coco,
};
