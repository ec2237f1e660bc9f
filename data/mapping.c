#include "data/mapping.h"

#include "core/image/rle.h"
#include "core/json.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30, SIDE = 512 };

typedef struct sample {
    const char *id, *image, *caption;
    char where[1024];           /* "FILE: ID", for messages */
    lac_job_file file;
    lac_image mask;
} sample;

static lac_status read_hole(sample *s, const json_t *entry, const char *const *masks)
{
    int64_t *pair, n;
    while (masks[1] != NULL && json_object_get(entry, masks[0]) == NULL)
        masks++;
    LAC_TRY(lac_json_wholes(json_object_get(entry, masks[0]), masks[0], &pair, &n));
    lac_status status = lac_image_new(&s->mask, SIDE, SIDE, 1);
    if (status == LAC_OK)
        status = lac_context(lac_mask_from_pairs(s->mask.pixels, SIDE, SIDE, LAC_PAIRS_BY_ROWS, pair, n), "'%s'", masks[0]);
    free(pair);
    LAC_TRY(status);
    return lac_box_around(s->mask.pixels, SIDE, SIDE).width > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' is an empty hole", masks[0]);
}

static lac_status read_picture(sample *s, const char *root)
{
    char *path;
    LAC_TRY(lac_job_path(&path, root, s->image));
    lac_status status = lac_job_load(&s->file, path, &(lac_job_file){ .height = SIDE, .width = SIDE }, false);
    free(path);
    return status;
}

static lac_status read_sample(sample *s, const char *root, const json_t *entry, const char *const *masks)
{
    if (!json_is_object(entry))
        return LAC_FAIL(LAC_ERR_FORMAT, "it is %s, expected an object", lac_json_sort(entry));
    LAC_TRY(lac_json_string(entry, "image", &s->image));
    LAC_TRY(lac_json_string(entry, "caption", &s->caption));
    LAC_TRY(read_hole(s, entry, masks));
    return read_picture(s, root);
}

static lac_status add_sample(lac_pack_job *j, const char *root, sample *s)
{
    const lac_record r = { .kind = LAC_KIND_PHOTO, .name = s->id, .source = root, .group = lac_pack_count(j->pack), .split = j->options->split != NULL ? j->options->split : "test" };
    LAC_TRY(lac_job_add(j, &r, &s->file));
    LAC_TRY(lac_job_part(j, &(lac_part){ .kind = LAC_PART_CAPTION, .length = (int64_t)strlen(s->caption) }, s->caption, s->where));
    return lac_job_object(j, &s->mask, "", s->where);
}

static lac_status pack_sample(lac_pack_job *j, const char *path, const char *root, const char *id, const json_t *entry, const char *const *masks)
{
    sample s = { .id = id };
    snprintf(s.where, sizeof s.where, "%.800s: %.200s", path, id);
    lac_status status = read_sample(&s, root, entry, masks);
    status = status != LAC_OK ? lac_job_skip(j, lac_context(status, "'%s'", s.where), id) : add_sample(j, root, &s);
    lac_image_free(&s.mask);
    free(s.file.bytes);
    return status;
}

static lac_status pack_samples(lac_pack_job *j, const char *path, const char *root, json_t *samples, const char *const *masks)
{
    const char *id;
    json_t *entry;
    if (!json_is_object(samples))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s, expected an object of samples by their ids", path, lac_json_sort(samples));
    json_object_foreach(samples, id, entry)
        LAC_TRY(pack_sample(j, path, root, id, entry, masks));
    return LAC_OK;
}

lac_status lac_mapping_pack(lac_pack_job *j, const char *root, const char *const *masks)
{
    char *path;
    json_t *samples;
    LAC_TRY(lac_format(&path, "%s/" LAC_MAPPING_FILE, root));
    lac_status s = lac_json_load(&samples, path, MAX_FILE);
    if (s == LAC_OK)
        s = pack_samples(j, path, root, samples, masks);
    json_decref(samples);
    free(path);
    return s;
}
