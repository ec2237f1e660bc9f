/* `pack coco` and `pack openimages` beside pycocotools and Pillow (tests/golden/objects.py); manifests; then each file broken in turn. */
#include "core/file/atomic.h"
#include "core/memory.h"
#include "data/pack_coco.h"
#include "data/pack_openimages.h"
#include "tests/harness/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct heard { int n; char why[8][600], note[1024]; } heard;

static void hear(void *context, const char *name, const char *why)
{
    heard *h = context;
    (void)name;
    if (h->n < 8)
        snprintf(h->why[h->n], sizeof h->why[0], "%s", why);
    h->n++;
}

static void hear_note(void *context, const char *text)
{
    heard *h = context;
    snprintf(h->note + strlen(h->note), sizeof h->note - strlen(h->note), "%s; ", text);
}

/* "FOLDER/NAME"; lives until 256 more were made. */
static const char *join(const char *root, const char *name)
{
    static char path[256][600];
    static int turn;
    char made[600];
    snprintf(made, sizeof made, "%s/%s", root, name);
    turn = (turn + 1) % 256;
    return memcpy(path[turn], made, sizeof made);
}

/* One for all of the file's tests. */
static const char *folder(void)
{
    static char path[512];
    if (path[0] == '\0')
        snprintf(path, sizeof path, "%s", lac_test_folder());
    return path;
}

static const char *layouts(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s", lac_test_golden("objects"));
    return path;
}

/* A copy that may be broken. */
static const char *copied(const char *name)
{
    static char to[600];
    char command[2400];
    snprintf(to, sizeof to, "%s/%s", folder(), name);
    snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s/%s' '%s'", to, layouts(), name, to);
    LAC_CHECK(system(command) == 0);
    return to;
}

static const char *target(void) { return join(folder(), "set.h5"); }

static void put(const char *path, const char *text) { LAC_CHECK_STATUS(lac_file_write(path, text, strlen(text))); }

/* A file with the first of one text made another. */
static void change(const char *path, const char *from, const char *to)
{
    char *text, *at, *fresh;
    size_t size;
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &text, &size));
    at = strstr(text, from);
    if (at == NULL)
        fail_msg("no '%s' in '%s'", from, path);
    LAC_CHECK_STATUS(lac_format(&fresh, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)));
    put(path, fresh);
    free(fresh);
    free(text);
}

static lac_pack_coco_own coco_of(const char *root, lac_object_wishes w)
{
    return (lac_pack_coco_own){ .objects = w, .images = join(root, "val2017"), .annotations = join(root, "annotations/instances_val2017.json") };
}

static lac_status pack(const lac_pack_format *f, const void *own, const char *split, bool strict, heard *h, lac_pack_counts *n)
{
    *h = (heard){ 0 };
    unlink(target());
    return lac_pack_run(f, NULL, 0, target(), &(lac_pack_options){ .split = split, .strict = strict, .skipped = hear, .note = hear_note, .context = h, .own = own }, n);
}

static lac_status pack_coco(const char *root, lac_object_wishes w, heard *h, lac_pack_counts *n)
{
    const lac_pack_coco_own own = coco_of(root, w);
    return pack(&lac_format_coco, &own, "validation", false, h, n);
}

static lac_status pack_oi(const char *root, const char *split, lac_object_wishes w, heard *h, lac_pack_counts *n)
{
    return pack(&lac_format_openimages, &(lac_pack_openimages_own){ w, root }, split, false, h, n);
}

/* ---- beside pycocotools and Pillow */

static void hash(const uint8_t *bytes, size_t n, char hex[LAC_SHA256_HEX])
{
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256_of(bytes, n, digest);
    lac_sha256_hex(digest, hex);
}

static const char *text_of(const json_t *record, const char *key) { return json_string_value(json_object_get(record, key)); }

static void check_mask(const lac_set *set, int64_t part, const json_t *wanted)
{
    uint8_t *bytes = NULL;
    size_t room = 0;
    char hex[LAC_SHA256_HEX];
    lac_image mask;
    LAC_CHECK_STATUS(lac_set_read_part(set, part, &bytes, &room));
    LAC_CHECK_STATUS(lac_image_decode(&mask, bytes, (size_t)lac_set_part(set, part).length, 1, "mask"));
    for (int64_t i = 0; i < mask.height * mask.width; i++)
        mask.pixels[i] = mask.pixels[i] >= 128;
    hash(mask.pixels, (size_t)(mask.height * mask.width), hex);
    if (strcmp(hex, text_of(wanted, "mask")) != 0)
        fail_msg("the mask of '%s'", text_of(wanted, "name"));
    LAC_CHECK(strcmp(lac_set_part(set, part).label, text_of(wanted, "label")) == 0);
    lac_image_free(&mask);
    free(bytes);
}

static void check_captions(const lac_set *set, int64_t record, const json_t *wanted)
{
    int64_t first;
    const int64_t n = lac_set_parts(set, record, LAC_PART_CAPTION, &first);
    LAC_CHECK(n == (int64_t)json_array_size(wanted));
    for (int64_t i = 0; i < n; i++) {
        uint8_t *bytes = NULL;
        size_t room = 0;
        const char *text = json_string_value(json_array_get(wanted, (size_t)i));
        LAC_CHECK_STATUS(lac_set_read_part(set, first + i, &bytes, &room));
        LAC_CHECK(lac_set_part(set, first + i).length == (int64_t)strlen(text) && memcmp(bytes, text, strlen(text)) == 0);
        free(bytes);
    }
}

static void check_pixels(const lac_set *set, int64_t record, const json_t *wanted)
{
    lac_image image;
    char hex[LAC_SHA256_HEX];
    LAC_CHECK_STATUS(lac_set_decode(set, record, 3, &image));
    hash(image.pixels, (size_t)(image.height * image.width * 3), hex);
    if (strcmp(hex, text_of(wanted, "pixels")) != 0)
        fail_msg("the picture of '%s'", text_of(wanted, "name"));
    lac_image_free(&image);
}

/* The set is what the list says: a record for each object, or for each picture. */
static void check_set(const json_t *wanted, bool every)
{
    lac_set *set;
    lac_verified v;
    int64_t first, record = -1, k = 0;
    LAC_CHECK_STATUS(lac_set_open(&set, target()));
    for (size_t i = 0; i < json_array_size(wanted); i++, k++) {
        const json_t *w = json_array_get(wanted, i), *before = i > 0 ? json_array_get(wanted, i - 1) : NULL;
        const bool again = before != NULL && strcmp(text_of(w, "image"), text_of(before, "image")) == 0;
        record += !(every && again);
        k = every && again ? k : 0;
        const lac_record r = lac_set_record(set, record);
        if (strcmp(r.name, text_of(w, every ? "image" : "name")) != 0 || strcmp(r.split, "validation") != 0)
            fail_msg("record %d is '%s' of '%s', expected '%s'", (int)record, r.name, r.split, text_of(w, "name"));
        LAC_CHECK(every || (strcmp(r.label, text_of(w, "label")) == 0 && (!again || r.group == lac_set_record(set, record - 1).group)));
        LAC_CHECK(lac_set_parts(set, record, LAC_PART_OBJECT, &first) > k);
        check_pixels(set, record, w);
        check_mask(set, first + k, w);
        check_captions(set, record, json_object_get(w, "captions"));
    }
    LAC_CHECK(lac_set_count(set) == record + 1 && strlen(lac_set_selection(set)) == 64);
    lac_set_close(set);
    LAC_CHECK_STATUS(lac_verify(target(), NULL, NULL, &v));
}

static json_t *expected(void)
{
    json_t *j = json_load_file(join(layouts(), "expected.json"), 0, NULL);
    LAC_CHECK(j != NULL);
    return j;
}

static const struct variant { const char *name; lac_object_wishes w; } variants[] = {
    { "segmentation", { 0 } },
    { "box", { .masks = "box" } },
    { "segmentation-48", { .size = 48, .masks = "segmentation" } },
    { "box-48", { .size = 48, .masks = "box" } },
    { "dilate-5", { .dilate = 2 } },
    { "three-of-each", { .per_picture = 3 } },
    { "limit-4", { .per_picture = 3, .limit = 4 } },
    { "every", { .every = true } },
};

LAC_TEST(coco_is_what_pycocotools_and_pillow_find)
{
    heard h;
    lac_pack_counts n;
    json_t *all = expected(), *wanted = json_object_get(all, "coco");
    for (size_t i = 0; i < LAC_COUNT(variants); i++) {
        LAC_CHECK_STATUS(pack_coco(join(layouts(), "coco"), variants[i].w, &h, &n));
        LAC_CHECK(h.n == 0 && n.skipped == 0 && strncmp(h.note, "5 crowds left out; 35 objects of 5 pictures", 43) == 0);
        check_set(json_object_get(wanted, variants[i].name), variants[i].w.every);
    }
    lac_pack_coco_own own = coco_of(join(layouts(), "coco"), (lac_object_wishes){ 0 });
    own.captions = join(layouts(), "coco/annotations/captions_val2017.json");
    LAC_CHECK_STATUS(pack(&lac_format_coco, &own, "validation", true, &h, &n));
    LAC_CHECK(n.part[LAC_PART_CAPTION] == 10);
    check_set(json_object_get(wanted, "captions"), false);
    json_decref(all);
}

LAC_TEST(openimages_is_what_pillow_finds_in_both_layouts)
{
    heard h;
    lac_pack_counts n;
    json_t *all = expected(), *wanted = json_object_get(json_object_get(all, "openimages"), "validation");
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < LAC_COUNT(variants); i++) {
            LAC_CHECK_STATUS(pack_oi(join(layouts(), k == 0 ? "openimages" : "fiftyone"), "validation", variants[i].w, &h, &n));
            LAC_CHECK(h.n == 0 && n.skipped == 0 && strncmp(h.note, "8 groups and depictions left out; 16 objects of 4 pictures", 58) == 0);
            LAC_CHECK(strstr(h.note, "says to turn; they are packed as they lie") != NULL);
            check_set(json_object_get(wanted, variants[i].name), variants[i].w.every);
        }
    LAC_CHECK_STATUS(pack_oi(join(layouts(), "openimages"), "train", (lac_object_wishes){ 0 }, &h, &n));          /* its tables have more columns */
    LAC_CHECK(h.n == 0 && n.pictures == 1 && n.part[LAC_PART_OBJECT] == 1);
    json_decref(all);
}

LAC_TEST(openimages_knows_licence_and_author)
{
    heard h;
    lac_pack_counts n;
    lac_set *set;
    json_t *all = expected(), *authors = json_object_get(json_object_get(all, "openimages"), "authors");
    LAC_CHECK_STATUS(pack_oi(join(layouts(), "fiftyone"), "validation", (lac_object_wishes){ .every = true }, &h, &n));
    LAC_CHECK_STATUS(lac_set_open(&set, target()));
    for (int64_t i = 0; i < lac_set_count(set); i++) {
        const lac_record r = lac_set_record(set, i);
        LAC_CHECK(strcmp(r.author, json_string_value(json_object_get(authors, r.name))) == 0 && strstr(r.licence, "licenses/by/2.0") != NULL);
    }
    lac_set_close(set);
    json_decref(all);
}

LAC_TEST(a_list_of_catdiffusions_is_followed)
{
    heard h;
    lac_pack_counts n;
    json_t *all = expected();
    const lac_object_wishes w = { .masks = "box", .size = 48, .manifest = join(layouts(), "openimages_validation.txt") };
    LAC_CHECK_STATUS(pack_oi(join(layouts(), "fiftyone"), "validation", w, &h, &n));
    check_set(json_object_get(json_object_get(all, "openimages"), "listed"), false);
    LAC_CHECK_FAILS(pack_coco(join(layouts(), "coco"), w, &h, &n), LAC_ERR_ARG, "is a manifest of openimages, not of coco");
    const lac_object_wishes more = { .limit = 2, .manifest = w.manifest };
    LAC_CHECK_FAILS(pack_oi(join(layouts(), "fiftyone"), "validation", more, &h, &n), LAC_ERR_ARG, "was made by ''");
    json_decref(all);
}

/* ---- manifests */

static bool same_bytes(const char *a, const char *b)
{
    char *x, *y;
    size_t nx, ny;
    LAC_CHECK_STATUS(lac_file_read(a, 1 << 26, &x, &nx));
    LAC_CHECK_STATUS(lac_file_read(b, 1 << 26, &y, &ny));
    const bool same = nx == ny && memcmp(x, y, nx) == 0;
    free(x);
    free(y);
    return same;
}

LAC_TEST(a_manifest_makes_the_same_set_again)
{
    heard h;
    lac_pack_counts n;
    const char *m = join(folder(), "m.jsonl"), *first = join(folder(), "first.h5"), *other = join(folder(), "other.jsonl");
    const lac_object_wishes w = { .manifest = m, .per_picture = 2, .limit = 7 }, as_it_is = { .manifest = m }, another = { .manifest = m, .limit = 6 };
    LAC_CHECK_STATUS(pack_coco(join(layouts(), "coco"), w, &h, &n));
    LAC_CHECK(rename(target(), first) == 0 && strstr(h.note, "7 taken") != NULL);
    LAC_CHECK_STATUS(pack_coco(join(layouts(), "coco"), as_it_is, &h, &n));
    LAC_CHECK(strstr(h.note, "7 objects, as '") != NULL && same_bytes(target(), first));
    LAC_CHECK_STATUS(pack_coco(join(layouts(), "coco"), w, &h, &n));
    LAC_CHECK(same_bytes(target(), first));
    LAC_CHECK_FAILS(pack_coco(join(layouts(), "coco"), another, &h, &n), LAC_ERR_ARG, "was made by 'box 0.01 to 0.8, mask 0.005, per picture 2, limit 7', not by");
    LAC_CHECK_STATUS(pack_coco(join(layouts(), "coco"), (lac_object_wishes){ .per_picture = 2, .limit = 7, .manifest = other }, &h, &n));
    LAC_CHECK(same_bytes(m, other));
    LAC_CHECK(unlink(other) == 0 && unlink(m) == 0);
    LAC_CHECK_STATUS(pack_oi(join(layouts(), "openimages"), "validation", as_it_is, &h, &n));          /* two layouts, one manifest */
    LAC_CHECK_STATUS(pack_oi(join(layouts(), "fiftyone"), "validation", (lac_object_wishes){ .manifest = other }, &h, &n));
    LAC_CHECK(same_bytes(m, other));
}

LAC_TEST(a_smaller_limit_is_a_part_of_a_larger_one)
{
    heard h;
    lac_pack_counts n;
    lac_set *all, *some;
    const char *larger = join(folder(), "larger.h5");
    LAC_CHECK_STATUS(pack_coco(join(layouts(), "coco"), (lac_object_wishes){ .per_picture = 100, .limit = 12 }, &h, &n));
    LAC_CHECK(rename(target(), larger) == 0);
    LAC_CHECK_STATUS(pack_coco(join(layouts(), "coco"), (lac_object_wishes){ .per_picture = 100, .limit = 5 }, &h, &n));
    LAC_CHECK_STATUS(lac_set_open(&all, larger));
    LAC_CHECK_STATUS(lac_set_open(&some, target()));
    LAC_CHECK(lac_set_count(all) == 12 && lac_set_count(some) == 5);
    for (int64_t i = 0; i < 5; i++)
        LAC_CHECK(lac_set_find(all, lac_set_record(some, i).name) >= 0);
    lac_set_close(all);
    lac_set_close(some);
}

LAC_TEST(what_is_not_as_a_manifest_says_is_an_error)
{
    static const struct { const char *from, *to, *says; } bad[] = {
        { "\"label\": \"cat\"", "\"label\": \"car\"", "m.jsonl', line 2: '000000000139_900.png' is 'car', in the annotations 'cat'" },
        { "_900.png", "_901.png", "m.jsonl', line 2: the annotations have no object '000000000139_901.png' in the picture '000000000139.jpg'" },
        { "\"box\": [0.1", "\"box\": [0.2", "m.jsonl', line 2: '000000000139_900.png': box[0] is 0.2" },
        { "\"picture\": \"", "\"picture\": \"x", "m.jsonl', line 2: 'picture' is 'x" },
        { "\"mask\": \"", "\"mask\": 0, \"m\": \"", "m.jsonl', line 2: 'm' is no key that is known" },
        { "\"label\": \"cat\"", "\"label\": 7", "m.jsonl', line 2: 'label' is an integer" },
        { "objects-1", "objects-2", "m.jsonl', line 1: it is a manifest of 'lacuna-objects-2', expected 'lacuna-objects-1'" },
        { "\"layout\": \"coco\", ", "", "m.jsonl', line 1: 'layout' is missing" },
        { "{\"object\"", "{\"object", "m.jsonl', line 2: " },
    };
    heard h;
    lac_pack_counts n;
    const char *m = join(folder(), "m.jsonl");
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        unlink(m);
        LAC_CHECK_STATUS(pack_coco(join(layouts(), "coco"), (lac_object_wishes){ .manifest = m }, &h, &n));
        LAC_CHECK(unlink(target()) == 0);
        change(m, bad[i].from, bad[i].to);
        LAC_CHECK_FAILS(pack_coco(join(layouts(), "coco"), (lac_object_wishes){ .manifest = m }, &h, &n), LAC_ERR_FORMAT, bad[i].says);
        LAC_CHECK(h.n == 0 && access(target(), F_OK) != 0);
    }
    put(m, "\n");
    LAC_CHECK_FAILS(pack_coco(join(layouts(), "coco"), (lac_object_wishes){ .manifest = m }, &h, &n), LAC_ERR_FORMAT, "names no object");
}

LAC_TEST(pictures_and_masks_are_those_of_the_manifest)
{
    heard h;
    lac_pack_counts n;
    const char *m = join(folder(), "m.jsonl"), *f = copied("coco");
    char a[600], b[600], command[2400];
    snprintf(a, sizeof a, "%s/val2017/000000000139.jpg", f);
    snprintf(b, sizeof b, "%s/annotations/instances_val2017.json", f);
    unlink(m);
    LAC_CHECK_STATUS(pack_coco(f, (lac_object_wishes){ .manifest = m }, &h, &n));
    change(b, "\"segmentation\": [[", "\"segmentation\": [[0, 0, 9, 0, 9, 9], [");
    LAC_CHECK_FAILS(pack_coco(f, (lac_object_wishes){ .manifest = m }, &h, &n), LAC_ERR_FORMAT, "m.jsonl', line 2: the mask has the SHA-256 ");
    f = copied("coco");
    snprintf(command, sizeof command, "printf X >> '%s'", a);
    LAC_CHECK(system(command) == 0);
    LAC_CHECK_FAILS(pack_coco(f, (lac_object_wishes){ .manifest = m }, &h, &n), LAC_ERR_FORMAT, "m.jsonl', line 2: the picture has the SHA-256 ");
    LAC_CHECK(unlink(a) == 0);
    LAC_CHECK_FAILS(pack_coco(f, (lac_object_wishes){ .manifest = m }, &h, &n), LAC_ERR_IO, "m.jsonl', line 2: cannot open ");
}

LAC_TEST(what_is_wrong_in_a_list_of_catdiffusions_is_told)
{
    static const struct { const char *from, *to, *says; } bad[] = {
        { "'label': 'Cat'", "'label': open('x')", "list.txt', line 1: column " },
        { "'area': 0.", "'area': 1.", "list.txt', line 1: 'area' is 1." },
        { "'label': 'Cat', ", "", "list.txt', line 1: 'label' is missing" },
        { "'label'", "'labels'", "list.txt', line 1: 'labels' is no key that is known" },
        { "'box': [", "'box': [0, ", "list.txt', line 1: 'box' is another list" },
        { "'label': 'Cat', 'box_id'", "'label': 'Cat', 'label': 'Dog', 'box_id'", "list.txt', line 1: column " },
        { "{'mask_image': '/data/openimages/validation/labels/masks/", "{'mask_image': 'gone/", "" },
    };
    heard h;
    lac_pack_counts n;
    const char *list = join(folder(), "list.txt");
    for (size_t i = 0; i + 1 < LAC_COUNT(bad); i++) {
        char command[2400];
        snprintf(command, sizeof command, "cp '%s/openimages_validation.txt' '%s'", layouts(), list);
        LAC_CHECK(system(command) == 0);
        change(list, bad[i].from, bad[i].to);
        LAC_CHECK_FAILS(pack_oi(join(layouts(), "openimages"), "validation", (lac_object_wishes){ .manifest = list }, &h, &n), LAC_ERR_FORMAT, bad[i].says);
        LAC_CHECK(access(target(), F_OK) != 0);
    }
}

/* ---- what is broken */

/* One thing is skipped by one line; `left` objects stay. With `strict` it is the error, and nothing is written. */
static void check_skip(const lac_pack_format *f, const void *own, int64_t left, const char *why)
{
    heard h;
    lac_pack_counts n;
    LAC_CHECK_STATUS(pack(f, own, "validation", false, &h, &n));
    if (h.n != 1 || n.skipped != 1 || n.pictures != left || strstr(h.why[0], why) == NULL || strchr(h.why[0], '\n') != NULL)
        fail_msg("%d skipped, %d pictures, '%s' '%s', expected '%s'", h.n, (int)n.pictures, h.why[0], h.why[1], why);
    LAC_CHECK(unlink(target()) == 0);
    LAC_CHECK_FAILS(pack(f, own, "validation", true, &h, &n), LAC_ERR_FORMAT, why);
    LAC_CHECK(access(target(), F_OK) != 0);
}

LAC_TEST(a_bad_record_of_coco_costs_itself)
{
    static const struct { const char *from, *to, *says; int left; } bad[] = {
        { "\"category_id\": 17, \"bbox\"", "\"category_id\": 16, \"bbox\"", "instances_val2017.json', annotations[0] (id 900): 'category_id' 16 is that of no category", 19 },
        { "\"image_id\": 139, \"category_id\": 17", "\"image_id\": 140, \"category_id\": 17", "instances_val2017.json', annotations[0]: 'image_id' 140 is that of no image", 19 },
        { "\"segmentation\": [[", "\"segmentation\": [[1, 2, 3], [", "instances_val2017.json', annotations[0] (id 900): segmentation[0]: ", 19 },
        { "\"segmentation\": {\"size\": [64, 96], \"counts\": [", "\"segmentation\": {\"size\": [64, 96], \"counts\": [7, ", "annotations[2] (id 914): ", 19 },
        { "\"bbox\": [", "\"bbox\": [-90, ", "annotations[0]: 'bbox' has 5 elements", 19 },
        { "\"id\": 900, \"image_id\"", "\"id\": \"900\", \"image_id\"", "annotations[0]: 'id' is a string", 19 },
        { "\"id\": 907, \"image_id\"", "\"id\": 900, \"image_id\"", "'000000000139_900.png' stands in the annotations twice", 19 },
        { "\"bbox\": [", "\"bbox\": [0, 0, 500, 9], \"was\": [", "annotations[0] (id 900): its box from 0, 0 to 500, 9 is not inside a picture of 96 x 64 (width, height)", 19 },
    };
    const char *annotations;
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        const char *f = copied("coco");
        const lac_pack_coco_own own = coco_of(f, (lac_object_wishes){ .per_picture = 100 });
        annotations = own.annotations;
        change(annotations, bad[i].from, bad[i].to);
        check_skip(&lac_format_coco, &own, bad[i].left, bad[i].says);
    }
}

LAC_TEST(a_picture_of_coco_that_is_broken_is_skipped_once)
{
    heard h;
    lac_pack_counts n;
    const char *f = copied("coco"), *picture = join(f, "val2017/000000000139.jpg");
    const lac_pack_coco_own own = coco_of(f, (lac_object_wishes){ .per_picture = 100 });
    LAC_CHECK(truncate(picture, 400) == 0);
    check_skip(&lac_format_coco, &own, 16, "val2017/000000000139.jpg");
    LAC_CHECK(unlink(picture) == 0);
    LAC_CHECK_STATUS(pack(&lac_format_coco, &own, "validation", false, &h, &n));
    LAC_CHECK(h.n == 1 && n.pictures == 16 && strstr(h.why[0], "cannot open") != NULL);
    char command[2400];
    snprintf(command, sizeof command, "cp '%s' '%s'", join(f, "val2017/000000000285.jpg"), picture);          /* of another size */
    LAC_CHECK(system(command) == 0);
    LAC_CHECK_STATUS(pack(&lac_format_coco, &own, "validation", false, &h, &n));
    LAC_CHECK(h.n == 4 && strstr(h.why[0], "the mask of '000000000139_900.png' is 64 x 96 pixels, its picture '000000000139.jpg' 80 x 60") != NULL);
    put(own.annotations, "{\"images\": [],\n \"annotations\": [}");
    LAC_CHECK_FAILS(pack(&lac_format_coco, &own, "validation", false, &h, &n), LAC_ERR_FORMAT, "instances_val2017.json', line 2: ");
}

LAC_TEST(a_path_of_coco_stays_in_its_folder)
{
    const char *f = copied("coco");
    const lac_pack_coco_own own = coco_of(f, (lac_object_wishes){ .per_picture = 100 });
    change(own.annotations, "\"file_name\": \"000000000139.jpg\"", "\"file_name\": \"../val2017/000000000139.jpg\"");
    check_skip(&lac_format_coco, &own, 16, "is no path inside");
}

LAC_TEST(captions_that_are_wrong_are_skipped)
{
    heard h;
    lac_pack_counts n;
    const char *f = copied("coco");
    lac_pack_coco_own own = coco_of(f, (lac_object_wishes){ 0 });
    own.captions = join(f, "annotations/captions_val2017.json");
    change(own.captions, "\"caption\": \"caption 0", "\"Caption\": \"caption 0");
    check_skip(&lac_format_coco, &own, 5, "captions_val2017.json', annotations[0]: 'caption' is missing");
    put(own.captions, "[]");
    LAC_CHECK_FAILS(pack(&lac_format_coco, &own, "validation", false, &h, &n), LAC_ERR_FORMAT, "captions_val2017.json': 'annotations' is missing, expected a list");
}

LAC_TEST(a_bad_line_of_openimages_costs_itself)
{
    static const struct { const char *file, *from, *to, *says; } bad[] = {
        { "validation-annotations-object-segmentation.csv", "/m/01yrx", "/m/xxxxx", "segmentation.csv', line 2: 'LabelName' is '/m/xxxxx', which '" },
        { "validation-annotations-object-segmentation.csv", "5d62b736,0.2", "5d62b736,0.9", "segmentation.csv', line 2: '" },
        { "validation-annotations-object-segmentation.csv", "5d62b736,0.2", "5d62b736,x0.2", "segmentation.csv', line 2: 'BoxXMin' is 'x0.2" },
        { "validation-annotations-object-segmentation.csv", "5d62b736,", "5d62b736,1,", "segmentation.csv', line 2: " },
        { "oidv6-class-descriptions.csv", "/m/01yrx", "/m/01yrx,1", "class-descriptions.csv', line 2: " },
        { "validation-images-with-rotation.csv", ",90.0", ",north", "validation-images-with-rotation.csv', line " },
    };
    heard h;
    lac_pack_counts n;
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        const char *f = copied("openimages");
        change(join(f, bad[i].file), bad[i].from, bad[i].to);
        LAC_CHECK_STATUS(pack_oi(f, "validation", (lac_object_wishes){ 0 }, &h, &n));
        if (h.n < 1 || n.skipped != h.n || strstr(h.why[0], bad[i].says) == NULL)
            fail_msg("%d: %d skipped, '%s', expected '%s'", (int)i, h.n, h.why[0], bad[i].says);
        LAC_CHECK(n.pictures == 4);          /* another object of the picture takes the place */
    }
}

LAC_TEST(files_of_openimages_that_are_missing_are_named)
{
    heard h;
    lac_pack_counts n;
    const char *f = copied("openimages");
    char command[2400];
    LAC_CHECK_FAILS(pack_oi(f, "test", (lac_object_wishes){ 0 }, &h, &n), LAC_ERR_IO,
                    "has no table of masks: looked for test-annotations-object-segmentation.csv and test/labels/segmentations.csv");
    LAC_CHECK_FAILS(pack_oi(f, NULL, (lac_object_wishes){ 0 }, &h, &n), LAC_ERR_ARG, "and --split, as validation");
    snprintf(command, sizeof command, "rm '%s'/validation-masks-a/*", f);
    LAC_CHECK(system(command) == 0);
    LAC_CHECK_STATUS(pack_oi(f, "validation", (lac_object_wishes){ 0 }, &h, &n));
    LAC_CHECK(n.pictures == 3 && n.skipped == h.n && h.n == 3 && strstr(h.why[0], "validation-masks-a/a0") != NULL);
    snprintf(command, sizeof command, "rm '%s'/validation/*.jpg", f);
    LAC_CHECK(system(command) == 0 && unlink(target()) == 0);
    LAC_CHECK_FAILS(pack_oi(f, "validation", (lac_object_wishes){ 0 }, &h, &n), LAC_ERR_FORMAT, "none of the 6 pictures could be read");
    LAC_CHECK(access(target(), F_OK) != 0);
}

LAC_TEST(wishes_that_do_not_go_together_are_refused)
{
    static const struct { lac_object_wishes w; const char *says; } bad[] = {
        { { .masks = "boxes" }, "--masks is segmentation or box, got 'boxes'" }, { { .masks = "box", .dilate = 1 }, "--dilate is for segmentations" },
        { { .size = 5000 }, "--size is at most 4096" }, { { .size = 64, .max_side = 64 }, "--size and --max-side" }, { { .every = true, .limit = 1 }, "--every takes all" },
        { { .dilate = 5000 }, "--dilate is at most 1024" },
    };
    heard h;
    lac_pack_counts n;
    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        LAC_CHECK_FAILS(pack_coco(join(layouts(), "coco"), bad[i].w, &h, &n), LAC_ERR_ARG, bad[i].says);
    LAC_CHECK_FAILS(pack(&lac_format_coco, &(lac_pack_coco_own){ 0 }, NULL, false, &h, &n), LAC_ERR_ARG, "wants --images");
    LAC_CHECK_FAILS(pack_oi(NULL, "validation", (lac_object_wishes){ 0 }, &h, &n), LAC_ERR_ARG, "wants --root");
}

LAC_TEST(a_picture_with_several_objects_is_stored_once)
{
    heard h;
    lac_pack_counts n;
    lac_set *set;
    LAC_CHECK_STATUS(pack_coco(join(layouts(), "coco"), (lac_object_wishes){ .per_picture = 3 }, &h, &n));
    LAC_CHECK_STATUS(lac_set_open(&set, target()));
    for (int64_t i = 1; i < lac_set_count(set); i++) {
        const lac_record a = lac_set_record(set, i - 1), b = lac_set_record(set, i);
        LAC_CHECK((a.group == b.group) == (a.offset == b.offset));
    }
    lac_set_close(set);
}
