/* `lacuna pack collage`: what its pictures are made of, and that they depend on the seed and the number alone. */
#include "data/loader.h"
#include "data/mask_source.h"
#include "data/pack_collage.h"
#include "tests/harness/objects.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *source(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/source.h5", lac_test_folder());
    lac_test_objects(path);
    return path;
}

static lac_status pack(const char *from, const char *name, const lac_pack_collage_own *own, lac_set **set)
{
    char out[512];
    lac_pack_counts n;
    snprintf(out, sizeof out, "%s/%s", lac_test_folder(), name);
    LAC_TRY(lac_pack_run(&lac_format_collage, &from, 1, out, &(lac_pack_options){ .own = own }, &n));
    return set != NULL ? lac_set_open(set, out) : LAC_OK;
}

/* Nothing but the objects differs from the ground, each lies in its box and touches all four sides of it, no two overlap. */
static void check_record(const lac_set *set, int64_t id)
{
    int64_t ground_at, at, caption_at;
    lac_image picture;
    const int64_t n = lac_set_parts(set, id, LAC_PART_OBJECT, &at);
    LAC_CHECK(n >= 1 && n <= 3 && lac_set_parts(set, id, LAC_PART_EDITED, &ground_at) == 1 && lac_set_parts(set, id, LAC_PART_CAPTION, &caption_at) == 1);
    LAC_CHECK_STATUS(lac_set_decode(set, id, 3, &picture));
    lac_image ground = lac_test_part(set, ground_at, 3), covered;
    LAC_CHECK_STATUS(lac_image_new(&covered, 48, 48, 1));
    for (int64_t i = at; i < at + n; i++) {
        lac_image mask = lac_test_part(set, i, 1);
        const lac_box b = lac_set_part(set, i).box;
        bool side[4] = { 0 };
        for (int64_t k = 0; k < 48 * 48; k++)
            if (mask.pixels[k] != 0) {
                const float y = (float)(k / 48), x = (float)(k % 48);
                LAC_CHECK(covered.pixels[k]++ == 0 && y >= b.top && y < b.top + b.height && x >= b.left && x < b.left + b.width);
                side[0] |= y == b.top, side[1] |= x == b.left, side[2] |= y == b.top + b.height - 1, side[3] |= x == b.left + b.width - 1;
            }
        LAC_CHECK(side[0] && side[1] && side[2] && side[3]);
        lac_image_free(&mask);
    }
    int64_t away = 0, soft = 0;
    for (int64_t k = 0; k < 48 * 48; k++)
        if (memcmp(picture.pixels + 3 * k, ground.pixels + 3 * k, 3) != 0)
            covered.pixels[k] != 0 ? away++ : soft++;
    LAC_CHECK(away > 0 && soft < away);                     /* an edge that is less than half covered is not the mask's */
    lac_image_free(&picture);
    lac_image_free(&ground);
    lac_image_free(&covered);
}

LAC_TEST(collage_lays_objects_on_grounds_of_the_split)
{
    lac_set *set;
    LAC_CHECK_STATUS(pack(source(), "many.h5", &(lac_pack_collage_own){ .size = 48, .count = 24, .objects = 3, .pairs = true }, &set));
    LAC_CHECK(lac_set_count(set) == 24 + 3 + 3);
    for (int64_t id = 0; id < lac_set_count(set); id++) {
        const lac_record r = lac_set_record(set, id);
        int64_t at;
        check_record(set, id);
        const int64_t n = lac_set_parts(set, id, LAC_PART_OBJECT, &at);
        const bool unseen = strcmp(r.split, "unseen") == 0;
        LAC_CHECK(r.group == (unseen ? 8 : strcmp(r.split, "val") == 0 ? 7 : r.group == 5 ? 5 : 6));
        for (int64_t i = at; i < at + n; i++)
            LAC_CHECK((strcmp(lac_set_part(set, i).label, "moon") == 0) == unseen);
    }
    lac_set_close(set);
}

LAC_TEST(collage_is_a_function_of_seed_and_number)
{
    lac_set *few, *many, *other;
    LAC_CHECK_STATUS(pack(source(), "few.h5", &(lac_pack_collage_own){ .size = 32, .count = 8 }, &few));
    LAC_CHECK_STATUS(pack(source(), "more.h5", &(lac_pack_collage_own){ .size = 32, .count = 16 }, &many));
    LAC_CHECK_STATUS(pack(source(), "other.h5", &(lac_pack_collage_own){ .size = 32, .count = 8, .seed = 1 }, &other));
    int same = 0;
    for (int64_t i = 0; i < 8; i++) {
        LAC_CHECK(memcmp(lac_set_record(few, i).digest, lac_set_record(many, i).digest, LAC_SHA256_SIZE) == 0);
        same += memcmp(lac_set_record(few, i).digest, lac_set_record(other, i).digest, LAC_SHA256_SIZE) == 0;
    }
    LAC_CHECK(same == 0);
    lac_set_close(few);
    lac_set_close(many);
    lac_set_close(other);
}

/* The source has no photograph of test_near. */
LAC_TEST(rendered_grounds_are_drawn_apart_and_groups_of_their_own)
{
    lac_set *few, *many;
    LAC_CHECK_STATUS(pack(source(), "rendered.h5", &(lac_pack_collage_own){ .size = 48, .count = 16, .grounds = "rendered", .objects = 3, .pairs = true }, &many));
    LAC_CHECK_STATUS(pack(source(), "rendered-few.h5", &(lac_pack_collage_own){ .size = 48, .count = 8, .grounds = "rendered", .objects = 3, .pairs = true }, &few));
    LAC_CHECK(lac_set_count(many) == 16 + 2 + 2 + 2);
    lac_image ground[22];
    for (int64_t id = 0; id < 22; id++) {
        int64_t at;
        const lac_record r = lac_set_record(many, id);
        check_record(many, id);
        LAC_CHECK(strcmp(r.source, "scenes") == 0 && lac_set_parts(many, id, LAC_PART_EDITED, &at) == 1);
        ground[id] = lac_test_part(many, at, 3);
        for (int64_t k = 0; k < id; k++)
            LAC_CHECK(r.group != lac_set_record(many, k).group && memcmp(ground[id].pixels, ground[k].pixels, 48 * 48 * 3) != 0);
    }
    for (int64_t id = 0; id < 22; id++)
        lac_image_free(&ground[id]);
    for (int64_t id = 0; id < 8; id++)
        LAC_CHECK(memcmp(lac_set_record(few, id).digest, lac_set_record(many, id).digest, LAC_SHA256_SIZE) == 0 && lac_set_record(few, id).group == lac_set_record(many, id).group);
    lac_set_close(few);
    lac_set_close(many);
    LAC_CHECK_FAILS(pack(source(), "bad.h5", &(lac_pack_collage_own){ .grounds = "painted" }, NULL), LAC_ERR_ARG, "'painted'");
}

LAC_TEST(collage_of_labels_and_captions)
{
    lac_set *set;
    LAC_CHECK_STATUS(pack(source(), "labels.h5", &(lac_pack_collage_own){ .size = 32, .count = 8, .labels = "ball,disc" }, &set));
    LAC_CHECK(lac_set_count(set) == 8 + 1);                 /* no moon among the labels: nothing unseen */
    for (int64_t id = 0; id < lac_set_count(set); id++) {
        int64_t object, caption;
        uint8_t *text = NULL;
        size_t capacity = 0;
        LAC_CHECK(lac_set_parts(set, id, LAC_PART_OBJECT, &object) == 1 && lac_set_parts(set, id, LAC_PART_CAPTION, &caption) == 1);
        const lac_part said = lac_set_part(set, caption), thing = lac_set_part(set, object);
        LAC_CHECK_STATUS(lac_set_read_part(set, caption, &text, &capacity));
        LAC_CHECK(strcmp(thing.label, "red disc") != 0 && (size_t)said.length == strlen(thing.label) && memcmp(text, thing.label, strlen(thing.label)) == 0);
        free(text);
    }
    lac_set_close(set);
}

static void nth_mask(const lac_set *set, const char *word, int64_t n, uint8_t mask[24 * 24])
{
    static const char *const fields[] = { "image", "mask", NULL };
    const lac_source source = { set, "train", 1 };
    lac_loader *l;
    const lac_batch *b;
    LAC_CHECK_STATUS(lac_loader_new(&l, &(lac_loader_config){ .source = &source, .n_sources = 1, .view = { .size = 24, .crop = LAC_CROP_RANDOM }, .fields = fields,
                                                              .mask = word, .around = true, .stream = "train", .global = 1, .count = 1 }));
    LAC_CHECK_STATUS(lac_loader_seek(l, n));
    LAC_CHECK_STATUS(lac_loader_next(l, &b));
    memcpy(mask, lac_batch_field(b, "mask")->data, 24 * 24);
    lac_loader_free(l);
}

/* Each sample's hole is one of the words', both are drawn, and the object is the one that either alone would have drawn. */
LAC_TEST(a_hole_may_be_one_of_several_words)
{
    enum { SAMPLES = 24 };
    lac_set *set;
    uint8_t disc[24 * 24], box[24 * 24], either[24 * 24];
    int discs = 0;
    LAC_CHECK_STATUS(pack(source(), "choices.h5", &(lac_pack_collage_own){ .size = 32, .count = 2 }, &set));
    for (int64_t i = 0; i < SAMPLES; i++) {
        nth_mask(set, "object", i, disc);
        nth_mask(set, "object-box", i, box);
        nth_mask(set, "object|object-box", i, either);
        LAC_CHECK(memcmp(disc, either, sizeof disc) == 0 || memcmp(box, either, sizeof box) == 0);
        discs += memcmp(disc, either, sizeof disc) == 0;
    }
    LAC_CHECK(discs > SAMPLES / 6 && discs < SAMPLES - SAMPLES / 6);
    lac_set_close(set);
}

LAC_TEST(several_words_are_words)
{
    lac_mask_source *m;
    LAC_CHECK_FAILS(lac_mask_source_open(&m, "object|", 24, NULL, NULL, NULL), LAC_ERR_CONFIG, "has an empty one");
    LAC_CHECK_FAILS(lac_mask_source_open(&m, "rect|brsh", 24, NULL, NULL, NULL), LAC_ERR_CONFIG, "brush");
    LAC_CHECK_FAILS(lac_mask_source_open(&m, "rect|rect|rect|rect|rect", 24, NULL, NULL, NULL), LAC_ERR_CONFIG, "4 words at most");
    LAC_CHECK(!lac_mask_source_of_record("object|object-box"));
}

/* The rectangle around a disc: it holds the disc, every side of it touches it, and the corners are its own. */
LAC_TEST(a_hole_may_be_the_box_of_an_object)
{
    lac_set *set;
    uint8_t disc[24 * 24], box[24 * 24];
    int row[24] = { 0 }, column[24] = { 0 }, more = 0;
    LAC_CHECK_STATUS(pack(source(), "boxes.h5", &(lac_pack_collage_own){ .size = 32, .count = 1 }, &set));
    nth_mask(set, "object", 0, disc);
    nth_mask(set, "object-box", 0, box);
    for (int k = 0; k < 24 * 24; k++) {
        row[k / 24] |= disc[k];
        column[k % 24] |= disc[k];
    }
    for (int k = 0; k < 24 * 24; k++) {
        LAC_CHECK(box[k] == (row[k / 24] && column[k % 24]));        /* a disc has no gaps */
        more += box[k] != disc[k];
    }
    LAC_CHECK(more > 0);
    lac_set_close(set);
}

LAC_TEST(collage_says_what_it_cannot_make)
{
    const char *const from = source();
    LAC_CHECK_FAILS(pack(from, "x.h5", &(lac_pack_collage_own){ .labels = "cat" }, NULL), LAC_ERR_FORMAT, "0 objects of these labels");
    LAC_CHECK_FAILS(pack(from, "x.h5", &(lac_pack_collage_own){ .size = 8 }, NULL), LAC_ERR_ARG, "--size");
    LAC_CHECK_FAILS(pack(from, "x.h5", &(lac_pack_collage_own){ .objects = 9 }, NULL), LAC_ERR_ARG, "--objects");
    LAC_CHECK_FAILS(pack(from, "x.h5", &(lac_pack_collage_own){ .count = 10000001 }, NULL), LAC_ERR_ARG, "--count");
    LAC_CHECK_FAILS(pack("/nowhere.h5", "x.h5", &(lac_pack_collage_own){ 0 }, NULL), LAC_ERR_IO, "/nowhere.h5");
}
