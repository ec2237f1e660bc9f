#include "data/pack_openimages.h"

#include "core/memory.h"
#include "data/openimages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_SET = 123 };       /* of 255: FiftyOne's threshold */

static lac_status picture_of(void *context, const lac_object *o, char **path) { return lac_oi_picture(context, o->image, path); }

static lac_status mask_of(void *context, const lac_object *o, lac_image *mask)
{
    char *path;
    LAC_TRY(lac_oi_mask(context, o->name, &path));
    const lac_status s = lac_image_load(mask, path, 1);
    free(path);
    for (int64_t i = 0; s == LAC_OK && i < mask->height * mask->width; i++)
        mask->pixels[i] = mask->pixels[i] >= LEAST_SET;
    return s;
}

/* A list of CAT-Diffusion's says all that the tables do. */
static lac_status list_of(lac_oi *d, const lac_manifest *m, lac_object_list *l)
{
    LAC_TRY(lac_calloc((void **)&d->row, (size_t)m->n, sizeof *d->row));
    d->n = d->capacity = m->n;
    for (int64_t i = 0; i < m->n; i++) {
        const lac_manifest_line *line = &m->item[i];
        const double *b = line->box;
        const lac_object o = { .image = line->image, .name = line->object, .label = line->label, .place = i, .unit = { 1, 1 }, .box = { b[0], b[1], b[0] + b[2], b[1] + b[3] } };
        LAC_TRY(lac_manifest_at(m, i, lac_object_add(l, &o)));
    }
    return LAC_OK;
}

static void note_turned(lac_pack_job *j, const lac_oi *d, const lac_object_list *l)
{
    int64_t n = 0;
    for (int64_t i = 0; i < l->n; i++)
        n += d->row[l->item[i].place].turned;
    if (n > 0)
        lac_job_note(j, "%" PRId64 " objects are on pictures that '%s' says to turn; they are packed as they lie", n, d->rotations);
}

static lac_status pack_all(lac_pack_job *j, lac_oi *d, lac_object_list *l, lac_manifest *m)
{
    const lac_pack_openimages_own *o = j->own;
    const lac_object_reader how = { "openimages", o->root, false, picture_of, mask_of, NULL, d };
    LAC_TRY(lac_objects_manifest(&o->objects, m));
    const bool theirs = m->n > 0 && m->rule[0] == '\0';
    LAC_TRY(lac_oi_open(d, !theirs));
    LAC_TRY(theirs ? list_of(d, m, l) : lac_oi_list(d, l));
    LAC_TRY(lac_oi_rotations(d, l));
    LAC_TRY(lac_objects_choose(j, &o->objects, &how, l, m));
    note_turned(j, d, l);
    return lac_objects_pack(j, &o->objects, &how, l, m);
}

static lac_status pack_openimages(lac_pack_job *j, const char *const *sources, int n)
{
    const lac_pack_openimages_own *o = j->own;
    lac_oi d = { .job = j, .root = o->root, .split = j->options->split };
    lac_object_list l = { 0 };
    lac_manifest m = { 0 };
    (void)sources, (void)n;
    if (o->root == NULL || d.split == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "pack openimages wants --root, the folder of tables, pictures and masks, and --split, as validation");
    if (strchr(d.split, '/') != NULL)
        return LAC_FAIL(LAC_ERR_ARG, "--split is train, validation or test, got '%.60s'", d.split);
    LAC_TRY(lac_objects_check(&o->objects));
    const lac_status s = pack_all(j, &d, &l, &m);
    lac_object_list_free(&l);
    lac_manifest_free(&m);
    lac_oi_close(&d);
    return s;
}

static const lac_pack_own_option options[] = {
    { "root", "FOLDER", "where tables, pictures and masks lie", LAC_FORMAT_TEXT, offsetof(lac_pack_openimages_own, root) },
    LAC_OBJECT_OPTIONS(lac_pack_openimages_own),
    { NULL },
};

const lac_pack_format lac_format_openimages = {
    .name = "openimages", .about = "OpenImages V6: objects with masks and labels", .least = 0, .most = 0,
    .help = "Packs objects of a split of OpenImages (--split names it), one of each picture by a fixed rule (docs/formats.md), or those of a manifest: this program's\n"
            "or a list of CAT-Diffusion's. Groups and depictions are left out.",
    .options = options, .own = sizeof(lac_pack_openimages_own), .pack = pack_openimages,
};
