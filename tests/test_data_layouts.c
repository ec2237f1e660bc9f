/* Published layouts of benchmarks and shards, beside what Pillow and NumPy find in them (tests/golden/layouts.py); then each file broken in turn. */
#include "core/file/atomic.h"
#include "core/memory.h"
#include "data/format.h"
#include "data/pack_brushbench.h"
#include "data/pack_editbench.h"
#include "data/pack_folder.h"
#include "tests/harness/pictures.h"
#include "tests/harness/test.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct heard { int n; char why[16][512], note[512]; } heard;

static void hear(void *context, const char *name, const char *why)
{
    heard *h = context;
    (void)name;
    if (h->n < 16)
        snprintf(h->why[h->n], sizeof h->why[0], "%s", why);
    h->n++;
}

static void hear_note(void *context, const char *text)
{
    heard *h = context;
    snprintf(h->note + strlen(h->note), sizeof h->note - strlen(h->note), "%s; ", text);
}

/* The committed file sets; a copy that may be broken. */
static const char *layouts(void) { return lac_test_golden("layouts"); }

static const char *copied(const char *name)
{
    static char folder[512];
    char command[1200];
    snprintf(folder, sizeof folder, "%s/%s", lac_test_folder(), name);
    snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s/%s' '%s'", folder, layouts(), name, folder);
    LAC_CHECK(system(command) == 0);
    return folder;
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    LAC_CHECK_STATUS(lac_file_write(path, text, strlen(text)));
}

static const char *target(void)
{
    static char path[512];
    if (path[0] == '\0')
        snprintf(path, sizeof path, "%s/set.h5", lac_test_folder());
    return path;
}

static lac_status pack(const lac_pack_format *f, const void *own, const char *source, heard *h, lac_pack_counts *counts)
{
    *h = (heard){ 0 };
    const lac_pack_options options = { .skipped = hear, .note = hear_note, .context = h, .own = own };
    return lac_pack_run(f, &source, source != NULL, target(), &options, counts);
}

/* One thing is skipped, by one line that says `why`; with `strict` nothing is written. */
static void check_skip(const lac_pack_format *f, const void *own, const char *source, int64_t left, const char *why)
{
    heard h;
    lac_pack_counts counts;
    LAC_CHECK_STATUS(pack(f, own, source, &h, &counts));
    if (h.n != 1 || counts.skipped != 1 || counts.pictures != left || strstr(h.why[0], why) == NULL || strchr(h.why[0], '\n') != NULL)
        fail_msg("%d skipped, %d pictures, '%s' '%s', expected '%s'", h.n, (int)counts.pictures, h.why[0], h.why[1], why);
    unlink(target());
    LAC_CHECK_FAILS(lac_pack_run(f, &source, source != NULL, target(), &(lac_pack_options){ .strict = true, .own = own }, &counts), LAC_ERR_FORMAT, why);
    LAC_CHECK(access(target(), F_OK) != 0);
}

/* ---- beside Pillow */

static void hex_of(const uint8_t *bytes, int64_t n, char hex[LAC_SHA256_HEX])
{
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256_of(bytes, (size_t)n, digest);
    lac_sha256_hex(digest, hex);
}

static void check_parts(const lac_set *set, int64_t id, const json_t *wanted)
{
    int64_t first;
    uint8_t *bytes = NULL;
    size_t room = 0;
    char hex[LAC_SHA256_HEX];
    const json_t *captions = json_object_get(wanted, "captions"), *masks = json_object_get(wanted, "masks");
    LAC_CHECK(lac_set_parts(set, id, LAC_PART_CAPTION, &first) == (int64_t)json_array_size(captions));
    for (size_t k = 0; k < json_array_size(captions); k++) {
        const char *text = json_string_value(json_array_get(captions, k));
        LAC_CHECK_STATUS(lac_set_read_part(set, first + (int64_t)k, &bytes, &room));
        LAC_CHECK(lac_set_part(set, first + (int64_t)k).length == (int64_t)strlen(text) && memcmp(bytes, text, strlen(text)) == 0);
    }
    LAC_CHECK(lac_set_parts(set, id, LAC_PART_OBJECT, &first) == (int64_t)json_array_size(masks));
    for (size_t k = 0; k < json_array_size(masks); k++) {
        lac_image mask;
        LAC_CHECK_STATUS(lac_set_read_part(set, first + (int64_t)k, &bytes, &room));
        LAC_CHECK_STATUS(lac_image_decode(&mask, bytes, (size_t)lac_set_part(set, first + (int64_t)k).length, 1, "a mask"));
        for (int64_t i = 0; i < mask.height * mask.width; i++)
            mask.pixels[i] = mask.pixels[i] >= 128;
        hex_of(mask.pixels, mask.height * mask.width, hex);
        LAC_CHECK(strcmp(hex, json_string_value(json_array_get(masks, k))) == 0);
        lac_image_free(&mask);
    }
    free(bytes);
}

static void check_record(const lac_set *set, int64_t id, const json_t *wanted)
{
    lac_image image;
    char hex[LAC_SHA256_HEX];
    const lac_record r = lac_set_record(set, id);
    LAC_CHECK(strcmp(r.name, json_string_value(json_object_get(wanted, "name"))) == 0);
    LAC_CHECK(strcmp(r.split, json_string_value(json_object_get(wanted, "split"))) == 0);
    LAC_CHECK_STATUS(lac_set_decode(set, id, 3, &image));
    hex_of(image.pixels, 3 * image.height * image.width, hex);
    LAC_CHECK(strcmp(hex, json_string_value(json_object_get(wanted, "pixels"))) == 0);
    lac_image_free(&image);
    check_parts(set, id, wanted);
}

/* Packs, and compares with expected.json's `name`. */
static void check_layout(const lac_pack_format *f, const void *own, const char *source, const char *name, heard *h)
{
    char path[1024];
    lac_pack_counts counts;
    lac_set *set;
    snprintf(path, sizeof path, "%s/expected.json", layouts());
    json_t *all = json_load_file(path, 0, NULL), *wanted = json_object_get(all, name);
    LAC_CHECK(json_array_size(wanted) > 1);
    LAC_CHECK_STATUS(pack(f, own, source, h, &counts));
    LAC_CHECK_STATUS(lac_verify(target(), NULL, NULL, &(lac_verified){ 0 }));
    LAC_CHECK_STATUS(lac_set_open(&set, target()));
    LAC_CHECK(counts.skipped == 0 && lac_set_count(set) == (int64_t)json_array_size(wanted));
    for (int64_t i = 0; i < lac_set_count(set); i++)
        check_record(set, i, json_array_get(wanted, (size_t)i));
    lac_set_close(set);
    json_decref(all);
}

static char *below(const char *name)
{
    static char path[4][1024];
    static int turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", layouts(), name);
    return p;
}

LAC_TEST(brushbench_has_the_masks_of_its_task)
{
    heard h;
    lac_pack_brushbench_own own = { .root = below("brushbench"), .task = "inside" };
    check_layout(&lac_format_brushbench, &own, NULL, "inside", &h);
    own.task = "outside";
    check_layout(&lac_format_brushbench, &own, NULL, "outside", &h);
}

LAC_TEST(editbench_finds_out_which_colour_is_the_hole)
{
    heard h;
    lac_pack_editbench_own own = { .root = below("editbench") };
    check_layout(&lac_format_editbench, &own, NULL, "editbench", &h);
    LAC_CHECK(strstr(h.note, "masks_natural: white is hole (white: ") != NULL && strstr(h.note, "masks_generated: black is hole (white: ") != NULL);
    own.size = 40, own.prompt = "prompt_mask-simple";
    check_layout(&lac_format_editbench, &own, NULL, "editbench-40", &h);
}

LAC_TEST(editbench_in_brushbenchs_layout_is_read_as_such)
{
    heard h;
    const char *folder = copied("brushbench");
    const lac_pack_editbench_own own = { .root = folder }, resized = { .root = folder, .size = 64 };
    char command[1200];
    lac_pack_counts counts;
    check_layout(&lac_format_editbench, &own, NULL, "inside", &h);
    snprintf(command, sizeof command, "sed -i 's/\"inpainting_mask\"/\"mask\"/g' '%s/mapping_file.json'", folder);
    LAC_CHECK(system(command) == 0);
    check_layout(&lac_format_editbench, &own, NULL, "inside", &h);
    LAC_CHECK_FAILS(pack(&lac_format_editbench, &resized, NULL, &h, &counts), LAC_ERR_ARG, "--size go with annotation files");
}

/* ---- what is wrong */

static const char *const good = "\"image\": \"images/000000000.jpg\", \"caption\": \"one\", \"inpainting_mask\": [1, 5]";

static void check_mapping(const char *folder, const char *entry, const char *why)
{
    char text[1000];
    const lac_pack_brushbench_own own = { folder, "inside" };
    snprintf(text, sizeof text, "{\"a\": {%s},\n \"b\": %s}", good, entry);
    put(folder, "mapping_file.json", text);
    check_skip(&lac_format_brushbench, &own, NULL, 1, why);
}

LAC_TEST(a_sample_of_brushbench_that_is_wrong_is_named)
{
    const char *folder = copied("brushbench");
    check_mapping(folder, "3", "mapping_file.json: b': it is an integer, expected an object");
    check_mapping(folder, "{}", "mapping_file.json: b': 'image' is missing, expected a string");
    check_mapping(folder, "{\"image\": \"images/000000001.jpg\", \"caption\": null}", "b': 'caption' is null, expected a string");
    check_mapping(folder, "{\"image\": \"images/000000001.jpg\", \"caption\": \"x\"}", "b': 'inpainting_mask' is missing, expected a list");
    check_mapping(folder, "{\"image\": \"images/000000001.jpg\", \"caption\": \"x\", \"inpainting_mask\": [1, \"2\"]}", "inpainting_mask[1] is a string");
    check_mapping(folder, "{\"image\": \"images/000000001.jpg\", \"caption\": \"x\", \"inpainting_mask\": [1, 2, 3]}", "'inpainting_mask': 3 numbers are no pairs");
    check_mapping(folder, "{\"image\": \"images/000000001.jpg\", \"caption\": \"x\", \"inpainting_mask\": [262144, 2]}", "pair 0 is (262144, 2)");
    check_mapping(folder, "{\"image\": \"images/000000001.jpg\", \"caption\": \"x\", \"inpainting_mask\": []}", "an empty hole");
    check_mapping(folder, "{\"image\": \"../x.jpg\", \"caption\": \"x\", \"inpainting_mask\": [1, 2]}", "'../x.jpg' is no path inside");
    check_mapping(folder, "{\"image\": \"images/gone.jpg\", \"caption\": \"x\", \"inpainting_mask\": [1, 2]}", "images/gone.jpg'");
    char path[1024];
    snprintf(path, sizeof path, "%s/images/small.jpg", folder);
    LAC_CHECK_STATUS(lac_test_picture_file(path, 500, 512, 1));
    check_mapping(folder, "{\"image\": \"images/small.jpg\", \"caption\": \"x\", \"inpainting_mask\": [1, 2]}", "is 500 x 512 pixels, expected 512 x 512");
}

LAC_TEST(a_mapping_that_is_no_mapping_is_an_error)
{
    heard h;
    lac_pack_counts counts;
    const char *folder = copied("brushbench");
    const lac_pack_brushbench_own own = { folder, "inside" }, other = { folder, "insid" }, none = { NULL, "inside" };
    put(folder, "mapping_file.json", "{\"a\":\n 1,}");
    LAC_CHECK_FAILS(pack(&lac_format_brushbench, &own, NULL, &h, &counts), LAC_ERR_FORMAT, "mapping_file.json', line 2: ");
    put(folder, "mapping_file.json", "[]");
    LAC_CHECK_FAILS(pack(&lac_format_brushbench, &own, NULL, &h, &counts), LAC_ERR_FORMAT, "mapping_file.json' is a list, expected an object");
    LAC_CHECK_FAILS(pack(&lac_format_brushbench, &other, NULL, &h, &counts), LAC_ERR_ARG, "--task inside or --task outside, got insid");
    LAC_CHECK_FAILS(pack(&lac_format_brushbench, &none, NULL, &h, &counts), LAC_ERR_ARG, "wants --root");
}

static const char *const header = "aos,prompt_full,prompt_mask-simple,prompt_mask-rich\n";

static void check_annotations(const char *folder, const char *rows, int64_t left, const char *why)
{
    char text[1000];
    const lac_pack_editbench_own own = { .root = folder };
    snprintf(text, sizeof text, "%s%s", header, rows);
    put(folder, "annotations_natural.csv", text);
    check_skip(&lac_format_editbench, &own, NULL, left, why);
}

LAC_TEST(a_row_of_editbench_that_is_wrong_is_named)
{
    char path[1024];
    const char *folder = copied("editbench");
    check_annotations(folder, "n0,a,b,c\nn1,a,b\n", 3, "annotations_natural.csv', line 3: 3 fields, expected 4");
    check_annotations(folder, "n0,a,b,c\nn0,a,b,c\n", 3, "annotations_natural.csv', line 3: 'n0' stands in line 2 too");
    check_annotations(folder, "../n0,a,b,c\nn1,a,b,c\n", 3, "line 2: '../n0' is no name of a picture");
    check_annotations(folder, "n0,a,b,c\nn2,\"a\n\",b,c\n", 3, "line 3: cannot open '");
    check_annotations(folder, "n0,,b,c\n", 3, "annotations_natural.csv, line 2': caption of no bytes");
    snprintf(path, sizeof path, "%s/masks_natural/n1.png", folder);
    LAC_CHECK_STATUS(lac_test_picture_file(path, 96, 90, 1));
    check_annotations(folder, "n0,a,b,c\nn1,a,b,c\n", 3, "line 3: the mask is 96 x 90 pixels, its picture 96 x 96");
    LAC_CHECK(truncate(path, 60) == 0);
    check_annotations(folder, "n0,a,b,c\nn1,a,b,c\n", 3, "masks_natural/n1.png'");
    snprintf(path, sizeof path, "%s/annotations_natural.csv", folder);
    LAC_CHECK(unlink(path) == 0);
    check_skip(&lac_format_editbench, &(lac_pack_editbench_own){ .root = folder }, NULL, 2, "there is no '");
}

LAC_TEST(editbench_that_cannot_be_told_is_an_error)
{
    heard h;
    lac_pack_counts counts;
    lac_image half = { 0 };
    char path[1024];
    const char *folder = copied("editbench");
    lac_pack_editbench_own own = { .root = folder, .prompt = "prompt" };
    LAC_CHECK_FAILS(pack(&lac_format_editbench, &own, NULL, &h, &counts), LAC_ERR_FORMAT, "has no column 'prompt'; its columns are aos, prompt_full, ");
    LAC_CHECK_STATUS(lac_image_new(&half, 96, 96, 1));
    memset(half.pixels, 255, 96 * 25);
    for (int y = 0; y < 96; y++)
        memset(half.pixels + 96 * y, 255, 25), half.pixels[96 * y + 95] = 255;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/masks_natural/n%d.png", folder, i);
        LAC_CHECK_STATUS(lac_image_save_png(&half, path));
    }
    lac_image_free(&half);
    own.prompt = NULL;
    LAC_CHECK_FAILS(pack(&lac_format_editbench, &own, NULL, &h, &counts), LAC_ERR_FORMAT, "say --holes white or --holes black");
    own.holes = "white";
    LAC_CHECK_STATUS(pack(&lac_format_editbench, &own, NULL, &h, &counts));
    LAC_CHECK(counts.pictures == 4 && h.note[0] == '\0');
    own.holes = "grey";
    LAC_CHECK_FAILS(pack(&lac_format_editbench, &own, NULL, &h, &counts), LAC_ERR_ARG, "--holes is white or black, got 'grey'");
    own = (lac_pack_editbench_own){ .root = layouts() };
    LAC_CHECK_FAILS(pack(&lac_format_editbench, &own, NULL, &h, &counts), LAC_ERR_ARG, "holds neither annotations_natural.csv");
}

/* ---- lists, and masks beside pictures */

LAC_TEST(lists_of_places_and_faces_are_followed)
{
    heard h;
    lac_pack_folder_own own = { .root = below("places/val_large"), .split_by_place = true };
    check_layout(&lac_format_folder, &own, below("places/places365_val.txt"), "places", &h);
    own = (lac_pack_folder_own){ .root = below("celebahq/data256x256"), .split_by_place = true, .from_zero = true };
    check_layout(&lac_format_folder, &own, below("celebahq/test.flist"), "celebahq", &h);
}

LAC_TEST(masks_beside_pictures_are_their_holes)
{
    heard h;
    lac_set *set;
    const lac_pack_folder_own own = { .masks = true };
    check_layout(&lac_format_folder, &own, below("lama"), "lama", &h);
    LAC_CHECK_STATUS(lac_set_open(&set, target()));
    LAC_CHECK(lac_set_record(set, 0).group == 0 && lac_set_record(set, 1).group == 0 && lac_set_record(set, 2).group == 2);
    lac_set_close(set);
}

static void check_list(const char *text, const lac_pack_folder_own *own, int64_t left, const char *why)
{
    const char *folder = copied("places");
    char list[1024];
    put(folder, "my.flist", text);
    snprintf(list, sizeof list, "%s/my.flist", folder);
    check_skip(&lac_format_folder, own, list, left, why);
}

LAC_TEST(a_line_of_a_list_that_is_wrong_is_named)
{
    const lac_pack_folder_own none = { 0 }, zero = { .from_zero = true };
    heard h;
    lac_pack_counts counts;
    check_list("val_large/Places365_val_00000001.jpg\n\ngone.jpg\n", &none, 1, "my.flist', line 3: cannot open '");
    check_list("val_large/Places365_val_00000001.jpg 3\nval_large/Places365_val_00000001.jpg 4\n", &none, 1, "my.flist', line 2: 'val_large/Places365_val_00000001.jpg' stands in line 1 too");
    check_list("val_large/Places365_val_00000001.jpg\nval_large/Places365_val_00000002.jpg x\n", &none, 1, "line 2: cannot open '");
    const char *folder = copied("celebahq");
    char list[1024];
    put(folder, "data256x256/my.flist", "1.jpg\nface.jpg\n");
    snprintf(list, sizeof list, "%s/data256x256/my.flist", folder);
    check_skip(&lac_format_folder, &zero, list, 1, "my.flist', line 2: 'face.jpg' is no number with an ending");
    LAC_CHECK_FAILS(pack(&lac_format_folder, &(lac_pack_folder_own){ .masks = true }, list, &h, &counts), LAC_ERR_ARG, "--masks is for folders");
}

/* A leading slash is the root's where there is such a file, as in Places365's own lists. */
LAC_TEST(a_path_from_the_top_may_be_the_roots)
{
    const char *folder = copied("places");
    char list[1024], text[1200];
    heard h;
    lac_pack_counts counts;
    const lac_pack_folder_own own = { .root = folder };
    snprintf(text, sizeof text, "/val_large/Places365_val_00000003.jpg 0\r\n%s/val_large/Places365_val_00000001.jpg\r\n", folder);
    put(folder, "my.flist", text);
    snprintf(list, sizeof list, "%s/my.flist", folder);
    LAC_CHECK_STATUS(pack(&lac_format_folder, &own, list, &h, &counts));
    LAC_CHECK(counts.pictures == 2 && h.n == 0);
}

LAC_TEST(masks_without_pictures_and_pictures_without_masks_are_named)
{
    const lac_pack_folder_own own = { .masks = true };
    const char *folder = copied("lama");
    char path[1024];
    snprintf(path, sizeof path, "%s/random_thick_512/c_crop000.png", folder);
    LAC_CHECK_STATUS(lac_test_picture_file(path, 30, 40, 1));
    check_skip(&lac_format_folder, &own, folder, 3, "c_crop000.png' has no mask beside it");
    snprintf(path, sizeof path, "%s/random_thick_512/c_crop000_mask000.png", folder);
    LAC_CHECK_STATUS(lac_test_picture_file(path, 31, 40, 1));
    check_skip(&lac_format_folder, &own, folder, 3, "c_crop000_mask000.png' is 31 x 40 pixels, its picture 30 x 40");
    LAC_CHECK(truncate(path, 50) == 0);
    check_skip(&lac_format_folder, &own, folder, 3, "c_crop000_mask000.png'");
    snprintf(path, sizeof path, "%s/random_thick_512/c_crop000.png", folder);
    LAC_CHECK(unlink(path) == 0);
    check_skip(&lac_format_folder, &own, folder, 3, "c_crop000_mask000.png' is a mask without a picture");
}

/* ---- shards */

static lac_status pack_shards(const char *const *paths, int n, heard *h, lac_pack_counts *counts)
{
    *h = (heard){ 0 };
    return lac_pack_run(&lac_format_brushdata, paths, n, target(), &(lac_pack_options){ .skipped = hear, .context = h }, counts);
}

LAC_TEST(brushdata_shards_hold_what_pillow_finds)
{
    const char *folder = copied("brushdata");
    char path[2][1024], command[2400];
    lac_pack_counts counts;
    heard h;
    lac_set *set;
    json_t *all = json_load_file(below("expected.json"), 0, NULL), *wanted = json_object_get(all, "brushdata");
    snprintf(command, sizeof command, "gzip '%s/00001.tar'", folder);
    LAC_CHECK(system(command) == 0);
    snprintf(path[0], sizeof path[0], "%s/00000.tar", folder);
    snprintf(path[1], sizeof path[1], "%s/00001.tar.gz", folder);
    LAC_CHECK_STATUS(pack_shards((const char *const[]){ path[0], path[1] }, 2, &h, &counts));
    LAC_CHECK_STATUS(lac_set_open(&set, target()));
    LAC_CHECK(counts.skipped == 0 && lac_set_count(set) == 4 && strcmp(lac_set_record(set, 3).source, "00001.tar.gz") == 0);
    for (int64_t i = 0; i < 4; i++)
        check_record(set, i, json_array_get(wanted, (size_t)i));
    lac_set_close(set);
    json_decref(all);
}

/* A tar in the making: POSIX headers, checksums and blocks. */
typedef struct tar { FILE *f; char path[1024]; } tar;

static void tar_open(tar *t)
{
    snprintf(t->path, sizeof t->path, "%s/made.tar", lac_test_folder());
    t->f = fopen(t->path, "wb");
    LAC_CHECK(t->f != NULL);
}

static void tar_add(tar *t, const char *name, const void *bytes, size_t size)
{
    char header[512] = "", zeros[512] = "";
    unsigned sum = 0;
    snprintf(header, 100, "%s", name);
    snprintf(header + 100, 8, "%07o", 0644);
    snprintf(header + 124, 12, "%011o", (unsigned)size);
    memcpy(header + 148, "        ", 8);
    header[156] = name[strlen(name) - 1] == '/' ? '5' : '0';
    memcpy(header + 257, "ustar\00000", 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    LAC_CHECK(fwrite(header, 512, 1, t->f) == 1 && fwrite(bytes, 1, size, t->f) == size);
    LAC_CHECK(size % 512 == 0 || fwrite(zeros, 512 - size % 512, 1, t->f) == 1);
}

static void tar_text(tar *t, const char *name, const char *text) { tar_add(t, name, text, strlen(text)); }

/* A sample of 20 x 30; a field given as "name=text" is another, as "name" alone is left out. */
static void tar_sample(tar *t, const char *key, const char *other)
{
    static const char *const usual[][2] = { { "caption", "a thing" }, { "height", "20" }, { "width", "30\n" }, { "segmentation", "{\"mask\": [[1, 5], [100, 7, 200, 1]]}" } };
    lac_image image;
    uint8_t *bytes;
    size_t size;
    char name[200];
    const char *is = strchr(other, '=');
    const size_t n = is != NULL ? (size_t)(is - other) : strlen(other);
    LAC_CHECK_STATUS(lac_test_picture(&image, 20, 30, 3, 1));
    LAC_CHECK_STATUS(lac_image_encode_png(&image, &bytes, &size));
    lac_image_free(&image);
    snprintf(name, sizeof name, "%s.image", key);
    if (n != 5 || strncmp(other, "image", n) != 0)
        tar_add(t, name, bytes, size);
    else if (is != NULL)
        tar_text(t, name, is + 1);
    for (size_t i = 0; i < LAC_COUNT(usual); i++) {
        const bool own = n == strlen(usual[i][0]) && strncmp(other, usual[i][0], n) == 0;
        snprintf(name, sizeof name, "%s.%s", key, usual[i][0]);
        if (!own || is != NULL)
            tar_text(t, name, own ? is + 1 : usual[i][1]);
    }
    free(bytes);
}

static void tar_close(tar *t)
{
    const char zeros[1024] = "";
    LAC_CHECK(fwrite(zeros, sizeof zeros, 1, t->f) == 1 && fclose(t->f) == 0);
}

/* Three samples, the second of which has a field of its own. */
static void check_shard(const char *other, int64_t left, const char *why)
{
    tar t;
    tar_open(&t);
    tar_text(&t, "folder/", "");
    tar_sample(&t, "folder/a", "");
    tar_sample(&t, "folder/b", other);
    tar_sample(&t, "c", "");
    tar_close(&t);
    check_skip(&lac_format_brushdata, NULL, t.path, left, why);
}

LAC_TEST(a_sample_of_a_shard_that_is_wrong_is_named)
{
    check_shard("image", 2, "made.tar: folder/b': it has no image");
    check_shard("segmentation", 2, "made.tar: folder/b': it has no segmentation");
    check_shard("caption", 2, "it has no caption");
    check_shard("height=2x", 2, "made.tar: folder/b': height is '2x', expected a number of pixels");
    check_shard("width=31", 2, "made.tar: folder/b': 'image' is 20 x 30 pixels, expected 20 x 31");
    check_shard("image=GIF89a", 2, "made.tar: folder/b': 'image'");
    check_shard("caption=", 3, "made.tar: folder/b': caption of no bytes");
    check_shard("segmentation={\n\"mask\": [1, }", 2, "made.tar: folder/b': segmentation, line 2: ");
    check_shard("segmentation=[]", 2, "'mask' of its segmentation is missing, expected a list");
    check_shard("segmentation={\"mask\": [[1, 2], [1, 2, 3]]}", 3, "made.tar: folder/b, mask 1': 3 numbers are no pairs");
    check_shard("segmentation={\"mask\": [[601, 1]]}", 3, "folder/b, mask 0': pair 0 is (601, 1)");
    check_shard("segmentation={\"mask\": [{}]}", 3, "folder/b, mask 0': 'mask' is an object, expected a list");
    check_shard("segmentation={\"mask\": [[]]}", 3, "folder/b, mask 0': its mask is empty");
}

LAC_TEST(members_that_are_no_samples_are_named)
{
    tar t;
    tar_open(&t);
    tar_sample(&t, "a", "");
    tar_text(&t, "README", "hello");
    tar_sample(&t, "b", "");
    tar_close(&t);
    check_skip(&lac_format_brushdata, NULL, t.path, 2, "made.tar', 'README': expected a name KEY.FIELD");
    tar_open(&t);
    tar_sample(&t, "a", "");
    tar_text(&t, "b.caption", "one");
    tar_text(&t, "b.caption", "two");
    tar_text(&t, "b.width", "3");
    tar_sample(&t, "c", "");
    tar_close(&t);
    check_skip(&lac_format_brushdata, NULL, t.path, 2, "made.tar', 'b.caption': it is there twice");
    tar_open(&t);
    tar_sample(&t, "a", "");
    tar_sample(&t, "b", "");
    tar_sample(&t, "a", "");
    tar_close(&t);
    check_skip(&lac_format_brushdata, NULL, t.path, 2, "made.tar: a': a sample of that key is in '");
}

/* A shard that breaks off anywhere, or is damaged, costs what it must: what was whole before is there, and one line says where it ends. */
LAC_TEST(a_damaged_shard_costs_what_is_damaged)
{
    tar t;
    char *bytes, cut[1024];
    size_t size;
    heard h;
    lac_pack_counts counts;
    tar_open(&t);
    tar_sample(&t, "a", "");
    const long second = ftell(t.f);
    tar_sample(&t, "b", "");
    const long third = ftell(t.f);
    tar_sample(&t, "c", "");
    tar_close(&t);
    LAC_CHECK_STATUS(lac_file_read(t.path, 1 << 20, &bytes, &size));
    snprintf(cut, sizeof cut, "%s/cut.tar", lac_test_folder());
    for (size_t n = (size_t)second + 600; n < (size_t)third; n += 211) {
        LAC_CHECK_STATUS(lac_file_write(cut, bytes, n));
        LAC_CHECK_STATUS(pack_shards((const char *const[]){ cut, layouts() }, 1, &h, &counts));
        LAC_CHECK(counts.pictures == 1 && counts.skipped == 1 && h.n == 1 && strstr(h.why[0], "cut.tar") != NULL);
    }
    memset(bytes + second + 512 * ((third - second) / 512 - 2) + 148, '7', 6);      /* the checksum of the second sample's last header */
    LAC_CHECK_STATUS(lac_file_write(cut, bytes, size));
    check_skip(&lac_format_brushdata, NULL, cut, 2, "behind 'b.width': damaged; 'b' is lost, reading goes on at 'c.image'");
    LAC_CHECK_STATUS(lac_file_write(cut, "no archive at all", 17));
    LAC_CHECK_FAILS(pack_shards((const char *const[]){ cut }, 1, &h, &counts), LAC_ERR_FORMAT, "cut.tar': ");
    LAC_CHECK_STATUS(pack_shards((const char *const[]){ cut, t.path }, 2, &h, &counts));
    LAC_CHECK(counts.pictures == 3 && counts.skipped == 1);
    LAC_CHECK_FAILS(pack_shards((const char *const[]){ "/nowhere/00182.tar" }, 1, &h, &counts), LAC_ERR_IO, "cannot open '/nowhere/00182.tar'");
    free(bytes);
}
