#include "tests/harness/said.h"

#include "core/philox.h"
#include "data/pack.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { SIDE = LAC_TEST_SAID_SIDE };

static const char *words_of(int which) { return which % 2 ? "moon" : "star"; }

static void add_picture(lac_pack *p, int which, int height)
{
    lac_image image;
    uint8_t *bytes;
    size_t size;
    char name[32];
    snprintf(name, sizeof name, "%d.png", which);
    LAC_CHECK_STATUS(lac_image_new(&image, height, SIDE, 3));
    lac_stream random = lac_stream_at(1, 0, (uint32_t)which, 0);
    for (int k = 0; k < height * SIDE * 3; k++)
        image.pixels[k] = (uint8_t)lac_stream_word(&random);
    LAC_CHECK_STATUS(lac_image_encode_png(&image, &bytes, &size));
    LAC_CHECK_STATUS(lac_pack_add(p, &(lac_record){ .height = height, .width = SIDE, .length = (int64_t)size, .name = name, .split = "train", .group = which }, bytes));
    lac_image_free(&image);
    free(bytes);
}

static void add_object(lac_pack *p, int which, int height)
{
    lac_image mask;
    uint8_t *bytes;
    size_t size;
    LAC_CHECK_STATUS(lac_image_new(&mask, height, SIDE, 1));
    for (int y = which; y < which + 6; y++)
        memset(mask.pixels + y * SIDE + 2, 255, (size_t)(4 + which));
    LAC_CHECK_STATUS(lac_image_encode_png(&mask, &bytes, &size));
    LAC_CHECK_STATUS(lac_pack_part(p, &(lac_part){ .kind = LAC_PART_OBJECT, .length = (int64_t)size, .label = words_of(which), .box = { 2, (float)which, (float)(4 + which), 6 } }, bytes));
    lac_image_free(&mask);
    free(bytes);
}

static void make(const char *path, int height, int objects, bool captions)
{
    lac_pack *p;
    LAC_CHECK_STATUS(lac_pack_new(&p, path, NULL));
    for (int i = 0; i < LAC_TEST_SAID; i++) {
        add_picture(p, i, height);
        for (int k = 0; k < objects; k++)
            add_object(p, i, height);
        if (captions)
            LAC_CHECK_STATUS(lac_pack_part(p, &(lac_part){ .kind = LAC_PART_CAPTION, .length = 4 }, words_of(i)));
    }
    LAC_CHECK_STATUS(lac_pack_finish(p));
}

void lac_test_said(const char *path, int height, int objects) { make(path, height, objects, true); }
void lac_test_labelled(const char *path) { make(path, SIDE, 1, false); }
