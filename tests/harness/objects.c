#include "tests/harness/objects.h"

#include "data/pack.h"
#include "tests/harness/pictures.h"
#include "tests/harness/test.h"

static void add(lac_pack *p, lac_kind kind, const char *name, const char *split, const char *label, int64_t group, uint64_t seed)
{
    lac_image image;
    uint8_t *bytes;
    size_t size;
    const bool object = kind == LAC_KIND_OBJECT;
    LAC_CHECK_STATUS(lac_test_picture(&image, object ? 40 : 90, object ? 30 : 120, object ? 4 : 3, seed));
    for (int64_t k = 0; object && k < 40 * 30; k++)                                 /* a disc, half covered at its edge */
        image.pixels[4 * k + 3] = hypot((double)(k / 30) - 20, (double)(k % 30) - 15) < 12 ? 255 : 0;
    LAC_CHECK_STATUS(lac_image_encode_png(&image, &bytes, &size));
    LAC_CHECK_STATUS(lac_pack_add(p, &(lac_record){ .kind = kind, .height = image.height, .width = image.width, .length = (int64_t)size, .name = name,
                                                    .split = split, .label = label, .group = group }, bytes));
    free(bytes);
    lac_image_free(&image);
}

void lac_test_objects(const char *path)
{
    lac_pack *p;
    LAC_CHECK_STATUS(lac_pack_new(&p, path, NULL));
    add(p, LAC_KIND_PHOTO, "a.png", "train", "", 5, 1);
    add(p, LAC_KIND_PHOTO, "b.png", "train", "", 6, 2);
    add(p, LAC_KIND_PHOTO, "c.png", "val", "", 7, 3);
    add(p, LAC_KIND_PHOTO, "d.png", "test_far", "", 8, 4);
    add(p, LAC_KIND_OBJECT, "1.png", "train", "disc", 9, 5);
    add(p, LAC_KIND_OBJECT, "2.png", "train", "red disc", 10, 6);
    add(p, LAC_KIND_OBJECT, "3.png", "train", "ball", 11, 7);
    add(p, LAC_KIND_OBJECT, "4.png", "test", "moon", 12, 8);
    LAC_CHECK_STATUS(lac_pack_finish(p));
}

lac_image lac_test_part(const lac_set *set, int64_t i, int channels)
{
    lac_image image;
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    const lac_part p = lac_set_part(set, i);
    LAC_CHECK_STATUS(lac_set_read_part(set, i, &bytes, &capacity));
    LAC_CHECK_STATUS(lac_image_decode(&image, bytes, (size_t)p.length, channels, "part"));
    free(bytes);
    return image;
}
