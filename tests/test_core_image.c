#include "core/image/image.h"

#include "core/file/atomic.h"
#include "core/memory.h"
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
