/* The committed evaluation masks: what they promise, that they are as they were, and that the rule makes them again. */
#include "core/image/image.h"
#include "data/make_masks.h"
#include "tests/harness/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const lac_mask_rule rule = { "union", 56, { 64, 128, 256 }, 0.20, 0.45, 3 };
static const uint64_t fnv[] = { 0x840afa2752cc0e8d, 0x1b3c91dda2378886, 0x2b3122051c2f9084 };       /* of the pixels, from data/masks/README.md */

static void load(lac_image *image, int which)
{
    char path[512];
    snprintf(path, sizeof path, "%s/data/masks/union-56-seed3-%" PRId64 ".png", lac_test_source(), rule.size[which]);
    LAC_CHECK_STATUS(lac_image_load(image, path, 1));
    LAC_CHECK(image->width == rule.size[which] && image->height == 56 * image->width);
}

LAC_TEST(committed_masks_never_change)
{
    for (int i = 0; i < 3; i++) {
        lac_image image = { 0 };
        uint64_t h = 0xcbf29ce484222325u;
        load(&image, i);
        for (int64_t k = 0; k < image.height * image.width; k++)
            h = (h ^ image.pixels[k]) * 0x100000001b3u;
        LAC_CHECK(h == fnv[i]);
        lac_image_free(&image);
    }
}

LAC_TEST(committed_masks_cover_20_to_45_per_cent_and_differ)
{
    lac_image image = { 0 };
    load(&image, 0);
    const int64_t pixels = 64 * 64;
    for (int64_t m = 0; m < 56; m++) {
        int64_t holes = 0;
        for (int64_t k = 0; k < pixels; k++)
            holes += image.pixels[m * pixels + k] == 255;
        LAC_CHECK(holes * 100 >= 20 * pixels && holes * 100 <= 45 * pixels);
        for (int64_t other = 0; other < m; other++)
            LAC_CHECK(memcmp(image.pixels + m * pixels, image.pixels + other * pixels, (size_t)pixels) != 0);
    }
    lac_image_free(&image);
}

LAC_TEST(the_rule_makes_the_committed_masks_again)
{
    for (int i = 0; i < 3; i++) {
        lac_image image = { 0 };
        uint8_t *masks;
        load(&image, i);
        LAC_CHECK_STATUS(lac_draw_masks(&rule, i, &masks));
        LAC_CHECK(memcmp(masks, image.pixels, (size_t)(image.height * image.width)) == 0);
        free(masks);
        lac_image_free(&image);
    }
}

LAC_TEST(masks_are_written_one_file_a_size)
{
    const char *folder = lac_test_folder();
    char path[512];
    lac_image image = { 0 };
    const lac_mask_rule two = { "rect", 2, { 16, 32 }, 0.1, 0.3, 9 };
    LAC_CHECK_STATUS(lac_make_masks(&two, folder));
    snprintf(path, sizeof path, "%s/rect-2-seed9-32.png", folder);
    LAC_CHECK_STATUS(lac_image_load(&image, path, 1));
    LAC_CHECK(image.width == 32 && image.height == 64);
    lac_image_free(&image);
}

LAC_TEST(rules_that_cannot_be_kept_are_refused)
{
    const char *folder = lac_test_folder();
    lac_mask_rule r = { "rect", 1, { 16 }, 0.9, 1, 1 };     /* no rectangle covers 90 % */
    LAC_CHECK_FAILS(lac_make_masks(&r, folder), LAC_ERR_ARG, "covers 0.9 to 1 of the picture");
    r.min = 2;
    LAC_CHECK_FAILS(lac_make_masks(&r, folder), LAC_ERR_ARG, "min <= max");
    r.size[0] = 0;
    LAC_CHECK_FAILS(lac_make_masks(&r, folder), LAC_ERR_ARG, "got 0 sizes");
    r.kind = "blob";
    LAC_CHECK_FAILS(lac_make_masks(&r, folder), LAC_ERR_CONFIG, "no mask generator 'blob'");
}
