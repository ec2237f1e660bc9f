#include "core/image/resample.h"
#include "data/field.h"
#include "data/mask_file.h"
#include "data/pack.h"
#include "tests/harness/pictures.h"
#include "tests/harness/test.h"

#include <unistd.h>

enum { N = 7, SIZE = 24 };

/* Seven pictures; number i has i in its red channel everywhere, the row in green, the column in blue (PNG: exactly). */
static lac_set *numbered_set(int64_t height, int64_t width, int n)
{
    char path[512];
    lac_pack *p;
    lac_set *set;
    snprintf(path, sizeof path, "%s/n.h5", lac_test_folder());
    LAC_CHECK_STATUS(lac_pack_new(&p, path, "numbered"));
    for (int i = 0; i < n; i++) {
        lac_image image;
        uint8_t *bytes;
        size_t size;
        char name[32];
        LAC_CHECK_STATUS(lac_image_new(&image, height, width, 3));
        for (int64_t k = 0; k < height * width; k++) {
            image.pixels[3 * k] = (uint8_t)i;
            image.pixels[3 * k + 1] = (uint8_t)(k / width);
            image.pixels[3 * k + 2] = (uint8_t)(k % width);
        }
        LAC_CHECK_STATUS(lac_image_encode_png(&image, &bytes, &size));
        snprintf(name, sizeof name, "%d.png", i);
        LAC_CHECK_STATUS(lac_pack_add(p, &(lac_record){ .height = height, .width = width, .length = (int64_t)size, .name = name, .split = "train" }, bytes));
        free(bytes);
        lac_image_free(&image);
    }
    LAC_CHECK_STATUS(lac_pack_finish(p));
    LAC_CHECK_STATUS(lac_set_open(&set, path));
    return set;
}

static const char *const no_mask[] = { "image", "id", "source", NULL }, *const with_mask[] = { "image", "mask", "id", NULL };

static lac_loader_config usual(const lac_source *source)
{
    return (lac_loader_config){ .source = source, .n_sources = 1, .fields = no_mask, .view = { .size = SIZE, .crop = LAC_CROP_RANDOM, .flip = true },
                                .stream = "train", .seed = 11, .global = 5, .first = 0, .count = 5 };
}

static const uint8_t *image_of(const lac_batch *b, int64_t i)
{
    return (const uint8_t *)lac_batch_field(b, "image")->data + i * SIZE * SIZE * 3;
}

static int64_t id_of(const lac_batch *b, int64_t i) { return ((const int64_t *)lac_batch_field(b, "id")->data)[i]; }

LAC_TEST(loader_cuts_windows_out_of_the_record_it_names)
{
    lac_set *set = numbered_set(40, 60, N);
    const lac_source source = { set, "train", 1 };
    lac_loader_config c = usual(&source);
    lac_loader *l;
    const lac_batch *b;
    int seen[N] = { 0 }, flipped = 0, tops = 0;
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    LAC_CHECK(lac_loader_records(l) == N);
    for (int step = 0; step < 14; step++) {                 /* 70 samples: ten epochs */
        LAC_CHECK_STATUS(lac_loader_next(l, &b));
        LAC_CHECK(b->step == step && b->n == 5 && lac_batch_field(b, "mask") == NULL);
        for (int64_t i = 0; i < b->n; i++) {
            const uint8_t *p = image_of(b, i), *q = p + 3 * (SIZE * SIZE - 1);
            const int across = q[2] - p[2];
            LAC_CHECK(p[0] == id_of(b, i) && q[1] - p[1] == SIZE - 1 && (across == SIZE - 1 || across == 1 - SIZE));
            flipped += across < 0;
            tops += p[1] == 0;
            seen[id_of(b, i)]++;
        }
    }
    for (int i = 0; i < N; i++)
        LAC_CHECK(seen[i] == 10);
    LAC_CHECK(flipped > 18 && flipped < 52 && tops < 20);     /* 35 +- 4 sigma of a fair coin; 70 / 17 tops expected */
    lac_loader_free(l);
    lac_set_close(set);
}

static uint64_t fingerprint(const lac_batch *b)
{
    uint64_t h = 14695981039346656037u;
    for (int f = 0; f < b->n_fields; f++)
        for (size_t i = 0; i < lac_bytes(&b->field[f].tensor); i++)
            h = (h ^ ((const uint8_t *)b->field[f].tensor.data)[i]) * 1099511628211u;
    return h;
}

LAC_TEST(loader_gives_the_same_whatever_threads_depth_and_history)
{
    lac_set *set = numbered_set(40, 60, N);
    const lac_source source = { set, "train", 1 };
    const int threads[] = { 1, 2, 5 }, depth[] = { 1, 2, 7 };
    uint64_t expected[12];
    const lac_batch *b;
    for (int k = 0; k < 3; k++) {
        lac_loader_config c = usual(&source);
        lac_loader *l;
        c.threads = threads[k];
        c.depth = depth[k];
        LAC_CHECK_STATUS(lac_loader_new(&l, &c));
        for (int step = 0; step < 12; step++) {
            LAC_CHECK_STATUS(lac_loader_next(l, &b));
            if (k == 0)
                expected[step] = fingerprint(b);
            LAC_CHECK(fingerprint(b) == expected[step]);
        }
        for (int step = 11; step >= 0; step -= 3) {         /* resuming anywhere */
            LAC_CHECK_STATUS(lac_loader_seek(l, step));
            LAC_CHECK_STATUS(lac_loader_next(l, &b));
            LAC_CHECK(b->step == step && fingerprint(b) == expected[step]);
        }
        lac_loader_free(l);
    }
    lac_set_close(set);
}

LAC_TEST(loader_ranks_share_one_global_batch)
{
    lac_set *set = numbered_set(40, 60, N);
    const lac_source source = { set, "train", 1 };
    lac_loader_config whole = usual(&source), part = usual(&source);
    lac_loader *l, *m;
    const lac_batch *b, *c;
    part.first = 2;
    part.count = 3;
    LAC_CHECK_STATUS(lac_loader_new(&l, &whole));
    LAC_CHECK_STATUS(lac_loader_new(&m, &part));
    for (int step = 0; step < 4; step++) {
        LAC_CHECK_STATUS(lac_loader_next(l, &b));
        LAC_CHECK_STATUS(lac_loader_next(m, &c));
        LAC_CHECK(c->n == 3 && memcmp(image_of(b, 2), image_of(c, 0), 3 * SIZE * SIZE * 3) == 0);
    }
    lac_loader_free(m);
    lac_loader_free(l);
    lac_set_close(set);
}

LAC_TEST(loader_evaluates_every_record_once_in_order)
{
    lac_set *set = numbered_set(40, 60, N);
    const lac_source source = { set, "", 1 };
    lac_loader_config c = usual(&source);
    lac_loader *l;
    const lac_batch *b;
    uint8_t masks[3 * SIZE * SIZE] = { 0 };
    char path[512], name[600];
    for (int k = 0; k < 3; k++)
        masks[k * SIZE * SIZE + k] = 1;
    snprintf(path, sizeof path, "%s/masks.png", lac_test_folder());
    snprintf(name, sizeof name, "file:%s", path);
    LAC_CHECK_STATUS(lac_mask_file_save(path, masks, 3, SIZE));
    c.mask = name;
    c.fields = with_mask;
    c.view.crop = LAC_CROP_CENTER;
    LAC_CHECK_FAILS(lac_loader_new(&l, (c.evaluate = true, &c)), LAC_ERR_CONFIG, "neither flips");
    c.view.flip = false;
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    for (int64_t step = 0, id = 0; step < 2; step++) {
        LAC_CHECK_STATUS(lac_loader_next(l, &b));
        LAC_CHECK(b->n == (step == 0 ? 5 : 2) && lac_batch_field(b, "mask")->dim[0] == b->n);
        for (int64_t i = 0; i < b->n; i++, id++) {
            LAC_CHECK(id_of(b, i) == id && image_of(b, i)[0] == id);
            LAC_CHECK(image_of(b, i)[1] == (40 - SIZE) / 2 && image_of(b, i)[2] == (60 - SIZE) / 2);
            LAC_CHECK(memcmp((const uint8_t *)lac_batch_field(b, "mask")->data + i * SIZE * SIZE, masks + id % 3 * SIZE * SIZE, SIZE * SIZE) == 0);
        }
    }
    for (int twice = 0; twice < 2; twice++) {
        LAC_CHECK_STATUS(lac_loader_next(l, &b));
        LAC_CHECK(b->n == 0);
    }
    lac_loader_free(l);
    c.view.size = 16;
    LAC_CHECK_FAILS(lac_loader_new(&l, &c), LAC_ERR_CONFIG, "are 24 pixels wide, the pictures 16");
    lac_set_close(set);
}

/* In evaluation a drawn mask is the record's, whatever the batch size. */
LAC_TEST(loader_draws_masks_from_the_counter)
{
    lac_set *set = numbered_set(40, 60, N);
    const lac_source source = { set, "", 1 };
    lac_loader_config c = usual(&source);
    lac_loader *l;
    const lac_batch *b;
    uint8_t mask[N][SIZE * SIZE], expected[SIZE * SIZE];
    const lac_mask_params params = lac_mask_defaults();
    const lac_mask_kind *kind;
    LAC_CHECK_STATUS(lac_mask_named(&kind, "union"));
    c.mask = "union";
    c.fields = with_mask;
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    LAC_CHECK_STATUS(lac_loader_seek(l, 6));
    LAC_CHECK_STATUS(lac_loader_next(l, &b));
    lac_stream s = lac_draw(11, lac_draw_stream("train"), LAC_DRAW_MASK, 6, 4);
    LAC_CHECK_STATUS(lac_mask_make(expected, SIZE, SIZE, kind, &params, &s));
    LAC_CHECK(memcmp((const uint8_t *)lac_batch_field(b, "mask")->data + 4 * SIZE * SIZE, expected, sizeof expected) == 0);
    lac_loader_free(l);
    c.evaluate = true;
    c.view.flip = false;
    for (c.global = c.count = 1; c.count <= 4; c.global = c.count += 3) {
        LAC_CHECK_STATUS(lac_loader_new(&l, &c));
        for (int64_t id = 0; id < N;) {
            LAC_CHECK_STATUS(lac_loader_next(l, &b));
            for (int64_t i = 0; i < b->n; i++, id++) {
                const uint8_t *got = (const uint8_t *)lac_batch_field(b, "mask")->data + i * SIZE * SIZE;
                if (c.count == 1)
                    memcpy(mask[id], got, sizeof mask[id]);
                LAC_CHECK(memcmp(got, mask[id], sizeof mask[id]) == 0);
            }
        }
        lac_loader_free(l);
    }
    c.mask = "brash";
    LAC_CHECK_FAILS(lac_loader_new(&l, &c), LAC_ERR_CONFIG, "brash");
    lac_set_close(set);
}

LAC_TEST(loader_makes_the_fields_it_is_asked_for_and_no_others)
{
    lac_set *set = numbered_set(40, 60, N);
    const lac_source source = { set, "train", 1 };
    lac_loader_config c = usual(&source);
    lac_loader *l;
    const lac_batch *b;
    c.fields = (const char *const[]){ "time", "image", NULL };
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    LAC_CHECK_STATUS(lac_loader_next(l, &b));
    LAC_CHECK(b->n_fields == 2 && b->field[0].def == &lac_field_time && b->field[1].def == &lac_field_image);
    for (uint32_t i = 0; i < 5; i++) {
        lac_stream s = lac_draw(11, lac_draw_stream("train"), LAC_DRAW_TIME, 0, i);
        LAC_CHECK(((const float *)b->field[0].tensor.data)[i] == lac_stream_uniform(&s));
    }
    lac_loader_free(l);
    c.fields = with_mask;
    LAC_CHECK_FAILS(lac_loader_new(&l, &c), LAC_ERR_CONFIG, "field 'mask' wants a source of masks");
    c.fields = (const char *const[]){ "pose", NULL };
    LAC_CHECK_FAILS(lac_loader_new(&l, &c), LAC_ERR_CONFIG, "unknown batch field 'pose'");
    lac_set_close(set);
}

LAC_TEST(loader_mixes_sources_by_weight)
{
    lac_set *a = numbered_set(30, 30, 3), *b = numbered_set(30, 30, 4);
    const lac_source source[] = { { a, "train", 3 }, { b, "train", 1 } };
    lac_loader_config c = usual(source);
    lac_loader *l;
    const lac_batch *batch;
    int count[2] = { 0 };
    c.n_sources = 2;
    c.global = c.count = 64;
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    for (int step = 0; step < 16; step++) {                 /* 1024 samples: one block of the mix */
        LAC_CHECK_STATUS(lac_loader_next(l, &batch));
        for (int64_t i = 0; i < 64; i++)
            count[((const int64_t *)lac_batch_field(batch, "source")->data)[i]]++;
    }
    LAC_CHECK(count[0] == 768 && count[1] == 256);
    lac_loader_free(l);
    lac_set_close(a);
    lac_set_close(b);
}

/* Stopping early changes no pixel above, in any chroma layout: the rows are those of the whole picture. */
LAC_TEST(pictures_decode_from_the_top_as_they_do_whole)
{
    lac_image image, whole, top;
    uint8_t *bytes[2];
    size_t size[2];
    LAC_CHECK_STATUS(lac_test_picture(&image, 75, 50, 3, 9));
    LAC_CHECK_STATUS(lac_image_encode_jpeg(&image, 90, &bytes[0], &size[0]));
    LAC_CHECK_STATUS(lac_image_encode_png(&image, &bytes[1], &size[1]));
    for (int k = 0; k < 2; k++) {
        LAC_CHECK_STATUS(lac_image_decode(&whole, bytes[k], size[k], 3, "x"));
        for (int64_t rows = 1; rows < 80; rows++) {
            LAC_CHECK_STATUS(lac_image_decode_top(&top, bytes[k], size[k], rows, 3, "x"));
            LAC_CHECK(top.height == LAC_MIN(rows, 75) && top.width == 50);
            LAC_CHECK(memcmp(top.pixels, whole.pixels, (size_t)(top.height * 150)) == 0);
            lac_image_free(&top);
        }
        lac_image_free(&whole);
        free(bytes[k]);
    }
    lac_image_free(&image);
}

/* The whole shorter side, shrunk: what cutting and then Pillow's resampling (tested on its own) makes of it. */
LAC_TEST(view_resizes_the_window_to_cover)
{
    lac_image image, part, fit;
    uint8_t got[SIZE * SIZE * 3];
    const lac_view view = { .size = SIZE, .crop = LAC_CROP_CENTER, .shorter = SIZE };
    lac_stream s = lac_stream_at(1, 1, 0, 0);
    LAC_CHECK_STATUS(lac_test_picture(&image, 60, 100, 3, 5));
    const lac_window w = lac_view_window(&view, 60, 100, &s);
    LAC_CHECK(w.top == 0 && w.left == 20 && w.height == 60 && w.width == 60);
    LAC_CHECK_STATUS(lac_window_cut(&w, &image, SIZE, got));
    LAC_CHECK_STATUS(lac_image_new(&part, 60, 60, 3));
    for (int64_t y = 0; y < 60; y++)
        memcpy(part.pixels + y * 180, image.pixels + (y * 100 + 20) * 3, 180);
    LAC_CHECK_STATUS(lac_image_resize(&fit, &part, SIZE, SIZE, LAC_FILTER_BILINEAR, LAC_PASSES_HORIZONTAL_FIRST));
    LAC_CHECK(memcmp(fit.pixels, got, sizeof got) == 0);
    lac_image_free(&image);
    lac_image_free(&part);
    lac_image_free(&fit);
}

LAC_TEST(view_enlarges_what_is_too_small_and_draws_scales)
{
    const lac_view small = { .size = 100, .crop = LAC_CROP_RANDOM }, range = { .size = 20, .crop = LAC_CROP_RANDOM, .shorter = 20, .shorter_max = 40 };
    lac_stream s = lac_stream_at(1, 1, 0, 0);
    int64_t least = 1000, most = 0;
    const lac_window w = lac_view_window(&small, 60, 80, &s);
    LAC_CHECK(w.height == 60 && w.width == 60);
    for (int i = 0; i < 300; i++) {
        const lac_window r = lac_view_window(&range, 200, 300, &s);
        LAC_CHECK(r.top >= 0 && r.left >= 0 && r.top + r.height <= 200 && r.left + r.width <= 300);
        least = LAC_MIN(least, r.height);
        most = LAC_MAX(most, r.height);
    }
    LAC_CHECK(least == 100 && most == 200);
    LAC_CHECK_FAILS(lac_view_check(&(lac_view){ .size = 20, .shorter = 10 }), LAC_ERR_CONFIG, "the shorter side is 10");
}

LAC_TEST(loader_names_the_picture_that_cannot_be_read)
{
    char path[512];
    lac_pack *p;
    lac_set *set;
    lac_loader *l;
    const lac_batch *b;
    snprintf(path, sizeof path, "%s/bad.h5", lac_test_folder());
    LAC_CHECK_STATUS(lac_pack_new(&p, path, "bad"));
    for (int i = 0; i < 3; i++) {
        const lac_record r = { .height = 30, .width = 30, .length = 10, .name = i == 0 ? "x.jpg" : i == 1 ? "y.jpg" : "z.jpg", .split = "train" };
        LAC_CHECK_STATUS(lac_pack_add(p, &r, "not a jpeg"));
    }
    LAC_CHECK_STATUS(lac_pack_finish(p));
    LAC_CHECK_STATUS(lac_set_open(&set, path));
    const lac_source source = { set, "train", 1 };
    lac_loader_config c = usual(&source);
    c.evaluate = true;
    c.view.flip = false;
    LAC_CHECK_STATUS(lac_loader_new(&l, &c));
    for (int twice = 0; twice < 2; twice++)
        LAC_CHECK_FAILS(lac_loader_next(l, &b), LAC_ERR_FORMAT, "x.jpg");
    lac_loader_free(l);
    lac_set_close(set);
}
