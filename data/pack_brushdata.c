/* lacuna pack brushdata: BrushNet's training set (Ju et al. 2024, arXiv:2403.06976), tar shards of about 10000 samples. A sample KEY has the members
 * KEY.image, .caption, .height, .width and .segmentation, JSON { "mask": [[start, length, ...], ...] }: runs counted from 1, column by column; others are
 * passed over. docs/formats.md. */
#include "core/image/rle.h"
#include "core/json.h"
#include "core/utf8.h"
#include "data/format.h"
#include "data/shard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sample {
    const lac_shard_group *group;
    lac_job_file file;                  /* its bytes are the group's */
    json_t *masks, *segmentation;       /* the list within it */
    char where[1024];                   /* "SHARD: KEY" */
} sample;

static const char *const fields[] = { "image", "caption", "height", "width", "segmentation" };

static lac_status check_fields(const lac_shard_group *g)
{
    char missing[128] = "";
    for (size_t i = 0; i < LAC_COUNT(fields); i++)
        if (lac_shard_find(g, fields[i]) == NULL)
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), "%s%s", missing[0] ? ", " : "", fields[i]);
    return missing[0] == '\0' ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "it has no %s", missing);
}

static lac_status read_side(const lac_shard_group *g, const char *name, int64_t *side)
{
    const char *text = lac_shard_find(g, name)->bytes;
    char *end;
    *side = strtoll(text, &end, 10);
    if (end == text || end[strspn(end, " \r\n")] != '\0' || *side < 1)
        return LAC_FAIL(LAC_ERR_FORMAT, "%s is '%.40s', expected a number of pixels", name, text);
    return LAC_OK;
}

static lac_status read_masks(sample *s)
{
    json_error_t error;
    const lac_shard_field *f = lac_shard_find(s->group, "segmentation");
    s->segmentation = json_loadb(f->bytes, f->size, JSON_REJECT_DUPLICATES, &error);
    if (s->segmentation == NULL)
        return json_error_code(&error) == json_error_out_of_memory ? LAC_FAIL(LAC_ERR_MEM, "out of memory: segmentation")
             : LAC_FAIL(LAC_ERR_FORMAT, "segmentation, line %d: %s", error.line, error.text);
    s->masks = json_object_get(s->segmentation, "mask");
    return json_is_array(s->masks) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'mask' of its segmentation is %s, expected a list", lac_json_sort(s->masks));
}

static lac_status read_sample(sample *s)
{
    lac_job_file said = { 0 };
    LAC_TRY(check_fields(s->group));
    LAC_TRY(read_side(s->group, "height", &said.height));
    LAC_TRY(read_side(s->group, "width", &said.width));
    LAC_TRY(read_masks(s));
    const lac_shard_field *f = lac_shard_find(s->group, "image");
    s->file = (lac_job_file){ .bytes = (uint8_t *)f->bytes, .size = f->size };
    return lac_job_decode(&s->file, "image", &said, false);
}

/* ---- masks: what is wrong with one concerns it alone ---- */

static lac_status draw_mask(const sample *s, const json_t *runs, lac_image *mask)
{
    int64_t *pair, n;
    LAC_TRY(lac_json_wholes(runs, "mask", &pair, &n));
    lac_status status = lac_image_new(mask, s->file.height, s->file.width, 1);
    if (status == LAC_OK)
        status = lac_mask_from_pairs(mask->pixels, mask->height, mask->width, LAC_PAIRS_BY_COLUMNS, pair, n);
    free(pair);
    return status;
}

static lac_status add_mask(lac_pack_job *j, const sample *s, size_t i)
{
    lac_image mask = { 0 };
    char where[1100];
    snprintf(where, sizeof where, "%s, mask %zu", s->where, i);
    lac_status status = draw_mask(s, json_array_get(s->masks, i), &mask);
    status = status == LAC_OK ? lac_job_object(j, &mask, "", where) : lac_job_skip(j, lac_context(status, "'%s'", where), where);
    lac_image_free(&mask);
    return status;
}

/* ---- samples ---- */

static lac_status add_sample(lac_pack_job *j, const char *shard, const sample *s)
{
    const char *slash = strrchr(shard, '/');
    const lac_shard_field *caption = lac_shard_find(s->group, "caption");
    const lac_record r = { .kind = LAC_KIND_PHOTO, .name = s->group->key, .source = slash != NULL ? slash + 1 : shard, .group = lac_pack_count(j->pack) };
    LAC_TRY(lac_job_add(j, &r, &s->file));
    LAC_TRY(lac_job_part(j, &(lac_part){ .kind = LAC_PART_CAPTION, .length = (int64_t)caption->size }, caption->bytes, s->where));
    for (size_t i = 0; i < json_array_size(s->masks); i++)
        LAC_TRY(add_mask(j, s, i));
    return LAC_OK;
}

/* Names of all shards so far. */
static lac_status note_key(json_t *seen, const char *shard, const char *key)
{
    const json_t *before = json_object_get(seen, key);
    if (before != NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "a sample of that key is in '%s' too", json_string_value(before));
    if (!lac_utf8_valid(key, strlen(key)))
        return LAC_FAIL(LAC_ERR_FORMAT, "its key is no UTF-8");
    return json_object_set_new(seen, key, json_string(shard)) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: keys");
}

static lac_status pack_sample(lac_pack_job *j, const char *shard, const lac_shard_group *g, json_t *seen)
{
    sample s = { .group = g };
    snprintf(s.where, sizeof s.where, "%.700s: %.300s", shard, g->key);
    lac_status status = note_key(seen, shard, g->key);
    if (status == LAC_OK)
        status = read_sample(&s);
    status = status == LAC_OK ? add_sample(j, shard, &s) : lac_job_skip(j, lac_context(status, "'%s'", s.where), g->key);
    json_decref(s.segmentation);
    return status;
}

static lac_status pack_shard(lac_pack_job *j, const char *path, json_t *seen)
{
    lac_shard *shard;
    const lac_shard_group *g = NULL;
    lac_status s = lac_shard_open(&shard, path);
    if (s != LAC_OK)
        return s == LAC_ERR_FORMAT ? lac_job_skip(j, s, path) : s;
    do {
        s = lac_shard_next(shard, &g);
        if (s == LAC_OK && g != NULL)
            s = pack_sample(j, path, g, seen);
        else if (s == LAC_ERR_FORMAT) {
            s = lac_job_skip(j, s, path);
            g = &(const lac_shard_group){ 0 };          /* there may be more */
        }
    } while (s == LAC_OK && g != NULL);
    lac_shard_close(shard);
    return s;
}

static lac_status pack_shards(lac_pack_job *j, const char *const *sources, int n)
{
    json_t *seen = json_object();
    lac_status s = seen != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: keys");
    for (int i = 0; s == LAC_OK && i < n; i++)
        s = pack_shard(j, sources[i], seen);
    json_decref(seen);
    return s;
}

const lac_pack_format lac_format_brushdata = {
    .name = "brushdata", .about = "BrushData's tar shards: pictures with masks and a caption each", .sources = "SHARD...", .least = 1, .most = -1,
    .help = "Packs shards of BrushData (00000.tar, ...; plain or gzipped): members KEY.image, .caption, .height, .width and .segmentation. A sample that lacks one\nof them or is broken is skipped, named and counted.",
    .pack = pack_shards,
};
