#include "data/mask.h"

#include "data/capsule.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>

enum { MAX = 256 };

static void make(uint8_t *mask, int64_t height, int64_t width, const char *name, const lac_mask_params *p, uint32_t step)
{
    const lac_mask_kind *kind;
    lac_stream s = lac_stream_at(17, lac_purpose("mask"), step, 3);
    LAC_CHECK_STATUS(lac_mask_named(&kind, name));
    LAC_CHECK_STATUS(lac_mask_make(mask, height, width, kind, p, &s));
}

/* Mean and deviation of the area in per cent over `draws` masks of 256 x 256. */
static void area_of(const char *name, int draws, double *mean, double *deviation)
{
    static uint8_t mask[MAX * MAX];
    const lac_mask_params p = lac_mask_defaults();
    double sum = 0, squares = 0;
    for (int i = 0; i < draws; i++) {
        make(mask, MAX, MAX, name, &p, (uint32_t)i);
        const double a = 100.0 * (double)lac_mask_area(mask, MAX * MAX) / (MAX * MAX);
        sum += a;
        squares += a * a;
    }
    *mean = sum / draws;
    *deviation = sqrt(squares / draws - *mean * *mean);
}

/* The published statistics; over 6000 draws the mean of the widest, the brush, has a standard error of 0.1. */
LAC_TEST(areas_are_those_of_the_published_generators)
{
    double mean, deviation;
    area_of("rect", 6000, &mean, &deviation);
    LAC_CHECK(fabs(mean - 19.1) < 0.2 && fabs(deviation - 2.4) < 0.2);
    area_of("brush", 6000, &mean, &deviation);
    LAC_CHECK(mean > 14.7 && mean < 15.5 && fabs(deviation - 7.9) < 0.3);
    area_of("union", 6000, &mean, &deviation);
    LAC_CHECK(fabs(mean - 31.0) < 0.4 && fabs(deviation - 6.9) < 0.3);
}

/* As measured on LaMa's own generator; over 2000 draws the widest has a standard error of 0.5. */
LAC_TEST(areas_are_those_of_lama)
{
    static const struct { const char *name; double mean; } published[] = {
        { "lama-thin", 27 }, { "lama-medium", 24 }, { "lama-thick", 41 }, { "lama-train", 35 },
    };
    for (size_t i = 0; i < LAC_COUNT(published); i++) {
        double mean, deviation;
        area_of(published[i].name, 2000, &mean, &deviation);
        if (fabs(mean - published[i].mean) > 2)
            fail_msg("%s: mean area %.1f, published %.0f", published[i].name, mean, published[i].mean);
    }
}

typedef struct box { int64_t top, left, height, width; } box;

static box bounds(const uint8_t *mask, int64_t height, int64_t width)
{
    int64_t top = height, left = width, bottom = -1, right = -1;
    for (int64_t i = 0; i < height * width; i++)
        if (mask[i]) {
            top = LAC_MIN(top, i / width);
            bottom = LAC_MAX(bottom, i / width);
            left = LAC_MIN(left, i % width);
            right = LAC_MAX(right, i % width);
        }
    return (box){ top, left, bottom - top + 1, right - left + 1 };
}

/* At 256: sides 96 to 128 in steps of 2, the uncut rectangle's corner at 0 to 127; every case occurs. */
LAC_TEST(rectangles_have_the_published_geometry)
{
    static uint8_t mask[MAX * MAX];
    const lac_mask_params p = lac_mask_defaults();
    int sides[129] = { 0 };
    int64_t lowest = MAX, highest = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        make(mask, MAX, MAX, "rect", &p, i);
        const box b = bounds(mask, MAX, MAX);
        LAC_CHECK(lac_mask_area(mask, MAX * MAX) == b.height * b.width);
        LAC_CHECK(b.height >= 96 && b.height <= 128 && b.height % 2 == 0 && b.width >= 96 && b.width <= 128 && b.width % 2 == 0);
        sides[b.height]++;
        const int64_t uncut = b.top - (128 - b.height) / 2;
        lowest = LAC_MIN(lowest, uncut);
        highest = LAC_MAX(highest, uncut);
    }
    LAC_CHECK(lowest == 0 && highest == 127);
    for (int side = 96; side <= 128; side += 2)
        LAC_CHECK(sides[side] > 150 && sides[side] < 330);          /* 4000 / 17 = 235, deviation 15 */
}

LAC_TEST(rectangles_scale_with_the_image)
{
    static uint8_t mask[64 * 96];
    lac_mask_params p = lac_mask_defaults();
    for (uint32_t i = 0; i < 200; i++) {
        make(mask, 64, 96, "rect", &p, i);
        const box b = bounds(mask, 64, 96);
        LAC_CHECK(b.height >= 24 && b.height <= 32 && b.width >= 36 && b.width <= 48);
    }
    p.rect = (lac_rect_params){ .height = 0.25f, .width = 0.25f, .delta = 0, .margin = 0.25f };
    for (uint32_t i = 0; i < 200; i++) {
        make(mask, 64, 96, "rect", &p, i);
        const box b = bounds(mask, 64, 96);
        LAC_CHECK(b.height == 16 && b.width == 24 && b.top >= 16 && b.top + 16 <= 48 && b.left >= 24 && b.left + 24 <= 72);
    }
}

LAC_TEST(capsules_are_what_lies_near_a_segment)
{
    static const struct { lac_point a, b; float radius; } cases[] = {
        { { 10, 5 }, { 30, 18 }, 4.5f }, { { 3, 3 }, { 3, 3 }, 6 }, { { -10, 25 }, { 60, 31 }, 2 }, { { 39, 0 }, { 39, 30 }, 1 },
    };
    for (size_t k = 0; k < LAC_COUNT(cases); k++) {
        uint8_t mask[32 * 40] = { 0 };
        const lac_point a = cases[k].a, b = cases[k].b;
        lac_capsule_draw(&(lac_canvas){ mask, 32, 40 }, a, b, cases[k].radius);
        for (int i = 0; i < 32 * 40; i++) {
            double nearest = 1e9;                                   /* the segment as a thousand points */
            for (int t = 0; t <= 1000; t++)
                nearest = fmin(nearest, hypot(i % 40 - (a.x + (b.x - a.x) * t / 1000.0), i / 40 - (a.y + (b.y - a.y) * t / 1000.0)));
            if (fabs(nearest - (double)cases[k].radius) > 0.01)     /* the edge itself may fall either way */
                LAC_CHECK(mask[i] == (nearest < (double)cases[k].radius));
        }
    }
}

static bool is_mirror(const uint8_t *a, const uint8_t *b, int64_t height, int64_t width, bool sideways, bool upside_down)
{
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            if (a[y * width + x] != b[(upside_down ? height - 1 - y : y) * width + (sideways ? width - 1 - x : x)])
                return false;
    return true;
}

LAC_TEST(flip_fix_mirrors_the_same_strokes)
{
    enum { H = 60, W = 90 };
    static uint8_t coded[H * W], fixed[H * W];
    lac_mask_params p = lac_mask_defaults();
    int seen[4] = { 0 };
    for (uint32_t i = 0; i < 100; i++) {
        p.brush.flip_fix = false;
        make(coded, H, W, "brush", &p, i);
        p.brush.flip_fix = true;
        make(fixed, H, W, "brush", &p, i);
        int k = 0;
        while (k < 4 && !is_mirror(coded, fixed, H, W, k & 1, k & 2))
            k++;
        LAC_CHECK(k < 4);
        seen[k]++;
    }
    for (int k = 0; k < 4; k++)
        LAC_CHECK(seen[k] > 10);
}

/* As coded, strokes drift to the right; with the coins both halves are equally covered. */
LAC_TEST(flip_fix_balances_left_and_right)
{
    enum { S = 64 };
    static uint8_t mask[S * S];
    lac_mask_params p = lac_mask_defaults();
    for (int fix = 0; fix < 2; fix++) {
        double right = 0, all = 0;
        p.brush.flip_fix = fix;
        for (uint32_t i = 0; i < 3000; i++) {
            make(mask, S, S, "brush", &p, i);
            for (int y = 0; y < S; y++)
                right += (double)lac_mask_area(mask + y * S + S / 2, S / 2);
            all += (double)lac_mask_area(mask, S * S);
        }
        LAC_CHECK(fix ? fabs(right / all - 0.5) < 0.02 : right / all > 0.55);
    }
}

LAC_TEST(a_union_is_both)
{
    enum { S = 96 };
    static uint8_t both[S * S], brush[S * S];
    const lac_mask_params p = lac_mask_defaults();
    for (uint32_t i = 0; i < 50; i++) {
        make(both, S, S, "union", &p, i);
        make(brush, S, S, "brush", &p, i);
        int64_t beside = 0;
        for (int k = 0; k < S * S; k++) {
            LAC_CHECK(both[k] >= brush[k]);
            beside += both[k] > brush[k];
            brush[k] = (uint8_t)(both[k] > brush[k]);
        }
        const box b = bounds(brush, S, S);                          /* what the rectangle adds lies within one */
        LAC_CHECK(beside == 0 || (b.height <= 48 && b.width <= 48));
    }
}

static uint32_t checksum(const uint8_t *mask, int64_t n)
{
    uint32_t h = 2166136261u;
    for (int64_t i = 0; i < n; i++)
        h = (h ^ mask[i]) * 16777619u;
    return h;
}

/* A mask belongs to its counter for ever: these sums must not change with compiler, CPU or version. */
LAC_TEST(draws_keep_their_bits)
{
    static const struct { const char *name; int64_t height, width; uint32_t step, sum; } draws[] = {
        { "rect", 256, 256, 0, 0x5b99343du },        { "rect", 64, 96, 7, 0xc8dc253du },
        { "brush", 256, 256, 0, 0x8936bac7u },       { "brush", 64, 96, 7, 0x2d2be655u },
        { "brush-paper", 256, 256, 0, 0xc20fbbb2u }, { "brush-paper", 64, 96, 7, 0x4b1012c4u },
        { "union", 256, 256, 0, 0x3b854623u },       { "union", 64, 96, 7, 0x984e0d25u },
    };
    static uint8_t mask[MAX * MAX];
    const lac_mask_params p = lac_mask_defaults();
    for (size_t i = 0; i < LAC_COUNT(draws); i++) {
        make(mask, draws[i].height, draws[i].width, draws[i].name, &p, draws[i].step);
        const uint32_t sum = checksum(mask, draws[i].height * draws[i].width);
        if (sum != draws[i].sum)
            fail_msg("%s, step %u: 0x%08xu", draws[i].name, draws[i].step, sum);
    }
}

LAC_TEST(every_generator_leaves_a_hole_at_every_size)
{
    static uint8_t mask[MAX * MAX];
    static const int64_t sizes[][2] = { { 1, 1 }, { 1, 7 }, { 3, 2 }, { 16, 16 }, { 5, 200 }, { 256, 256 } };
    const lac_mask_params p = lac_mask_defaults();
    int64_t n;
    const lac_mask_kind *kinds = lac_mask_kinds(&n);
    for (int64_t k = 0; k < n; k++)
        for (size_t z = 0; z < LAC_COUNT(sizes); z++)
            for (uint32_t i = 0; i < 50; i++) {
                make(mask, sizes[z][0], sizes[z][1], kinds[k].name, &p, i);
                LAC_CHECK(lac_mask_area(mask, sizes[z][0] * sizes[z][1]) > 0);
            }
}

LAC_TEST(wrong_masks_are_refused)
{
    const lac_mask_kind *kind;
    lac_mask_params p = lac_mask_defaults();
    uint8_t one;
    lac_stream s = lac_stream_at(0, 0, 0, 0);
    LAC_CHECK_FAILS(lac_mask_named(&kind, "recht"), LAC_ERR_CONFIG, "there are rect, brush, brush-paper, union");
    LAC_CHECK_STATUS(lac_mask_named(&kind, "rect"));
    LAC_CHECK_FAILS(lac_mask_make(&one, 0, 1, kind, &p, &s), LAC_ERR_ARG, "0 x 1");
    LAC_CHECK_STATUS(lac_mask_check(&p));
    p.rect.margin = 0.3f;
    LAC_CHECK_FAILS(lac_mask_check(&p), LAC_ERR_CONFIG, "rect.margin is 0.3; it goes from 0 to 0.25");
    p = lac_mask_defaults();
    p.brush.min_segments = 12;
    LAC_CHECK_FAILS(lac_mask_check(&p), LAC_ERR_CONFIG, "brush.min_segments is 12");
    p = lac_mask_defaults();
    p.paper.max_angle = NAN;
    LAC_CHECK_FAILS(lac_mask_check(&p), LAC_ERR_CONFIG, "paper.max_angle");
}
