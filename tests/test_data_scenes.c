/* `lacuna pack scenes`: what stands in the set, and that it depends on the seed and the number alone. */
#include "core/threads.h"
#include "data/pack_scenes.h"
#include "tests/harness/objects.h"
#include "tests/harness/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* lac_set_path tells where. */
static lac_status pack(const char *name, const lac_pack_scenes_own *own, lac_set **set)
{
    char out[512];
    lac_pack_counts n;
    snprintf(out, sizeof out, "%s/%s", lac_test_folder(), name);
    LAC_TRY(lac_pack_run(&lac_format_scenes, NULL, 0, out, &(lac_pack_options){ .own = own }, &n));
    return set != NULL ? lac_set_open(set, out) : LAC_OK;
}

static const char *text_of(const lac_set *set, int64_t i)
{
    static char text[LAC_CAPTION_BYTES];
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    LAC_CHECK_STATUS(lac_set_read_part(set, i, &bytes, &capacity));
    snprintf(text, sizeof text, "%.*s", (int)lac_set_part(set, i).length, (const char *)bytes);
    free(bytes);
    return text;
}

/* An object's box is its mask's, no two masks overlap, the copy without it differs wherever the mask is but for what looks alike behind. */
static void check_objects(const lac_set *set, int64_t id, int64_t side)
{
    int64_t at, edited_at;
    lac_image picture, covered;
    const int64_t n = lac_set_parts(set, id, LAC_PART_OBJECT, &at);
    LAC_CHECK(n >= 2 && n <= 3 && lac_set_parts(set, id, LAC_PART_EDITED, &edited_at) == n);
    LAC_CHECK_STATUS(lac_set_decode(set, id, 3, &picture));
    LAC_CHECK_STATUS(lac_image_new(&covered, side, side, 1));
    for (int64_t i = 0; i < n; i++) {
        char wanted[LAC_LABEL_BYTES];
        lac_image mask = lac_test_part(set, at + i, 1), without = lac_test_part(set, edited_at + i, 3);
        const lac_box box = lac_set_part(set, at + i).box, around = lac_box_around(mask.pixels, side, side);
        int64_t in = 0, same = 0;
        for (int64_t k = 0; k < side * side; k++) {
            covered.pixels[k] = (uint8_t)(covered.pixels[k] + (mask.pixels[k] != 0));
            in += mask.pixels[k] != 0;
            same += mask.pixels[k] != 0 && memcmp(&picture.pixels[3 * k], &without.pixels[3 * k], 3) == 0;
            LAC_CHECK(covered.pixels[k] <= 1);
        }
        LAC_CHECK(memcmp(&box, &around, sizeof box) == 0 && same * 10 < in);
        snprintf(wanted, sizeof wanted, "remove the %s", lac_set_part(set, at + i).label);
        LAC_CHECK(strcmp(wanted, lac_set_part(set, edited_at + i).label) == 0);
        lac_image_free(&mask);
        lac_image_free(&without);
    }
    lac_image_free(&picture);
    lac_image_free(&covered);
}

static void check_words(const lac_set *set, int64_t id)
{
    int64_t at, caption, relation;
    char names[LAC_CAPTION_BYTES] = "";
    const int64_t n = lac_set_parts(set, id, LAC_PART_OBJECT, &at);
    for (int64_t i = 0; i < n; i++) {
        strcat(names, i > 0 ? " and " : "");
        strcat(names, lac_set_part(set, at + i).label);
    }
    LAC_CHECK(lac_set_parts(set, id, LAC_PART_CAPTION, &caption) == 2);
    LAC_CHECK(strcmp(text_of(set, caption), names) == 0 && strncmp(text_of(set, caption + 1), "a ", 2) == 0);
    const int64_t n_relations = lac_set_parts(set, id, LAC_PART_RELATION, &relation);
    for (int64_t i = relation; i < relation + n_relations; i++) {
        int64_t subject, object;
        const char *const label = lac_set_part(set, i).label;
        LAC_CHECK(sscanf(text_of(set, i), "%" SCNd64 " %" SCNd64, &subject, &object) == 2 && subject < n && object < n && subject != object);
        const lac_box a = lac_set_part(set, at + subject).box, b = lac_set_part(set, at + object).box;
        const float to_right = (a.left + a.width / 2) - (b.left + b.width / 2), lower = (a.top + a.height) - (b.top + b.height);
        LAC_CHECK(strcmp(label, "left of") != 0 || to_right < 8);           /* perspective and hidden parts move a little */
        LAC_CHECK(strcmp(label, "right of") != 0 || to_right > -8);
        LAC_CHECK(strcmp(label, "in front of") != 0 || lower > -8);
        LAC_CHECK(strcmp(label, "behind") != 0 || lower < 8);
    }
}

LAC_TEST(scenes_have_masks_boxes_labels_captions_and_relations)
{
    lac_set *set;
    lac_verified found;
    LAC_CHECK_STATUS(pack("pairs.h5", &(lac_pack_scenes_own){ .size = 48, .count = 16, .objects = "2-3", .pairs = true }, &set));
    LAC_CHECK(lac_set_count(set) == 16 + 2 + 2 + 2);
    for (int64_t id = 0; id < lac_set_count(set); id++) {
        check_objects(set, id, 48);
        check_words(set, id);
        for (int64_t other = 0; other < id; other++)
            LAC_CHECK(lac_set_record(set, id).group != lac_set_record(set, other).group
                      && memcmp(lac_set_record(set, id).digest, lac_set_record(set, other).digest, LAC_SHA256_SIZE) != 0);
    }
    LAC_CHECK_STATUS(lac_verify(lac_set_path(set), NULL, NULL, &found));
    lac_set_close(set);
}

/* The last two words of a label. */
static const char *identity(const char *label)
{
    const char *at = strrchr(label, ' ');
    while (at > label && at[-1] != ' ')
        at--;
    return at;
}

LAC_TEST(unseen_scenes_have_identities_that_the_others_have_not)
{
    lac_set *set;
    LAC_CHECK_STATUS(pack("unseen.h5", &(lac_pack_scenes_own){ .size = 32, .count = 64 }, &set));
    int64_t n = 0;
    for (int64_t a = 0; a < lac_set_part_count(set); a++)
        for (int64_t b = 0; b < lac_set_part_count(set); b++) {
            const lac_part p = lac_set_part(set, a), q = lac_set_part(set, b);
            if (p.kind != LAC_PART_OBJECT || q.kind != LAC_PART_OBJECT || strcmp(lac_set_record(set, p.record).split, "unseen") != 0
                || strcmp(lac_set_record(set, q.record).split, "unseen") == 0)
                continue;
            n++;
            LAC_CHECK(strcmp(identity(p.label), identity(q.label)) != 0);
        }
    LAC_CHECK(n > 100);
    lac_set_close(set);
}

LAC_TEST(scenes_are_a_function_of_seed_and_number)
{
    lac_set *few, *many, *other;
    const int threads = lac_threads();
    lac_threads_set(1);
    LAC_CHECK_STATUS(pack("few.h5", &(lac_pack_scenes_own){ .size = 32, .count = 8 }, &few));
    lac_threads_set(2);
    LAC_CHECK_STATUS(pack("more.h5", &(lac_pack_scenes_own){ .size = 32, .count = 16 }, &many));
    lac_threads_set(threads);
    LAC_CHECK_STATUS(pack("other.h5", &(lac_pack_scenes_own){ .size = 32, .count = 8, .seed = 1 }, &other));
    for (int64_t i = 0; i < 8; i++) {
        LAC_CHECK(memcmp(lac_set_record(few, i).digest, lac_set_record(many, i).digest, LAC_SHA256_SIZE) == 0);
        LAC_CHECK(memcmp(lac_set_record(few, i).digest, lac_set_record(other, i).digest, LAC_SHA256_SIZE) != 0);
    }
    lac_set_close(few);
    lac_set_close(many);
    lac_set_close(other);
}

LAC_TEST(scenes_say_what_they_cannot_make)
{
    LAC_CHECK_FAILS(pack("x.h5", &(lac_pack_scenes_own){ .size = 16 }, NULL), LAC_ERR_ARG, "--size is from 32 to 1024 pixels, found 16");
    LAC_CHECK_FAILS(pack("x.h5", &(lac_pack_scenes_own){ .count = 10000001 }, NULL), LAC_ERR_ARG, "--count is at most 10000000");
    const char *const bad[] = { "0", "0-3", "4-2", "2-9", "9", "two", "1-", "1-2x", "", "-3" };
    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        LAC_CHECK_FAILS(pack("x.h5", &(lac_pack_scenes_own){ .objects = bad[i] }, NULL), LAC_ERR_ARG, "--objects is MIN-MAX");
}
