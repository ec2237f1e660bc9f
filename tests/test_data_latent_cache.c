/* Files of latents: rows come back as they were given, and what is not whole, or of something else, is as what is not there. */
#include "core/file/atomic.h"
#include "data/latent_cache.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RECORDS = 11, EACH = 4, VIEWS = 2, ROW = 2 * 3 * 4 };

static lac_latent_cache *c;
static const char *folder;      /* of this test; each begins with a fresh one */

static lac_latent_layout layout_of(const char *about, lac_dtype d)
{
    return (lac_latent_layout){ .about = about, .records = RECORDS, .views = VIEWS, .one = { 3, { 2, 3, 4 } }, .name = "moments", .dtype = d, .kept = { true, true }, .each = EACH };
}

static void begin(const char *about, lac_dtype d)
{
    const lac_latent_layout l = layout_of(about, d);
    LAC_CHECK_STATUS(lac_latent_cache_open(&c, folder, &l));
}

/* Exact in bf16. */
static float value(int kind, int64_t row, int64_t k) { return (float)((row * 7 + k * (kind + 1)) % 128) - 64; }

static void fill(void *to, int kind, int64_t first, int64_t rows, lac_dtype d)
{
    for (int64_t i = 0; i < rows * ROW; i++) {
        const float x = value(kind, first + i / ROW, i % ROW);
        if (d == LAC_BF16)
            memcpy((char *)to + 2 * i, &(uint16_t){ lac_f32_to_bf16(x) }, 2);
        else
            ((float *)to)[i] = x;
    }
}

static void put(int64_t file, lac_dtype d)
{
    float rows[2][EACH * VIEWS * ROW], whole[ROW];
    int64_t from, n;
    lac_latent_cache_range(c, file, &from, &n);
    for (int k = 0; k < 2; k++)
        fill(rows[k], k, from * VIEWS, n * VIEWS, d);
    fill(whole, 2, 0, 1, d);
    LAC_CHECK_STATUS(lac_latent_cache_put(c, file, (const void *const[]){ rows[0], rows[1] }, whole));
}

static void check_rows(void)
{
    float x[ROW];
    for (int64_t i = 0; i < RECORDS * VIEWS * 2; i++) {
        const int kind = (int)(i % 2);
        LAC_CHECK_STATUS(lac_latent_cache_read(c, (lac_latent_kind)kind, i / 2 / VIEWS, i / 2 % VIEWS, x));
        for (int64_t k = 0; k < ROW; k++)
            LAC_CHECK(x[k] == value(kind, i / 2, k));
    }
    LAC_CHECK_STATUS(lac_latent_cache_whole(c, x));
    for (int64_t k = 0; k < ROW; k++)
        LAC_CHECK(x[k] == value(2, 0, k));
}

static void round_trip(lac_dtype d)
{
    folder = lac_test_folder();
    begin("one", d);
    LAC_CHECK(lac_latent_cache_files(c) == 3 && !lac_latent_cache_has(c, 0));
    LAC_CHECK(lac_latent_cache_bytes(c) == (int64_t)lac_dtype_size(d) * ROW * (RECORDS * VIEWS * 2 + 1));
    for (int64_t i = 0; i < 3; i++)
        put(2 - i, d);
    LAC_CHECK_STATUS(lac_latent_cache_complete(c));
    check_rows();
    lac_latent_cache_close(c);
    begin("one", d);                                        /* another process finds them */
    LAC_CHECK(lac_latent_cache_has(c, 0) && lac_latent_cache_has(c, 1) && lac_latent_cache_has(c, 2));
    check_rows();
    lac_latent_cache_close(c);
}

LAC_TEST(rows_come_back_as_they_were_given) { round_trip(LAC_F32); }
LAC_TEST(rows_come_back_as_they_were_given_in_bf16) { round_trip(LAC_BF16); }

LAC_TEST(rows_that_are_not_there_are_refused)
{
    float x[ROW];
    folder = lac_test_folder();
    begin("one", LAC_F32);
    put(0, LAC_F32);
    LAC_CHECK_FAILS(lac_latent_cache_complete(c), LAC_ERR_IO, "00001.safetensors");
    LAC_CHECK_FAILS(lac_latent_cache_read(c, LAC_LATENT_PICTURE, EACH, 0, x), LAC_ERR_STATE, "record 4, view 0");
    LAC_CHECK_FAILS(lac_latent_cache_read(c, LAC_LATENT_PICTURE, RECORDS, 0, x), LAC_ERR_STATE, "record 11");
    LAC_CHECK_FAILS(lac_latent_cache_read(c, LAC_LATENT_AROUND, 0, VIEWS, x), LAC_ERR_STATE, "view 2");
    LAC_CHECK_STATUS(lac_latent_cache_read(c, LAC_LATENT_AROUND, EACH - 1, VIEWS - 1, x));
    lac_latent_cache_close(c);
}

static void path_of(char *to, size_t size) { snprintf(to, size, "%s/00000.safetensors", lac_latent_cache_folder(c)); }

/* Cut off anywhere, overwritten, of another text, or of another shape: it is made anew. */
LAC_TEST(a_file_that_is_not_whole_or_of_something_else_is_not_there)
{
    char path[600], other[600], *bytes;
    size_t size;
    folder = lac_test_folder();
    begin("one", LAC_F32);
    put(0, LAC_F32);
    path_of(path, sizeof path);
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &bytes, &size));
    lac_latent_cache_close(c);
    for (size_t keep = 0; keep < size; keep += size / 7) {
        LAC_CHECK_STATUS(lac_file_write(path, bytes, keep));
        begin("one", LAC_F32);
        LAC_CHECK(!lac_latent_cache_has(c, 0) && lac_error_message()[0] == '\0');
        lac_latent_cache_close(c);
    }
    begin("two", LAC_F32);                                  /* in the other's place */
    LAC_CHECK_STATUS(lac_make_folders(lac_latent_cache_folder(c)));
    path_of(other, sizeof other);
    LAC_CHECK_STATUS(lac_file_write(other, bytes, size));
    lac_latent_cache_close(c);
    begin("two", LAC_F32);
    LAC_CHECK(!lac_latent_cache_has(c, 0));
    lac_latent_cache_close(c);
    LAC_CHECK_STATUS(lac_file_write(path, bytes, size));
    begin("one", LAC_BF16);
    LAC_CHECK(!lac_latent_cache_has(c, 0));
    put(0, LAC_BF16);
    LAC_CHECK(lac_latent_cache_has(c, 0));
    lac_latent_cache_close(c);
    free(bytes);
}
