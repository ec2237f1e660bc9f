/* Records with parts, through a packed set to the batch: what belongs together is cut alike. */
#include "core/file/hdf5.h"
#include "core/utf8.h"
#include "data/field.h"
#include "data/pack.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEIGHT = 40, WIDTH = 60, SIZE = 24, BATCH = 3, STEPS = 20, SEED = 11 };

typedef struct box { int top, left, height, width; } box;
static const box hole[] = { { 6, 5, 11, 20 }, { 20, 31, 17, 22 }, { 10, 0, 20, 60 } };
static const char *const label[] = { "ball", "red box", "bär" };
static const char *const caption[] = { "a ball and a box", "två saker", "one bear" };
static const char *const everything[] = { "image", "edited", "mask", "label", "caption", "id", NULL };

static bool inside(box b, int64_t y, int64_t x) { return y >= b.top && y < b.top + b.height && x >= b.left && x < b.left + b.width; }

static void encode(lac_image *image, uint8_t **bytes, size_t *size)
{
    LAC_CHECK_STATUS(lac_image_encode_png(image, bytes, size));
    lac_image_free(image);
}

/* `which` in the red channel everywhere, the row in green, the column in blue. */
static void numbered(int which, uint8_t **bytes, size_t *size)
{
    lac_image image;
    LAC_CHECK_STATUS(lac_image_new(&image, HEIGHT, WIDTH, 3));
    for (int k = 0; k < HEIGHT * WIDTH; k++) {
        image.pixels[3 * k] = (uint8_t)which;
        image.pixels[3 * k + 1] = (uint8_t)(k / WIDTH);
        image.pixels[3 * k + 2] = (uint8_t)(k % WIDTH);
    }
    encode(&image, bytes, size);
}

static void mask_of(box b, uint8_t **bytes, size_t *size)
{
    lac_image image;
    LAC_CHECK_STATUS(lac_image_new(&image, HEIGHT, WIDTH, 1));
    for (int k = 0; k < HEIGHT * WIDTH; k++)
        image.pixels[k] = inside(b, k / WIDTH, k % WIDTH) ? 255 : 0;
    encode(&image, bytes, size);
}

static void add_photo(lac_pack *p, const char *name, int which)
{
    uint8_t *bytes;
    size_t size;
    numbered(which, &bytes, &size);
    LAC_CHECK_STATUS(lac_pack_add(p, &(lac_record){ .height = HEIGHT, .width = WIDTH, .length = (int64_t)size, .name = name, .split = "train",
                                                    .group = which }, bytes));
    free(bytes);
}

static void add_edited(lac_pack *p, int which)
{
    uint8_t *bytes;
    size_t size;
    numbered(which, &bytes, &size);
    LAC_CHECK_STATUS(lac_pack_part(p, &(lac_part){ .kind = LAC_PART_EDITED, .length = (int64_t)size }, bytes));
    free(bytes);
}

static lac_part object_of(int k, int64_t length)
{
    const box b = hole[k];
    return (lac_part){ .kind = LAC_PART_OBJECT, .length = length, .label = label[k], .box = { (float)b.left, (float)b.top, (float)b.width, (float)b.height } };
}

static void add_object(lac_pack *p, int k, bool masked)
{
    uint8_t *bytes;
    size_t size;
    mask_of(hole[k], &bytes, &size);
    const lac_part part = object_of(k, masked ? (int64_t)size : 0);
    LAC_CHECK_STATUS(lac_pack_part(p, &part, bytes));
    free(bytes);
}

static void add_caption(lac_pack *p, const char *text)
{
    LAC_CHECK_STATUS(lac_pack_part(p, &(lac_part){ .kind = LAC_PART_CAPTION, .length = (int64_t)strlen(text) }, text));
}

/* Two whole pictures; one with an object that has no mask; one with nothing. Kinds come in any order. */
static const char *make_file(void)
{
    static char path[512];
    lac_pack *p;
    snprintf(path, sizeof path, "%s/parts.h5", lac_test_folder());
    LAC_CHECK_STATUS(lac_pack_new(&p, path, NULL));
    add_photo(p, "a.png", 0);
    add_caption(p, caption[0]);
    add_object(p, 0, true);
    add_edited(p, 100);
    add_object(p, 1, true);
    add_caption(p, caption[1]);
    add_photo(p, "b.png", 1);
    add_edited(p, 101);
    add_object(p, 0, false);
    add_object(p, 2, true);
    add_caption(p, caption[2]);
    add_photo(p, "boxed.png", 2);
    add_object(p, 1, false);
    add_photo(p, "bare.png", 3);
    LAC_CHECK_STATUS(lac_pack_finish(p));
    return path;
}

static lac_set *make_set(void)
{
    lac_set *set;
    LAC_CHECK_STATUS(lac_set_open(&set, make_file()));
    return set;
}

LAC_TEST(parts_come_back_in_order_and_hold_what_was_packed)
{
    const char *path = make_file();
    lac_set *set;
    lac_verified found;
    int64_t first;
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    LAC_CHECK_STATUS(lac_verify(path, NULL, NULL, &found));
    LAC_CHECK(found.records == 4 && found.parts == 10 && found.bad == 0);
    LAC_CHECK_STATUS(lac_set_open(&set, path));
    LAC_CHECK(strcmp(lac_set_name(set), "parts") == 0 && lac_set_part_count(set) == 10);
    LAC_CHECK(lac_set_parts(set, 0, LAC_PART_EDITED, &first) == 1 && first == 0);
    LAC_CHECK(lac_set_parts(set, 0, LAC_PART_OBJECT, &first) == 2 && first == 1 && strcmp(lac_set_part(set, 2).label, label[1]) == 0);
    LAC_CHECK(lac_set_parts(set, 0, LAC_PART_CAPTION, &first) == 2 && first == 3);
    LAC_CHECK(lac_set_parts(set, 1, LAC_PART_OBJECT, &first) == 2 && lac_set_part(set, first).length == 0 && lac_set_part(set, first).box.width == 20);
    LAC_CHECK(lac_set_parts(set, 2, LAC_PART_CAPTION, &first) == 0 && lac_set_parts(set, 3, LAC_PART_EDITED, &first) == 0);
    LAC_CHECK_STATUS(lac_set_read_part(set, 4, &bytes, &capacity));
    LAC_CHECK(lac_set_part(set, 4).length == (int64_t)strlen(caption[1]) && memcmp(bytes, caption[1], strlen(caption[1])) == 0);
    free(bytes);
    lac_set_close(set);
}

static lac_loader_config usual(const lac_source *source)
{
    return (lac_loader_config){ .source = source, .n_sources = 1, .view = { .size = SIZE, .crop = LAC_CROP_RANDOM, .flip = true }, .fields = everything,
                                .mask = "object", .stream = "train", .seed = SEED, .global = BATCH, .count = BATCH };
}

static const uint8_t *field(const lac_batch *b, const char *name, int64_t i)
{
    const lac_tensor *x = lac_batch_field(b, name);
    LAC_CHECK(x != NULL && x->dim[0] == b->n);
    return (const uint8_t *)x->data + (size_t)i * (lac_bytes(x) / (size_t)b->n);
}

static uint32_t drawn(const char *what, int64_t step, int64_t sample, uint32_t n)
{
    lac_stream s = lac_draw(SEED, lac_draw_stream("train"), what, (uint32_t)step, (uint32_t)sample);
    return lac_stream_below(&s, n);
}

/* Where the window lies is read off the picture; edited copy and hole must then be those of this very window. */
static void check_sample(const lac_batch *b, int64_t i, int *flipped, int *second)
{
    const uint8_t *p = field(b, "image", i), *e = field(b, "edited", i), *m = field(b, "mask", i);
    const int which = p[0];
    const bool flip = p[2] > p[3 * (SIZE - 1) + 2];
    const int64_t top = p[1], left = flip ? p[3 * (SIZE - 1) + 2] : p[2];
    const int object = which == 0 ? (int)drawn(LAC_DRAW_OBJECT, b->step, i, 2) : 2, said = which == 0 ? (int)drawn(LAC_DRAW_CAPTION, b->step, i, 2) : 2;
    for (int64_t k = 0; k < SIZE * SIZE; k++) {
        const int64_t y = top + k / SIZE, x = left + (flip ? SIZE - 1 - k % SIZE : k % SIZE);
        LAC_CHECK(p[3 * k] == which && p[3 * k + 1] == y && p[3 * k + 2] == x);
        LAC_CHECK(e[3 * k] == 100 + which && e[3 * k + 1] == y && e[3 * k + 2] == x);
        LAC_CHECK(m[k] == inside(hole[object], y, x));
    }
    LAC_CHECK(strcmp((const char *)field(b, "label", i), label[object]) == 0);
    LAC_CHECK(strcmp((const char *)field(b, "caption", i), caption[said]) == 0);
    *flipped += flip;
    *second += object == 1;
}

LAC_TEST(parts_share_window_and_flip_and_are_drawn_from_the_counter)
{
    lac_set *set = make_set();
    const lac_source source = { set, "train", 1 };
    const lac_loader_config c = usual(&source);
    lac_loader *l;
    const lac_batch *b;
    int flipped = 0, second = 0;
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    LAC_CHECK(lac_loader_records(l) == 2 && strcmp(lac_loader_masks(l), "object by record id") == 0);
    for (int step = 0; step < STEPS; step++) {
        LAC_CHECK_STATUS(lac_loader_next(l, &b));
        for (int64_t i = 0; i < b->n; i++)
            check_sample(b, i, &flipped, &second);
    }
    LAC_CHECK(flipped > 14 && flipped < 46 && second > 4 && second < 26);      /* of 60 and of 30: 4 sigma */
    lac_loader_free(l);
    lac_set_close(set);
}

/* object+2 is object dilated by 5 x 5. */
LAC_TEST(an_object_may_be_grown)
{
    lac_set *set = make_set();
    const lac_source source = { set, "train", 1 };
    lac_loader_config c = usual(&source);
    lac_loader *plain, *grown;
    const lac_batch *a, *b;
    int64_t more = 0;
    LAC_CHECK_STATUS(lac_loader_new(&plain, &c));
    c.mask = "object+2";
    LAC_CHECK_STATUS(lac_loader_new(&grown, &c));
    LAC_CHECK(strcmp(lac_loader_masks(grown), "object+2 by record id") == 0);
    LAC_CHECK_STATUS(lac_loader_next(plain, &a));
    LAC_CHECK_STATUS(lac_loader_next(grown, &b));
    for (int64_t i = 0; i < BATCH; i++)
        for (int64_t k = 0; k < SIZE * SIZE; k++) {
            bool near = false;
            for (int64_t y = LAC_MAX(k / SIZE - 2, 0); y <= LAC_MIN(k / SIZE + 2, SIZE - 1); y++)
                for (int64_t x = LAC_MAX(k % SIZE - 2, 0); x <= LAC_MIN(k % SIZE + 2, SIZE - 1); x++)
                    near |= field(a, "mask", i)[y * SIZE + x];
            LAC_CHECK(field(b, "mask", i)[k] == near);
            more += near && !field(a, "mask", i)[k];
        }
    LAC_CHECK(more > 0);
    lac_loader_free(plain);
    lac_loader_free(grown);
    for (int i = 0; i < 3; i++) {
        c.mask = (const char *const[]){ "object+", "object+-1", "object+2x" }[i];
        LAC_CHECK_FAILS(lac_loader_new(&grown, &c), LAC_ERR_CONFIG, "mask 'object+N' wants pixels, 0 to 4096, found '");
    }
    lac_set_close(set);
}

/* Picture and edited copy of the same pixels: resized, flipped, turned and tinted, they stay the same. */
LAC_TEST(parts_share_resizing_turns_and_tint)
{
    char path[512];
    lac_pack *p;
    lac_set *set;
    const lac_batch *b;
    lac_loader *l;
    snprintf(path, sizeof path, "%s/same.h5", lac_test_folder());
    LAC_CHECK_STATUS(lac_pack_new(&p, path, "same"));
    add_photo(p, "a.png", 7);
    add_edited(p, 7);
    LAC_CHECK_STATUS(lac_pack_finish(p));
    LAC_CHECK_STATUS(lac_set_open(&set, path));
    const lac_source source = { set, "train", 1 };
    lac_loader_config c = usual(&source);
    c.view.shorter = 25, c.view.shorter_max = 39, c.view.turn = 0.7f, c.tint = 0.6f;
    c.fields = (const char *const[]){ "image", "edited", NULL };
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    for (int step = 0; step < STEPS; step++) {
        LAC_CHECK_STATUS(lac_loader_next(l, &b));
        LAC_CHECK(memcmp(field(b, "image", 0), field(b, "edited", 0), 3 * SIZE * SIZE * BATCH) == 0);
    }
    lac_loader_free(l);
    lac_set_close(set);
}

LAC_TEST(parts_are_the_same_whatever_threads_and_history)
{
    lac_set *set = make_set();
    const lac_source source = { set, "train", 1 };
    lac_loader_config c = usual(&source);
    lac_loader *one, *many;
    const lac_batch *a, *b;
    c.threads = 1, c.around = true;
    LAC_CHECK_STATUS(lac_loader_new(&one, &c));
    c.threads = 4, c.depth = 5;
    LAC_CHECK_STATUS(lac_loader_new(&many, &c));
    LAC_CHECK_STATUS(lac_loader_seek(one, 6));
    for (int step = 0; step < 6; step++)
        LAC_CHECK_STATUS(lac_loader_next(many, &b));
    for (int step = 6; step < STEPS; step++) {
        LAC_CHECK_STATUS(lac_loader_next(one, &a));
        LAC_CHECK_STATUS(lac_loader_next(many, &b));
        for (int f = 0; f < a->n_fields; f++)
            LAC_CHECK(memcmp(a->field[f].tensor.data, b->field[f].tensor.data, lac_bytes(&a->field[f].tensor)) == 0);
    }
    lac_loader_free(one);
    lac_loader_free(many);
    lac_set_close(set);
}

/* The object fits into the window and is all in it, or the window lies inside the object; without `around` neither holds for long. */
LAC_TEST(a_window_is_laid_around_the_object)
{
    lac_set *set = make_set();
    const lac_source source = { set, "train", 1 };
    lac_loader_config c = usual(&source);
    const lac_batch *b;
    for (int around = 0; around < 2; around++) {
        lac_loader *l;
        int missed = 0;
        c.around = around;
        LAC_CHECK_STATUS(lac_loader_new(&l, &c));
        for (int step = 0; step < STEPS; step++) {
            LAC_CHECK_STATUS(lac_loader_next(l, &b));
            for (int64_t i = 0; i < b->n; i++) {
                const box h = hole[strcmp((const char *)field(b, "label", i), label[0]) == 0 ? 0 : strcmp((const char *)field(b, "label", i), label[1]) == 0 ? 1 : 2];
                missed += lac_mask_area(field(b, "mask", i), SIZE * SIZE) < LAC_MIN(h.height, SIZE) * LAC_MIN(h.width, SIZE);
            }
        }
        LAC_CHECK(around ? missed == 0 : missed > 10);
        lac_loader_free(l);
    }
    lac_set_close(set);
}

/* Pictures with objects, whose holes are these, and in the same batches others that have none: all hole, or without one, cut as they come. Each keeps its kind of mask. */
static void check_own_mask(const char *own, uint8_t expected)
{
    static const char words[] = "a view";
    char path[512];
    lac_pack *p;
    lac_set *set[2] = { make_set() };
    lac_loader *l;
    const lac_batch *b;
    int seen[2] = { 0 };
    snprintf(path, sizeof path, "%s/views-%s.h5", lac_test_folder(), own);
    LAC_CHECK_STATUS(lac_pack_new(&p, path, "views"));
    add_photo(p, "v.png", 9);
    LAC_CHECK_STATUS(lac_pack_part(p, &(lac_part){ .kind = LAC_PART_CAPTION, .length = sizeof words - 1 }, words));
    LAC_CHECK_STATUS(lac_pack_finish(p));
    LAC_CHECK_STATUS(lac_set_open(&set[1], path));
    const lac_source source[] = { { set[0], "train", 1 }, { set[1], "train", 1, .mask = own } };
    lac_loader_config c = usual(source);
    c.fields = (const char *const[]){ "image", "mask", "caption", "source", NULL };
    c.n_sources = 2;
    c.around = true;
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    for (int step = 0; step < STEPS; step++) {
        LAC_CHECK_STATUS(lac_loader_next(l, &b));
        for (int64_t i = 0; i < b->n; i++) {
            const int from = (int)*(const int64_t *)field(b, "source", i);
            const int64_t area = lac_mask_area(field(b, "mask", i), SIZE * SIZE);
            seen[from]++;
            LAC_CHECK(from == 1 ? area == expected * SIZE * SIZE && strcmp((const char *)field(b, "caption", i), words) == 0 : area > 0);
            LAC_CHECK((((const uint8_t *)field(b, "image", i))[0] == 9) == (from == 1));
        }
    }
    LAC_CHECK(seen[0] > STEPS / 2 && seen[1] > STEPS / 2);
    lac_loader_free(l);
    c.source = &source[1];
    c.n_sources = 1;
    c.evaluate = true;
    c.view.flip = false;
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    LAC_CHECK(strcmp(lac_loader_masks(l), own) == 0);
    lac_loader_free(l);
    lac_set_close(set[0]);
    lac_set_close(set[1]);
}

LAC_TEST(a_set_of_a_mix_may_have_masks_of_its_own)
{
    check_own_mask("whole", 1);
    check_own_mask("none", 0);
}

LAC_TEST(what_no_record_has_is_one_line)
{
    lac_set *set = make_set();
    const lac_source source = { set, "train", 1 };
    lac_loader_config c = usual(&source);
    lac_loader *l;
    c.fields = (const char *const[]){ "image", "label", NULL };
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));               /* a label needs no mask */
    LAC_CHECK(lac_loader_records(l) == 3);
    lac_loader_free(l);
    lac_set_close(set);
    lac_pack *p;
    char path[512];
    snprintf(path, sizeof path, "%s/bare.h5", lac_test_folder());
    LAC_CHECK_STATUS(lac_pack_new(&p, path, "bare"));
    add_photo(p, "a.png", 1);
    add_object(p, 1, false);
    LAC_CHECK_STATUS(lac_pack_finish(p));
    LAC_CHECK_STATUS(lac_set_open(&set, path));
    const lac_source bare = { set, "train", 1 };
    c = usual(&bare);
    LAC_CHECK_FAILS(lac_loader_new(&l, &c), LAC_ERR_CONFIG, "has all that is asked for: an edited copy a caption or an object's label an object with a mask");
    lac_set_close(set);
}

/* Of objects whose masks are holes, the very one that is painted. */
LAC_TEST(the_label_of_the_object_stands_for_a_caption)
{
    char path[512];
    lac_pack *p;
    lac_set *set;
    lac_loader *l;
    const lac_batch *b;
    int seen[LAC_COUNT(label)] = { 0 };
    snprintf(path, sizeof path, "%s/labels.h5", lac_test_folder());
    LAC_CHECK_STATUS(lac_pack_new(&p, path, "labels"));
    add_photo(p, "a.png", 1);
    for (size_t k = 0; k < LAC_COUNT(label); k++)
        add_object(p, (int)k, true);
    LAC_CHECK_STATUS(lac_pack_finish(p));
    LAC_CHECK_STATUS(lac_set_open(&set, path));
    const lac_source source = { set, "train", 1 };
    lac_loader_config c = usual(&source);
    c.fields = (const char *const[]){ "caption", "label", "mask", NULL };
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    for (int step = 0; step < STEPS; step++) {
        LAC_CHECK_STATUS(lac_loader_next(l, &b));
        for (int64_t i = 0; i < b->n; i++) {
            const char *said = (const char *)field(b, "caption", i);
            LAC_CHECK(said[0] != '\0' && strcmp(said, (const char *)field(b, "label", i)) == 0);
            for (size_t k = 0; k < LAC_COUNT(label); k++)
                seen[k] += strcmp(said, label[k]) == 0;
        }
    }
    for (size_t k = 0; k < LAC_COUNT(label); k++)
        LAC_CHECK(seen[k] > 0);
    lac_loader_free(l);
    lac_set_close(set);
}

LAC_TEST(a_part_that_cannot_be_is_refused_and_not_packed)
{
    char path[512];
    lac_pack *p;
    lac_set *set;
    const char text[LAC_CAPTION_BYTES + 1] = "x";
    snprintf(path, sizeof path, "%s/refused.h5", lac_test_folder());
    LAC_CHECK_STATUS(lac_pack_new(&p, path, "refused"));
    lac_part part = { .kind = LAC_PART_CAPTION, .length = 1 };
    LAC_CHECK_FAILS(lac_pack_part(p, &part, text), LAC_ERR_STATE, "before any record");
    add_photo(p, "a.png", 0);
    part.length = LAC_CAPTION_BYTES;
    LAC_CHECK_FAILS(lac_pack_part(p, &part, text), LAC_ERR_FORMAT, "no UTF-8, or holds a zero");
    part.length = 0;
    LAC_CHECK_FAILS(lac_pack_part(p, &part, text), LAC_ERR_FORMAT, "caption of no bytes");
    part.length = 2;
    LAC_CHECK_FAILS(lac_pack_part(p, &part, "\xc3("), LAC_ERR_FORMAT, "no UTF-8");
    part = object_of(0, 0);
    part.box.left = WIDTH;
    LAC_CHECK_FAILS(lac_pack_part(p, &part, NULL), LAC_ERR_FORMAT, "does not lie in a picture 60 wide");
    part.box.left = NAN;
    LAC_CHECK_FAILS(lac_pack_part(p, &part, NULL), LAC_ERR_FORMAT, "does not lie in");
    part = object_of(2, 0);
    part.box.left = -3.5f, part.box.width = 100;
    LAC_CHECK_STATUS(lac_pack_part(p, &part, ""));
    LAC_CHECK_STATUS(lac_pack_finish(p));
    LAC_CHECK_STATUS(lac_set_open(&set, path));
    LAC_CHECK(lac_set_part_count(set) == 1 && lac_set_part(set, 0).box.left == 0 && lac_set_part(set, 0).box.width == WIDTH);
    lac_set_close(set);
}

/* One column of a good file written anew. */
static lac_status open_with(const char *column, lac_dtype d, int64_t at, int64_t value)
{
    const char *path = make_file();
    lac_hdf5 *f;
    lac_hdf5_entry e;
    lac_set *set;
    LAC_CHECK_STATUS(lac_hdf5_open(&f, path));
    LAC_CHECK_STATUS(lac_hdf5_info(f, column, &e));
    lac_hdf5_close(f);
    FILE *raw = fopen(path, "r+b");
    LAC_CHECK(fseek(raw, e.offset + at * (int64_t)lac_dtype_size(d), SEEK_SET) == 0 && fwrite(&value, lac_dtype_size(d), 1, raw) == 1);
    fclose(raw);
    const lac_status s = lac_set_open(&set, path);
    if (s == LAC_OK)
        lac_set_close(set);
    return s;
}

LAC_TEST(a_set_whose_parts_lie_is_refused)
{
    LAC_CHECK_FAILS(open_with("parts/record", LAC_I64, 9, 4), LAC_ERR_FORMAT, "part 9 is of kind 1 and record 4");
    LAC_CHECK_FAILS(open_with("parts/record", LAC_I64, 4, 2), LAC_ERR_FORMAT, "part 5 is of kind 0 and record 1, not in order");
    LAC_CHECK_FAILS(open_with("parts/kind", LAC_U8, 0, 2), LAC_ERR_FORMAT, "part 1 is of kind 1");
    LAC_CHECK_FAILS(open_with("parts/kind", LAC_U8, 9, 4), LAC_ERR_FORMAT, "part 9 is of kind 4");
    LAC_CHECK_FAILS(open_with("parts/offset", LAC_I64, 3, INT64_MAX), LAC_ERR_FORMAT, "of a blob of");
    LAC_CHECK_FAILS(open_with("parts/length", LAC_I64, 3, 2000), LAC_ERR_FORMAT, "bytes");
    LAC_CHECK_FAILS(open_with("parts/box", LAC_F32, 6, 0x7fc00000), LAC_ERR_FORMAT, "part 1: box of nan");
    LAC_CHECK_STATUS(open_with("parts/kind", LAC_U8, 9, 1));
}

LAC_TEST(verify_finds_parts_that_are_not_as_packed)
{
    const char *path = make_file();
    lac_verified found;
    lac_set *set;
    lac_hdf5 *f;
    lac_hdf5_entry blob, box;
    LAC_CHECK_STATUS(lac_set_open(&set, path));
    LAC_CHECK_STATUS(lac_hdf5_open(&f, path));
    LAC_CHECK_STATUS(lac_hdf5_info(f, "blob", &blob));
    LAC_CHECK_STATUS(lac_hdf5_info(f, "parts/box", &box));
    FILE *raw = fopen(path, "r+b");
    LAC_CHECK(fseek(raw, blob.offset + lac_set_part(set, 3).offset + 2, SEEK_SET) == 0 && fputc('!', raw) == '!');
    fclose(raw);
    LAC_CHECK_FAILS(lac_verify(path, NULL, NULL, &found), LAC_ERR_FORMAT, "1 of 14 records and parts are bad: 'caption (part 3) of a.png'");
    path = make_file();
    raw = fopen(path, "r+b");
    const float wider = 21;
    LAC_CHECK(fseek(raw, box.offset + 4 * (4 * 1 + 2), SEEK_SET) == 0 && fwrite(&wider, 4, 1, raw) == 1);
    fclose(raw);
    LAC_CHECK_FAILS(lac_verify(path, NULL, NULL, &found), LAC_ERR_FORMAT, "manifest hash");
    lac_hdf5_close(f);
    lac_set_close(set);
}

LAC_TEST(utf8_is_told_from_other_bytes)
{
    static const char *const good[] = { "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\x80", "\xed\xa0\x80", "\xf0\x8f\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                       "\xe1\x80", "\xe1\x80x", "\xff" };
    for (size_t i = 0; i < LAC_COUNT(good); i++)
        LAC_CHECK(lac_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        LAC_CHECK(!lac_utf8_valid(bad[i], strlen(bad[i])));
    LAC_CHECK(lac_utf8_valid("", 0) && !lac_utf8_valid("a\0b", 3));
}
