#include "core/image/image.h"

#include "core/file/atomic.h"
#include "core/memory.h"
#include "tests/harness/golden.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static lac_image gradient(int64_t height, int64_t width, int channels)
{
    lac_image image;
    LAC_CHECK_STATUS(lac_image_new(&image, height, width, channels));
    for (int64_t i = 0; i < height * width * channels; i++)
        image.pixels[i] = (uint8_t)(i * 7 + i / 5);
    return image;
}

static bool same(const lac_image *a, const lac_image *b)
{
    return a->height == b->height && a->width == b->width && a->channels == b->channels &&
           memcmp(a->pixels, b->pixels, (size_t)(a->height * a->width * a->channels)) == 0;
}

LAC_TEST(png_gives_back_what_was_written)
{
    for (int c = 1; c <= 4; c += c == 1 ? 2 : 1) {
        lac_image image = gradient(9, 14, c), back;
        const char *folder = lac_test_folder();
        char path[256];
        snprintf(path, sizeof path, "%s/a.png", folder);
        LAC_CHECK_STATUS(lac_image_save_png(&image, path));
        LAC_CHECK_STATUS(lac_image_load(&back, path, c));
        LAC_CHECK(same(&image, &back));
        lac_image_free(&image);
        lac_image_free(&back);
    }
}

LAC_TEST(jpeg_stays_near_what_was_written)
{
    lac_image image, back;
    LAC_CHECK_STATUS(lac_image_new(&image, 32, 48, 3));
    for (int64_t i = 0; i < 32 * 48; i++)
        for (int c = 0; c < 3; c++)
            image.pixels[3 * i + c] = (uint8_t)(i % 48 * 4 + c * 20);
    uint8_t *bytes;
    size_t size;
    LAC_CHECK_STATUS(lac_image_encode_jpeg(&image, 95, &bytes, &size));
    LAC_CHECK_STATUS(lac_image_decode(&back, bytes, size, 3, "a.jpg"));
    for (int64_t i = 0; i < 32 * 48 * 3; i++)
        LAC_CHECK(abs(image.pixels[i] - back.pixels[i]) <= 4);     /* quality 95 quantises these smooth blocks by 1 or 2 */
    free(bytes);
    lac_image_free(&image);
    lac_image_free(&back);
}

/* Every proper beginning of a sound file is refused, by name, and leaves nothing behind. */
static void refuses_every_cut(const uint8_t *bytes, size_t size)
{
    for (size_t n = 0; n < size; n++) {
        uint8_t *cut;
        LAC_CHECK_STATUS(lac_malloc((void **)&cut, n));            /* of its own, so that a sanitizer sees a read beyond */
        memcpy(cut, bytes, n);
        lac_image image;
        LAC_CHECK_FAILS(lac_image_decode(&image, cut, n, 3, "cut.file"), LAC_ERR_FORMAT, "cut.file");
        LAC_CHECK(image.pixels == NULL);
        free(cut);
    }
}

LAC_TEST(a_file_cut_anywhere_is_an_error)
{
    lac_image image = gradient(17, 23, 3);
    uint8_t *bytes;
    size_t size;
    LAC_CHECK_STATUS(lac_image_encode_png(&image, &bytes, &size));
    refuses_every_cut(bytes, size);
    free(bytes);
    LAC_CHECK_STATUS(lac_image_encode_jpeg(&image, 80, &bytes, &size));
    refuses_every_cut(bytes, size);
    free(bytes);
    lac_image_free(&image);
}

LAC_TEST(a_png_with_a_flipped_bit_is_an_error)
{
    lac_image image = gradient(6, 7, 3), broken;
    uint8_t *bytes;
    size_t size;
    LAC_CHECK_STATUS(lac_image_encode_png(&image, &bytes, &size));
    for (size_t i = 8; i < size; i++) {                             /* every chunk here is critical and has a checksum */
        bytes[i] ^= 0x10;
        LAC_CHECK(lac_image_decode(&broken, bytes, size, 3, "flipped.png") == LAC_ERR_FORMAT);
        bytes[i] ^= 0x10;
    }
    free(bytes);
    lac_image_free(&image);
}

/* Big-endian 16 bits at each place where a JPEG frame header gives the height; a small file then claims many pixels. */
static void claim_height(uint8_t *bytes, size_t size, int height)
{
    for (size_t i = 0; i + 6 < size; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) {
            bytes[i + 5] = (uint8_t)(height >> 8);
            bytes[i + 6] = (uint8_t)height;
            return;
        }
    fail_msg("no frame header");
}

LAC_TEST(a_small_file_cannot_ask_for_much_memory)
{
    lac_image image = gradient(8, 5000, 3), huge;
    uint8_t *bytes;
    size_t size;
    memset(image.pixels, 9, 8 * 5000 * 3);
    LAC_CHECK_STATUS(lac_image_encode_jpeg(&image, 80, &bytes, &size));
    claim_height(bytes, size, 50000);
    LAC_CHECK_FAILS(lac_image_decode(&huge, bytes, size, 3, "liar.jpg"), LAC_ERR_FORMAT, "cannot lie in");
    claim_height(bytes, size, 65000);
    int64_t h, w;
    LAC_CHECK_FAILS(lac_image_probe(bytes, size, &h, &w, "liar.jpg"), LAC_ERR_FORMAT, "65000 x 5000");
    free(bytes);
    lac_image_free(&image);
}

LAC_TEST(probe_reads_the_size)
{
    lac_image image = gradient(5, 12, 1);
    uint8_t *bytes;
    size_t size;
    int64_t h, w;
    LAC_CHECK_STATUS(lac_image_encode_png(&image, &bytes, &size));
    LAC_CHECK_STATUS(lac_image_probe(bytes, size, &h, &w, "a.png"));
    LAC_CHECK(h == 5 && w == 12);
    free(bytes);
    LAC_CHECK_STATUS(lac_image_encode_jpeg(&image, 80, &bytes, &size));
    LAC_CHECK_STATUS(lac_image_probe(bytes, size, &h, &w, "a.jpg"));
    LAC_CHECK(h == 5 && w == 12);
    free(bytes);
    LAC_CHECK_FAILS(lac_image_probe((const uint8_t *)"GIF89a..", 8, &h, &w, "a.gif"), LAC_ERR_FORMAT, "neither a PNG nor a JPEG");
    lac_image_free(&image);
}

LAC_TEST(wrong_arguments_are_errors)
{
    lac_image image;
    uint8_t *bytes;
    size_t size;
    LAC_CHECK_FAILS(lac_image_new(&image, 0, 4, 3), LAC_ERR_ARG, "0 x 4");
    LAC_CHECK_FAILS(lac_image_new(&image, 4, 4, 2), LAC_ERR_ARG, "2 channels");
    LAC_CHECK_FAILS(lac_image_new(&image, 1 << 20, (int64_t)1 << 44, 3), LAC_ERR_ARG, "pixels");
    LAC_CHECK_FAILS(lac_image_decode(&image, NULL, 0, 2, "x"), LAC_ERR_ARG, "2 channels");
    LAC_CHECK_FAILS(lac_image_load(&image, "/nowhere/a.png", 3), LAC_ERR_IO, "/nowhere/a.png");
    image = gradient(2, 2, 4);
    LAC_CHECK_FAILS(lac_image_encode_jpeg(&image, 80, &bytes, &size), LAC_ERR_ARG, "4 channels");
    image.channels = 3;
    LAC_CHECK_FAILS(lac_image_encode_jpeg(&image, 0, &bytes, &size), LAC_ERR_ARG, "quality 0");
    lac_image_free(&image);
    LAC_CHECK_FAILS(lac_image_encode_png(&image, &bytes, &size), LAC_ERR_ARG, "empty");
}

LAC_TEST(a_failed_save_leaves_the_old_file)
{
    lac_image image = gradient(3, 3, 3), back;
    char path[256];
    snprintf(path, sizeof path, "%s/missing/a.png", lac_test_folder());
    LAC_CHECK_FAILS(lac_image_save_png(&image, path), LAC_ERR_IO, "missing/a.png");
    snprintf(path, sizeof path, "%s/a.png", lac_test_folder());
    LAC_CHECK_STATUS(lac_image_save_png(&image, path));
    lac_image larger = gradient(30, 30, 3);
    lac_alloc_fail_after(0);
    const lac_status s = lac_image_save_png(&larger, path);
    lac_alloc_fail_after(-1);
    LAC_CHECK(s == LAC_ERR_MEM);
    LAC_CHECK_STATUS(lac_image_load(&back, path, 3));
    LAC_CHECK(same(&image, &back));
    lac_image_free(&larger);
    lac_image_free(&image);
    lac_image_free(&back);
}

/* /dev/full takes the place of a full disk: the file that lies aside is a link to it. */
LAC_TEST(a_full_disk_is_an_error)
{
    lac_image image = gradient(64, 64, 3);
    char path[256], aside[320];
    snprintf(path, sizeof path, "%s/a.png", lac_test_folder());
    snprintf(aside, sizeof aside, "%s.tmp-%ld", path, (long)getpid());
    LAC_CHECK(symlink("/dev/full", aside) == 0);
    LAC_CHECK_FAILS(lac_image_save_png(&image, path), LAC_ERR_IO, "No space left");
    LAC_CHECK(access(path, F_OK) != 0);
    lac_image_free(&image);
}

LAC_TEST(no_allocation_failure_is_lost)
{
    lac_image image = gradient(20, 20, 3), back;
    uint8_t *bytes;
    size_t size;
    LAC_CHECK_STATUS(lac_image_encode_png(&image, &bytes, &size));
    for (int n = 0; n < 10; n++) {
        lac_alloc_fail_after(n);
        const lac_status s = lac_image_decode(&back, bytes, size, 1, "a.png");
        lac_alloc_fail_after(-1);
        LAC_CHECK(s == LAC_OK || (s == LAC_ERR_MEM && back.pixels == NULL));
        lac_image_free(&back);
    }
    free(bytes);
    lac_image_free(&image);
}

/* Decodes NAME.file and compares with NAME.channels where that is there; returns how many comparisons were made. */
static int decodes_as_pillow(const lac_golden *g, const char *name)
{
    lac_shape length, shape;
    uint8_t *bytes = lac_golden_get(g, &length, "%s.file", name);
    int n = 0;
    for (int c = 1; c <= 4; c++) {
        if (!lac_golden_has(g, "%s.%d", name, c))
            continue;
        uint8_t *want = lac_golden_get(g, &shape, "%s.%d", name, c);
        lac_image image;
        LAC_CHECK_STATUS(lac_image_decode(&image, bytes, (size_t)length.dim[0], c, name));
        if (!same(&image, &(lac_image){ shape.dim[0], shape.dim[1], c, want }))
            fail_msg("%s: %d channels differ from Pillow's", name, c);
        lac_image_free(&image);
        free(want);
        n++;
    }
    free(bytes);
    return n;
}

static const char *const pictures[] = {
    "png.grey1", "png.grey2", "png.grey4", "png.grey8", "png.grey16", "png.grey8_interlaced", "png.grey8_key", "png.grey_alpha8",
    "png.grey_alpha16", "png.rgb8", "png.rgb16", "png.rgb8_interlaced", "png.rgb16_interlaced", "png.rgb8_key", "png.rgb8_gamma",
    "png.rgba8", "png.rgba16", "png.rgba8_interlaced", "png.palette1", "png.palette2", "png.palette4", "png.palette8",
    "png.palette1_alpha", "png.palette2_alpha", "png.palette4_alpha", "png.palette8_alpha", "png.filtered", "jpeg.grey", "jpeg.444",
    "jpeg.422", "jpeg.420", "jpeg.progressive", "jpeg.restart", "jpeg.rgb", "jpeg.cmyk", "jpeg.orientation",
};

LAC_TEST(every_kind_of_file_decodes_as_in_pillow)
{
    lac_golden g = lac_golden_open("image.safetensors");
    int n = 0;
    for (size_t i = 0; i < LAC_COUNT(pictures); i++)
        n += decodes_as_pillow(&g, pictures[i]);
    LAC_CHECK(n == 26 * 3 + 1 + 3 * 3 + 6);         /* all but ten in three modes */
    lac_golden_close(&g);
}

LAC_TEST(every_kind_of_file_cut_anywhere_is_an_error)
{
    lac_golden g = lac_golden_open("image.safetensors");
    for (size_t i = 0; i < LAC_COUNT(pictures); i++) {
        lac_shape length;
        uint8_t *bytes = lac_golden_get(&g, &length, "%s.file", pictures[i]);
        refuses_every_cut(bytes, (size_t)length.dim[0]);
        free(bytes);
    }
    lac_golden_close(&g);
}

LAC_TEST(jpeg_is_written_as_pillow_writes_it)
{
    lac_golden g = lac_golden_open("image.safetensors");
    lac_shape shape, length;
    lac_image photo = { .channels = 3, .pixels = lac_golden_get(&g, &shape, "source.photo") };
    photo.height = shape.dim[0];
    photo.width = shape.dim[1];
    uint8_t *want = lac_golden_get(&g, &length, "source.quality85"), *bytes;
    size_t size;
    LAC_CHECK_STATUS(lac_image_encode_jpeg(&photo, 85, &bytes, &size));
    LAC_CHECK((int64_t)size == length.dim[0] && memcmp(bytes, want, size) == 0);
    free(bytes);
    free(want);
    lac_image_free(&photo);
    lac_golden_close(&g);
}
