#include "core/image/grid.h"
#include "core/image/paste.h"

#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

/* Pixel (y, x), channel c holds 20 y + 3 x + c. */
static lac_image numbered(int64_t height, int64_t width, int channels)
{
    lac_image image;
    LAC_CHECK_STATUS(lac_image_new(&image, height, width, channels));
    for (int64_t i = 0; i < height * width * channels; i++)
        image.pixels[i] = (uint8_t)(20 * (i / channels / width) + 3 * (i / channels % width) + i % channels);
    return image;
}

static uint8_t at(const lac_image *image, int64_t y, int64_t x, int c) { return image->pixels[(y * image->width + x) * image->channels + c]; }

LAC_TEST(crop_takes_the_right_pixels)
{
    lac_image image = numbered(5, 7, 3), part;
    LAC_CHECK_STATUS(lac_image_crop(&part, &image, 1, 2, 3, 5));
    LAC_CHECK(part.height == 3 && part.width == 5 && part.channels == 3);
    LAC_CHECK(at(&part, 0, 0, 0) == 26 && at(&part, 2, 4, 2) == 60 + 18 + 2);
    lac_image_free(&part);
    LAC_CHECK_FAILS(lac_image_crop(&part, &image, 3, 0, 3, 3), LAC_ERR_ARG, "inside 5 x 7");
    LAC_CHECK_FAILS(lac_image_crop(&part, &image, -1, 0, 3, 3), LAC_ERR_ARG, "row -1");
    LAC_CHECK_FAILS(lac_image_crop(&part, &image, 0, INT64_MAX, 3, 3), LAC_ERR_ARG, "inside");
    lac_image_free(&image);
}

LAC_TEST(flip_mirrors_each_row)
{
    for (int64_t w = 1; w <= 6; w++) {
        lac_image image = numbered(2, w, 3);
        lac_image_flip(&image);
        for (int64_t x = 0; x < w; x++)
            LAC_CHECK(at(&image, 1, x, 2) == 20 + 3 * (w - 1 - x) + 2);
        lac_image_free(&image);
    }
}

LAC_TEST(padding_mirrors_images_and_clears_masks)
{
    lac_image image = numbered(3, 5, 1), to;
    LAC_CHECK_STATUS(lac_image_pad(&to, &image, 8));
    LAC_CHECK(to.height == 8 && to.width == 8);
    static const uint8_t row[] = { 0, 3, 6, 9, 12, 12, 9, 6 }, column[] = { 0, 20, 40, 40, 20, 0, 0, 20 };
    for (int i = 0; i < 8; i++)
        LAC_CHECK(at(&to, 0, i, 0) == row[i] && at(&to, i, 0, 0) == column[i] && at(&to, i, i, 0) == row[i] + column[i]);
    lac_image_free(&to);
    LAC_CHECK_STATUS(lac_mask_pad(&to, &image, 4));
    LAC_CHECK(to.height == 4 && to.width == 8 && at(&to, 2, 4, 0) == 52 && at(&to, 2, 5, 0) == 0 && at(&to, 3, 1, 0) == 0);
    lac_image_free(&to);
    LAC_CHECK_FAILS(lac_image_pad(&to, &image, 0), LAC_ERR_ARG, "multiple of 0");
    lac_image_free(&image);
}

LAC_TEST(paste_touches_the_hole_alone)
{
    lac_image source = numbered(4, 3, 3), predicted, mask, to;
    LAC_CHECK_STATUS(lac_image_new(&predicted, 4, 3, 3));
    LAC_CHECK_STATUS(lac_image_new(&mask, 4, 3, 1));
    memset(predicted.pixels, 200, 36);
    mask.pixels[4] = 1, mask.pixels[11] = 255;
    LAC_CHECK_STATUS(lac_image_paste(&to, &source, &mask, &predicted));
    for (int i = 0; i < 36; i++)
        LAC_CHECK(to.pixels[i] == (mask.pixels[i / 3] ? 200 : source.pixels[i]));
    lac_image_free(&to);
    mask.width = 2;
    LAC_CHECK_FAILS(lac_image_paste(&to, &source, &mask, &predicted), LAC_ERR_SHAPE, "mask 4 x 2");
    mask.width = 3, predicted.channels = 1;
    LAC_CHECK_FAILS(lac_image_paste(&to, &source, &mask, &predicted), LAC_ERR_SHAPE, "prediction 4 x 3 x 1");
    lac_image_free(&source);
    lac_image_free(&predicted);
    lac_image_free(&mask);
}

LAC_TEST(bytes_survive_the_way_to_unit_and_back)
{
    uint8_t all[256], back[256], cut[256];
    float unit[256];
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    lac_bytes_to_unit(unit, all, 256);
    lac_unit_to_bytes(back, unit, 256);
    lac_unit_to_bytes_cut(cut, unit, 256);
    LAC_CHECK(unit[0] == -1.0f && unit[255] == 1.0f);
    for (int i = 0; i < 256; i++)
        LAC_CHECK(back[i] == i && fabs(unit[i] - (i / 127.5 - 1)) < 1.2e-7 && (cut[i] == i || cut[i] == i - 1));
    const float odd[] = { -9.0f, 9.0f, NAN, INFINITY, -INFINITY, 0.0f, 100.7f / 127.5f - 1.0f };
    static const uint8_t rounded[] = { 0, 255, 0, 255, 0, 128, 101 }, truncated[] = { 0, 255, 0, 255, 0, 127, 100 };
    lac_unit_to_bytes(back, odd, 7);
    lac_unit_to_bytes_cut(cut, odd, 7);
    LAC_CHECK(memcmp(back, rounded, 7) == 0 && memcmp(cut, truncated, 7) == 0);
}

LAC_TEST(grid_puts_pictures_side_by_side)
{
    lac_image picture[5] = { numbered(2, 3, 3), numbered(4, 2, 1), { 0 }, numbered(1, 1, 4), numbered(2, 2, 3) }, sheet;
    LAC_CHECK_STATUS(lac_image_grid(&sheet, picture, 5, 2, 1));
    LAC_CHECK(sheet.height == 1 + 4 + 1 + 1 + 1 + 2 + 1 && sheet.width == 1 + 3 + 1 + 2 + 1 && sheet.channels == 3);
    LAC_CHECK(at(&sheet, 0, 0, 0) == 255 && at(&sheet, 1, 1, 2) == 2 && at(&sheet, 2, 3, 1) == 27 && at(&sheet, 3, 1, 0) == 255);
    LAC_CHECK(at(&sheet, 4, 6, 0) == 63 && at(&sheet, 4, 6, 2) == 63);           /* grey in all three */
    LAC_CHECK(at(&sheet, 6, 1, 0) == 255 && at(&sheet, 6, 5, 1) == 1 && at(&sheet, 9, 2, 0) == 23 && at(&sheet, 9, 5, 0) == 255);
    lac_image_free(&sheet);
    LAC_CHECK_FAILS(lac_image_grid(&sheet, picture, 0, 2, 1), LAC_ERR_ARG, "0 pictures");
    for (int i = 0; i < 5; i++)
        lac_image_free(&picture[i]);
}
