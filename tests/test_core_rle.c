/* COCO's run lengths and polygons: the vectors of metrics.md 13, T7, made with cocoapi's own C file. */
#include "core/image/rle.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static void check_text(const lac_rle *r, const char *wanted)
{
    char *text;
    size_t size;
    lac_rle back = { 0 };
    LAC_CHECK_STATUS(lac_rle_text(r, &text, &size));
    LAC_CHECK(strcmp(text, wanted) == 0 && size == strlen(wanted));
    LAC_CHECK_STATUS(lac_rle_from_text(&back, r->height, r->width, text, size));
    LAC_CHECK(back.n == r->n && memcmp(back.count, r->count, (size_t)r->n * sizeof *r->count) == 0);
    lac_rle_free(&back);
    free(text);
}

static void check_counts(const lac_rle *r, const uint32_t *wanted, int64_t n)
{
    LAC_CHECK(r->n == n && memcmp(r->count, wanted, (size_t)n * sizeof *wanted) == 0);
}

static void check_box(const lac_rle *r, double x, double y, double w, double h)
{
    double box[4];
    lac_rle_box(r, box);
    LAC_CHECK(box[0] == x && box[1] == y && box[2] == w && box[3] == h);
}

LAC_TEST(masks_become_the_published_runs)
{
    lac_rle r = { 0 };
    uint8_t mask[30] = { 0 }, back[30];
    LAC_CHECK_STATUS(lac_rle_encode(&r, mask, 6, 5));
    check_counts(&r, (uint32_t[]){ 30 }, 1);
    check_text(&r, "n0");
    check_box(&r, 0, 0, 0, 0);
    mask[0] = mask[29] = 9;
    LAC_CHECK_STATUS(lac_rle_encode(&r, mask, 6, 5));
    check_text(&r, "01l00");
    memset(mask, 1, sizeof mask);
    LAC_CHECK_STATUS(lac_rle_encode(&r, mask, 6, 5));
    check_text(&r, "0n0");
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 5; x++)
            mask[y * 5 + x] = x >= 1 && x <= 3 && y >= 2 && y <= 4;
    LAC_CHECK_STATUS(lac_rle_encode(&r, mask, 6, 5));
    check_counts(&r, (uint32_t[]){ 8, 3, 3, 3, 3, 3, 7 }, 7);
    check_text(&r, "8330004");
    check_box(&r, 1, 2, 3, 3);
    lac_rle_decode(&r, back);
    LAC_CHECK(memcmp(mask, back, sizeof mask) == 0 && lac_rle_area(&r) == 9);
    lac_rle_free(&r);
}

LAC_TEST(long_runs_have_the_published_text)
{
    lac_rle r = { 0 };
    const int64_t count[] = { 100000, 1, 65536, 70000, 3, 2 };
    LAC_CHECK_STATUS(lac_rle_from_counts(&r, 117771, 2, count, 6));
    check_text(&r, "PeQ31PPP2_[T2SPPNbdkM");
    lac_rle_free(&r);
}

LAC_TEST(polygons_are_drawn_as_published)
{
    lac_rle r = { 0 };
    const double four[] = { 1.5, 1.5, 10.2, 2, 8.7, 9.9, 2.1, 7.3 }, three[] = { 2, 2, 30, 5, 10, 25 };
    LAC_CHECK_STATUS(lac_rle_polygon(&r, 12, 14, four, 8));
    check_counts(&r, (uint32_t[]){ 26, 5, 7, 6, 6, 6, 6, 7, 5, 7, 5, 7, 5, 8, 4, 4, 54 }, 17);
    check_text(&r, "j0571O001O00001OLb1");
    check_box(&r, 2, 2, 8, 8);
    LAC_CHECK(lac_rle_area(&r) == 50);
    LAC_CHECK_STATUS(lac_rle_polygon(&r, 32, 40, three, 6));
    check_text(&r, "R21o03M3M3M3N2M3M2N1OO1O1O1O1O2N1O1O1O1O1O1O1O1O2N1O1O1Ol:");
    LAC_CHECK(lac_rle_area(&r) == 299);
    lac_rle_free(&r);
}

LAC_TEST(boxes_meet_as_published)
{
    lac_rle a = { 0 }, b = { 0 };
    const double one[] = { 2, 2, 2, 12, 12, 12, 12, 2 }, other[] = { 7, 7, 7, 15, 20, 15, 20, 7 };
    LAC_CHECK_STATUS(lac_rle_polygon(&a, 20, 24, one, 8));
    LAC_CHECK_STATUS(lac_rle_polygon(&b, 20, 24, other, 8));
    check_text(&a, "Z1::00000000000000000^7");
    check_text(&b, "c48<00000000000000000000000Y2");
    LAC_CHECK(lac_rle_intersection(&a, &b) == 25);
    LAC_CHECK(lac_rle_iou(&a, &b, false) == 25. / 179 && lac_rle_iou(&a, &b, true) == .25);
    LAC_CHECK(lac_box_iou((double[]){ 2, 2, 10, 10 }, (double[]){ 7, 7, 13, 8 }, true) == .25);
    LAC_CHECK_STATUS(lac_rle_add(&a, &b));
    LAC_CHECK(lac_rle_area(&a) == 179);
    lac_rle_free(&b);
    LAC_CHECK_STATUS(lac_rle_encode(&b, (uint8_t[]){ 1 }, 1, 1));
    LAC_CHECK_FAILS(lac_rle_add(&a, &b), LAC_ERR_SHAPE, "1 x 1");
    lac_rle_free(&a);
    lac_rle_free(&b);
}

LAC_TEST(runs_that_lie_are_refused)
{
    lac_rle r = { 0 };
    const int64_t beyond[] = { 20, INT64_MAX, INT64_MAX };
    LAC_CHECK_FAILS(lac_rle_from_counts(&r, 6, 5, beyond, 3), LAC_ERR_FORMAT, "more than 30");
    LAC_CHECK_FAILS(lac_rle_from_text(&r, 6, 5, "_________0", 10), LAC_ERR_FORMAT, "more than 30");
    LAC_CHECK_FAILS(lac_rle_from_text(&r, 6, 5, "P", 1), LAC_ERR_FORMAT, "end within");
    LAC_CHECK_FAILS(lac_rle_from_text(&r, 6, 5, "n\t", 2), LAC_ERR_FORMAT, "byte 1");
    LAC_CHECK_FAILS(lac_rle_from_text(&r, INT64_MAX, 5, "n0", 2), LAC_ERR_FORMAT, "too large");
    LAC_CHECK_FAILS(lac_rle_from_text(&r, -6, 5, "n0", 2), LAC_ERR_FORMAT, "too large");
    const double far[] = { 0, 0, 1 << 20, 1 << 20, 0, 1 << 20 };
    LAC_CHECK_STATUS(lac_rle_polygon(&r, 3, 3, far, 6));
    LAC_CHECK(lac_rle_area(&r) == 6);
    lac_rle_free(&r);
}

LAC_TEST(pairs_run_along_the_rows_or_down_the_columns)
{
    uint8_t mask[12], wanted[12] = { 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1 };
    LAC_CHECK_STATUS(lac_mask_from_pairs(mask, 3, 4, LAC_PAIRS_BY_ROWS, (int64_t[]){ 1, 1, 6, 3, 12, 1, 13, 0 }, 8));
    LAC_CHECK(memcmp(mask, wanted, sizeof mask) == 0);
    LAC_CHECK_STATUS(lac_mask_from_pairs(mask, 3, 4, LAC_PAIRS_BY_COLUMNS, (int64_t[]){ 1, 1, 5, 1, 8, 1, 12, 1, 6, 0 }, 10));
    const uint8_t down[12] = { 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1 };
    LAC_CHECK(memcmp(mask, down, sizeof mask) == 0);
    const uint8_t page[6] = { 0, 1, 1, 1, 0, 0 };           /* brushnet.md 3.1: one mask of 2 x 3 in either order */
    LAC_CHECK_STATUS(lac_mask_from_pairs(mask, 2, 3, LAC_PAIRS_BY_ROWS, (int64_t[]){ 2, 3 }, 2));
    LAC_CHECK(memcmp(mask, page, sizeof page) == 0);
    LAC_CHECK_STATUS(lac_mask_from_pairs(mask, 2, 3, LAC_PAIRS_BY_COLUMNS, (int64_t[]){ 2, 2, 5, 1 }, 4));
    LAC_CHECK(memcmp(mask, page, sizeof page) == 0);
    LAC_CHECK_FAILS(lac_mask_from_pairs(mask, 3, 4, LAC_PAIRS_BY_COLUMNS, (int64_t[]){ 12, 2 }, 2), LAC_ERR_FORMAT, "pair 0");
    LAC_CHECK_FAILS(lac_mask_from_pairs(mask, 3, 4, LAC_PAIRS_BY_ROWS, (int64_t[]){ 12, 2 }, 2), LAC_ERR_FORMAT, "pair 0");
    LAC_CHECK_FAILS(lac_mask_from_pairs(mask, 3, 4, LAC_PAIRS_BY_ROWS, (int64_t[]){ 2, INT64_MAX }, 2), LAC_ERR_FORMAT, "pair 0");
    LAC_CHECK_FAILS(lac_mask_from_pairs(mask, 3, 4, LAC_PAIRS_BY_ROWS, (int64_t[]){ 2 }, 1), LAC_ERR_FORMAT, "pairs");
}
