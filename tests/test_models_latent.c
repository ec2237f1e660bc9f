/* What latent inpainting networks are told: rules that `lacuna probe` does not show yet. */
#include "core/image/feather.h"
#include "models/latent/condition.h"

#include "tests/harness/test.h"

#include <stdlib.h>
#include <string.h>

/* 32 x 32, white from (9, 9) to (18, 18). */
static lac_image square(void)
{
    lac_image mask;
    LAC_CHECK_STATUS(lac_image_new(&mask, 32, 32, 1));
    for (int64_t y = 9; y < 18; y++)
        memset(mask.pixels + 32 * y + 9, 255, 9);
    return mask;
}

LAC_TEST(a_latent_mask_is_by_the_rule_that_is_named)
{
    static const struct { lac_latent_mask rule; const char *cells; } wanted[] = {
        { LAC_LATENT_MASK_NEAREST, "0000" "0000" "0010" "0000" },            /* pixels 0, 8, 16, 24 */
        { LAC_LATENT_MASK_CENTRE, "0000" "0100" "0000" "0000" },             /* pixels 4, 12, 20, 28 */
        { LAC_LATENT_MASK_HALF, "0000" "0100" "0000" "0000" },               /* Pillow: 183, and 60 beside it */
        { LAC_LATENT_MASK_ANY_TOUCH, "0110" "1110" "1110" "0000" },
    };
    lac_image mask = square();
    float cells[16];
    for (size_t i = 0; i < LAC_COUNT(wanted); i++) {
        LAC_CHECK_STATUS(lac_latent_mask_make(cells, 4, 4, &mask, wanted[i].rule));
        for (int64_t k = 0; k < 16; k++)
            LAC_CHECK(cells[k] == (float)(wanted[i].cells[k] - '0'));
    }
    lac_image_free(&mask);
}

LAC_TEST(a_hole_shows_what_its_fill_says)
{
    const uint8_t picture[6] = { 0, 51, 255, 255, 0, 51 }, hole[2] = { 0, 1 };
    const float in_hole[] = { [LAC_HOLE_FILL_GREY] = 0, [LAC_HOLE_FILL_BLACK] = -1, [LAC_HOLE_FILL_KEEP] = 1 };
    for (lac_hole_fill fill = LAC_HOLE_FILL_GREY; fill <= LAC_HOLE_FILL_KEEP; fill++) {
        float x[6];
        lac_masked_picture(x, picture, hole, 2, fill);
        LAC_CHECK(x[0] == -1 && x[2] == 1 && x[3] == in_hole[fill]);
    }
}

LAC_TEST(a_soft_border_lies_outside_the_hole_and_takes_no_other_size)
{
    lac_image mask = square(), source = { 0 }, predicted = { 0 }, result = { 0 }, other = { 0 };
    LAC_CHECK_STATUS(lac_image_new(&source, 32, 32, 3));
    LAC_CHECK_STATUS(lac_image_new(&predicted, 32, 32, 3));
    LAC_CHECK_STATUS(lac_image_new(&other, 32, 31, 3));
    memset(predicted.pixels, 200, 32 * 32 * 3);
    LAC_CHECK_STATUS(lac_image_paste_feathered(&result, &source, &mask, &predicted));
    LAC_CHECK(result.pixels[3 * (32 * 12 + 12)] == 200 && result.pixels[3 * (32 * 12 + 29)] == 0);
    LAC_CHECK(result.pixels[3 * (32 * 12 + 18)] > result.pixels[3 * (32 * 12 + 22)] && result.pixels[3 * (32 * 12 + 22)] > 0);
    lac_image_free(&result);
    LAC_CHECK_FAILS(lac_image_paste_feathered(&result, &source, &mask, &other), LAC_ERR_SHAPE, "32 x 31");
    LAC_CHECK(result.pixels == NULL);
    lac_image_free(&source);
    lac_image_free(&predicted);
    lac_image_free(&other);
    lac_image_free(&mask);
}
