/* Any bytes at all as COCO's compressed runs (first letter r), polygon coordinates (p), BrushBench's and BrushData's pairs (b), or an annotation file (anything
 * else): a sound mask or an error of one line. */
#include "data/coco.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 40 };

static char path[64];

static void check_error(lac_status s)
{
    if (s != LAC_OK && (lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL))
        abort();
}

static void check_mask(lac_status s, lac_rle *r)
{
    uint8_t mask[SIDE * SIDE];
    lac_rle again = { 0 };
    check_error(s);
    if (s == LAC_OK && r->height * r->width <= SIDE * SIDE) {
        lac_rle_decode(r, mask);
        if (lac_rle_encode(&again, mask, r->height, r->width) != LAC_OK || lac_rle_area(&again) != lac_rle_area(r) || lac_rle_intersection(&again, r) != lac_rle_area(r))
            abort();
    }
    lac_rle_free(&again);
    lac_rle_free(r);
}

static void check_runs(const char *text, size_t size)
{
    lac_rle r = { 0 };
    check_mask(lac_rle_from_text(&r, SIDE, SIDE - 3, text, size), &r);
}

static void check_polygon(const char *bytes, size_t size)
{
    double xy[64];
    lac_rle r = { 0 };
    const size_t n = LAC_MIN(size / 2, LAC_COUNT(xy));
    for (size_t i = 0; i < n; i++) {
        int16_t v;
        memcpy(&v, bytes + 2 * i, sizeof v);
        xy[i] = v / 16.;
    }
    check_mask(lac_rle_polygon(&r, SIDE, SIDE - 3, xy, (int64_t)n), &r);
}

/* Row by row and column by column cover as many pixels. */
static void check_pairs(const char *bytes, size_t size)
{
    uint8_t mask[2][SIDE * (SIDE - 3)];
    int64_t pair[64], area[2] = { 0 };
    const size_t n = LAC_MIN(size / 2, LAC_COUNT(pair));
    lac_status s[2];
    for (size_t i = 0; i < n; i++) {
        int16_t v;
        memcpy(&v, bytes + 2 * i, sizeof v);
        pair[i] = v;
    }
    for (int k = 0; k < 2; k++) {
        s[k] = lac_mask_from_pairs(mask[k], SIDE, SIDE - 3, k == 0 ? LAC_PAIRS_BY_ROWS : LAC_PAIRS_BY_COLUMNS, pair, (int64_t)n);
        check_error(s[k]);
        for (size_t i = 0; s[k] == LAC_OK && i < sizeof mask[k]; i++)
            area[k] += mask[k][i];
    }
    if (s[0] != s[1] || area[0] != area[1])
        abort();
}

static void check_file(const uint8_t *bytes, size_t size)
{
    lac_coco c;
    if (path[0] == '\0')
        snprintf(path, sizeof path, "/tmp/fuzz-coco-%d", (int)getpid());
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        abort();
    for (int results = 0; results < 2; results++) {
        const lac_status s = results ? lac_coco_open_results(&c, path) : lac_coco_open(&c, path, NULL, NULL);
        check_error(s);
        for (int64_t i = 0; s == LAC_OK && i < c.n_objects; i++) {
            lac_rle r = { 0 };
            check_mask(lac_coco_mask(&c, &c.object[i], SIDE, SIDE - 3, &r), &r);
        }
        lac_coco_close(&c);
    }
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lac_error_clear();
    if (size > 0 && bytes[0] == 'r')
        check_runs((const char *)bytes + 1, size - 1);
    else if (size > 0 && bytes[0] == 'p')
        check_polygon((const char *)bytes + 1, size - 1);
    else if (size > 0 && bytes[0] == 'b')
        check_pairs((const char *)bytes + 1, size - 1);
    else
        check_file(bytes, size);
    return 0;
}
