#include "data/pack_scenes.h"

#include "data/scene/scene.h"
#include "data/scene/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARE = 8, LEAST_SIDE = 32, MOST_SIDE = 1024, MOST_COUNT = 10000000 };

typedef struct scenes {
    lac_pack_job *job;
    lac_pack_scenes_own o;
    int least, most;                    /* objects */
    lac_scene scene;                    /* in work */
    lac_image picture, mask[LAC_SCENE_SOLIDS], without[LAC_SCENE_SOLIDS];
} scenes;

static const struct { const char *split; bool held_out; } splits[] = { { "train", false }, { "val", false }, { "test", false }, { "unseen", true } };

/* ---- into the set ---- */

static lac_status add_picture(scenes *c, int split, int64_t number)
{
    char name[64];
    lac_job_file f = { .height = c->o.size, .width = c->o.size };
    snprintf(name, sizeof name, "%s/%06" PRId64, splits[split].split, number);
    const lac_record r = { .group = split * (int64_t)MOST_COUNT + number, .name = name, .split = splits[split].split, .source = "scenes" };
    LAC_TRY(lac_image_encode_png(&c->picture, &f.bytes, &f.size));
    const lac_status s = lac_job_add(c->job, &r, &f);
    free(f.bytes);
    return s;
}

static lac_status add_without(scenes *c, int k)
{
    char label[LAC_SCENE_LABEL], text[LAC_LABEL_BYTES];
    uint8_t *bytes;
    size_t size;
    lac_scene_label(&c->scene.solid[k], label);
    snprintf(text, sizeof text, "remove the %s", label);
    LAC_TRY(lac_image_encode_png(&c->without[k], &bytes, &size));
    const lac_status s = lac_job_part(c->job, &(lac_part){ .kind = LAC_PART_EDITED, .length = (int64_t)size, .label = text }, bytes, text);
    free(bytes);
    return s;
}

static lac_status add_text(scenes *c, lac_part_kind kind, const char *label, const char *text)
{
    return lac_job_part(c->job, &(lac_part){ .kind = kind, .length = (int64_t)strlen(text), .label = label }, text, text);
}

static lac_status add_captions(scenes *c)
{
    char text[LAC_SCENE_CAPTION];
    lac_scene_names(&c->scene, text);
    LAC_TRY(add_text(c, LAC_PART_CAPTION, "", text));
    lac_scene_sentence(&c->scene, text);
    return add_text(c, LAC_PART_CAPTION, "", text);
}

static lac_status add_relations(scenes *c)
{
    for (int i = 0; i < c->scene.n; i++)
        for (int k = 0; k < c->scene.n; k++)
            for (int r = 0; r < LAC_RELATIONS; r++) {
                char text[32];
                snprintf(text, sizeof text, "%d %d", i, k);
                if (lac_scene_related(&c->scene, i, k, (lac_relation)r))
                    LAC_TRY(add_text(c, LAC_PART_RELATION, lac_scene_relation_name((lac_relation)r), text));
            }
    return LAC_OK;
}

static lac_status add_scene(scenes *c, int split, int64_t number)
{
    LAC_TRY(add_picture(c, split, number));
    for (int k = 0; k < c->scene.n; k++) {
        char label[LAC_SCENE_LABEL];
        lac_scene_label(&c->scene.solid[k], label);
        if (c->o.pairs)
            LAC_TRY(add_without(c, k));
        LAC_TRY(lac_job_object(c->job, &c->mask[k], label, label));
    }
    LAC_TRY(add_captions(c));
    return add_relations(c);
}

static lac_status make_scene(scenes *c, int split, int64_t number)
{
    lac_scene_draw(&c->scene, &(lac_scene_rule){ .seed = (uint64_t)c->o.seed, .split = splits[split].split, .number = (uint32_t)number, .least = c->least, .most = c->most,
                                                 .held_out = splits[split].held_out });
    LAC_TRY(lac_scene_render(&c->scene, c->o.size, &c->picture, c->mask, c->o.pairs ? c->without : NULL));
    const lac_status s = add_scene(c, split, number);
    lac_image_free(&c->picture);
    for (int k = 0; k < c->scene.n; k++) {
        lac_image_free(&c->mask[k]);
        lac_image_free(&c->without[k]);
    }
    return s;
}

/* ---- options ---- */

/* "1-4", or "3": from 3 to 3. */
static lac_status parse_objects(scenes *c)
{
    const char *text = c->o.objects != NULL ? c->o.objects : "1-4";
    char rest = '\0';
    const int n = sscanf(text, "%3d-%3d%c", &c->least, &c->most, &rest);
    if (n == 1 && strspn(text, "0123456789") == strlen(text))
        c->most = c->least;
    else if (n != 2)
        c->least = 0;
    if (c->least < 1 || c->most < c->least || c->most > LAC_SCENE_SOLIDS)
        return LAC_FAIL(LAC_ERR_ARG, "--objects is MIN-MAX or one number, from 1 to %d, found '%.40s'", LAC_SCENE_SOLIDS, text);
    return LAC_OK;
}

static lac_status check(scenes *c)
{
    if (c->o.size == 0)
        c->o.size = 128;
    if (c->o.count == 0)
        c->o.count = 4000;
    if (c->o.size < LEAST_SIDE || c->o.size > MOST_SIDE)
        return LAC_FAIL(LAC_ERR_ARG, "--size is from %d to %d pixels, found %" PRId64, LEAST_SIDE, MOST_SIDE, c->o.size);
    if (c->o.count > MOST_COUNT)
        return LAC_FAIL(LAC_ERR_ARG, "--count is at most %d, found %" PRId64, MOST_COUNT, c->o.count);
    return parse_objects(c);
}

static lac_status pack_scenes(lac_pack_job *j, const char *const *sources, int n)
{
    scenes c = { .job = j, .o = *(const lac_pack_scenes_own *)j->own };
    (void)sources, (void)n;
    LAC_TRY(check(&c));
    for (int k = 0; k < (int)LAC_COUNT(splits); k++) {
        const int64_t count = k == 0 ? c.o.count : LAC_MAX(c.o.count / SHARE, 1);
        for (int64_t i = 0; i < count; i++)
            LAC_TRY(make_scene(&c, k, i));
    }
    return LAC_OK;
}

#define AT(member) offsetof(lac_pack_scenes_own, member)
static const lac_pack_own_option options[] = {
    { "size", "PIXELS", "side of a picture (default 128)", LAC_FORMAT_NUMBER, AT(size) },
    { "count", "N", "pictures of the split train (default 4000); the others have an eighth of it", LAC_FORMAT_NUMBER, AT(count) },
    { "objects", "MIN-MAX", "how many objects in a picture, at most 8 (default 1-4)", LAC_FORMAT_TEXT, AT(objects) },
    { "seed", "N", "other pictures (default 0)", LAC_FORMAT_NUMBER, AT(seed) },
    { "pairs", NULL, "the picture without each of its objects and its shadow, as edited copies", LAC_FORMAT_FLAG, AT(pairs) },
    { NULL },
};

const lac_pack_format lac_format_scenes = {
    .name = "scenes", .about = "rendered solids on floors: masks, boxes, labels, captions, relations", .sources = NULL, .least = 0, .most = 0,
    .help = "Renders solids of several shapes, colours and materials on varied floors under varied light. Splits: train, val, test; and unseen, of colours\n"
            "with shapes that the others have not.",
    .options = options, .own = sizeof(lac_pack_scenes_own), .title = "", .pack = pack_scenes,
};
