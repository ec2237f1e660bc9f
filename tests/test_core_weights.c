/* safetensors: files of the Python package, our own bytes again, and headers that lie. */
#include "core/file/atomic.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void check_ramp(const lac_weights *w, const char *name, double scale, double shift, double gap)
{
    float x[24];
    const int64_t i = lac_weights_find(w, name);
    LAC_CHECK(i >= 0);
    LAC_CHECK_STATUS(lac_weights_read_f32(w, i, x));
    for (int k = 0; k < 24; k++) {
        const double y = k * scale + shift, e = x[k] > y ? x[k] - y : y - x[k];
        LAC_CHECK(e <= gap);
    }
}

LAC_TEST(weights_of_the_python_package_are_read)
{
    lac_weights *w;
    LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden("weights_peer.safetensors")));
    LAC_CHECK(lac_weights_count(w) == 11 && lac_weights_find(w, "nobody") == -1);
    LAC_CHECK(strcmp(lac_weights_name(w, 0), "bf16") == 0 && strcmp(lac_weights_metadata(w, "note"), "a\nb") == 0);
    LAC_CHECK(lac_weights_metadata(w, "absent") == NULL);
    const lac_shape s = lac_weights_shape(w, lac_weights_find(w, "f32"));
    LAC_CHECK(s.ndim == 3 && s.dim[0] == 2 && s.dim[1] == 3 && s.dim[2] == 4);
    LAC_CHECK(lac_weights_dtype(w, lac_weights_find(w, "bool")) == LAC_U8);
    check_ramp(w, "f32", 1 / 7.0, -1, 2e-7);            /* half a unit in the last place of numbers below 4 */
    check_ramp(w, "f64", 1 / 7.0, -1, 2e-7);
    check_ramp(w, "f16", 1 / 7.0, -1, 1e-3);
    check_ramp(w, "bf16", 1 / 7.0, -1, 8e-3);
    check_ramp(w, "i32", 1, -12, 0);
    check_ramp(w, "i64", 0x1p40, 0, 0);
    uint8_t u8[5], wrong[6];
    LAC_CHECK_STATUS(lac_weights_read(w, lac_weights_find(w, "u8"), u8, 5));
    LAC_CHECK(u8[0] == 0 && u8[4] == 40);
    LAC_CHECK_FAILS(lac_weights_read(w, lac_weights_find(w, "u8"), wrong, 6), LAC_ERR_ARG, "has 5 bytes, 6 wanted");
    LAC_CHECK(lac_weights_find(w, "name with \"quote\" and \xc3\xbc") >= 0);
    lac_weights_close(w);
}

/* Copies a file; `backwards` adds its tensors in the other order. */
static lac_status copy(const char *from, const char *to, bool backwards)
{
    lac_weights *w;
    lac_weights_writer *out;
    void *data[16] = { NULL };
    LAC_TRY(lac_weights_open(&w, from));
    LAC_TRY(lac_weights_writer_new(&out));
    const int64_t n = lac_weights_count(w);
    lac_status s = LAC_OK;
    for (int64_t k = 0; s == LAC_OK && k < n; k++) {
        const int64_t i = backwards ? n - 1 - k : k;
        const lac_shape shape = lac_weights_shape(w, i);
        const size_t size = (size_t)lac_shape_numel(&shape) * lac_dtype_size(lac_weights_dtype(w, i));
        s = lac_malloc(&data[k], size);
        s = s ? s : lac_weights_read(w, i, data[k], size);
        s = s ? s : lac_weights_writer_add(out, lac_weights_name(w, i), lac_weights_dtype(w, i), shape.ndim, shape.dim, data[k]);
    }
    s = s ? s : lac_weights_writer_metadata(out, backwards ? "format" : "note", backwards ? "pt" : "a\nb");
    s = s ? s : lac_weights_writer_metadata(out, backwards ? "note" : "format", backwards ? "a\nb" : "pt");
    s = s ? s : lac_weights_writer_finish(out, to);
    for (int k = 0; k < 16; k++)
        free(data[k]);
    lac_weights_writer_free(out);
    lac_weights_close(w);
    return s;
}

static bool same_bytes(const char *a, const char *b)
{
    char *x, *y;
    size_t n, m;
    LAC_CHECK_STATUS(lac_file_read(a, 1 << 20, &x, &n));
    LAC_CHECK_STATUS(lac_file_read(b, 1 << 20, &y, &m));
    const bool same = n == m && memcmp(x, y, n) == 0;
    free(x), free(y);
    return same;
}

LAC_TEST(weights_are_written_in_one_order_and_the_python_package_has_read_them)
{
    char one[200], two[200];
    const char *folder = lac_test_folder();
    snprintf(one, sizeof one, "%s/one", folder), snprintf(two, sizeof two, "%s/two", folder);
    LAC_CHECK_STATUS(copy(lac_test_golden("weights_peer.safetensors"), one, false));
    LAC_CHECK_STATUS(copy(lac_test_golden("weights_peer.safetensors"), two, true));
    LAC_CHECK(same_bytes(one, two));
    LAC_CHECK(same_bytes(one, lac_test_golden("weights_ours.safetensors")));
}

static lac_status open_bytes(const void *bytes, size_t size)
{
    char path[200];
    lac_weights *w = NULL;
    snprintf(path, sizeof path, "%s/w", lac_test_folder());
    LAC_CHECK_STATUS(lac_file_write(path, bytes, size));
    const lac_status s = lac_weights_open(&w, path);
    LAC_CHECK(s == LAC_OK || strstr(lac_error_message(), path) != NULL);
    lac_weights_close(w);
    return s;
}

/* A file of this header and so many bytes of data. */
static lac_status open_header(const char *header, size_t data)
{
    const uint64_t n = strlen(header);
    char *bytes = calloc(1, 8 + n + data);
    memcpy(bytes, &n, 8);                               /* the tests run on little-endian machines */
    memcpy(bytes + 8, header, n);
    const lac_status s = open_bytes(bytes, 8 + n + data);
    free(bytes);
    return s;
}

#define ONE(dtype, shape, range) "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" range "}}"
#define TWO(first, second) "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" first "}," \
                           "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" second "}}"

LAC_TEST(weights_refuse_a_header_that_lies)
{
    static const struct { const char *header; size_t data; const char *message; } bad[] = {
        { "[]", 0, "not a table" }, { "{", 0, "not JSON" }, { "{\"a\":{},\"a\":{}}", 0, "duplicate" },
        { "{\"a\":1}", 0, "not described by a table" }, { "{\"a\":{}}", 0, "no dtype" },
        { ONE("F8_E4M3", "[4]", "[0,4]"), 4, "unknown dtype 'F8_E4M3'" },
        { ONE("U8", "4", "[0,4]"), 4, "no shape" }, { ONE("U8", "[1,1,1,1,1,1,4]", "[0,4]"), 4, "more than 6 dims" },
        { ONE("U8", "[-4]", "[0,4]"), 4, "not a count" }, { ONE("U8", "[4.0]", "[0,4]"), 4, "not a count" },
        { ONE("F64", "[4294967296,4294967296]", "[0,4]"), 4, "impossible shape" },
        { ONE("F64", "[99999999999999999999]", "[0,4]"), 4, "not JSON" },
        { ONE("U8", "[4]", "[0]"), 4, "no pair" }, { ONE("U8", "[4]", "[-4,0]"), 4, "lies at" },
        { ONE("U8", "[4]", "[4,0]"), 4, "lies at" }, { ONE("U8", "[4]", "[0,5]"), 4, "lies at 0..5 of 4" },
        { ONE("F32", "[4]", "[0,4]"), 4, "should have 16 bytes, has 4" },
        { ONE("U8", "[4]", "[0,4]"), 5, "end at byte 4 of 5" }, { ONE("U8", "[4]", "[1,5]"), 5, "a hole" },
        { TWO("[0,4]", "[2,6]"), 6, "overlap" }, { TWO("[0,4]", "[5,9]"), 9, "a hole" }, { TWO("[0,4]", "[0,4]"), 8, "overlap" },
        { "{\"a\\nb\\u001b[2J\":{}}", 0, "'a?b?[2J'" },                   /* one line, and nothing that a terminal would obey */
        { "{\"__metadata__\":{\"a\":1}}", 0, "not a string" }, { "{\"__metadata__\":[]}", 0, "'__metadata__' is not a table" },
    };
    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        LAC_CHECK_FAILS(open_header(bad[i].header, bad[i].data), LAC_ERR_FORMAT, bad[i].message);
    LAC_CHECK_STATUS(open_header("{}  ", 0));
    LAC_CHECK_STATUS(open_header(ONE("U8", "[4,0]", "[0,0]"), 0));
}

LAC_TEST(weights_refuse_lengths_and_depths_beyond_reason)
{
    LAC_CHECK_FAILS(open_bytes("\0\0\0", 3), LAC_ERR_FORMAT, "too few");
    LAC_CHECK_FAILS(open_bytes("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), LAC_ERR_FORMAT, "a header of 18446744073709551615 bytes");
    LAC_CHECK_FAILS(open_bytes("\x03\0\0\0\0\0\0\0{}", 10), LAC_ERR_FORMAT, "not a whole safetensors file");
    char *deep = malloc(1000001);
    memset(deep, '[', 1000000), deep[1000000] = '\0';
    LAC_CHECK_FAILS(open_header(deep, 0), LAC_ERR_FORMAT, "depth");
    free(deep);
    lac_weights *w;
    LAC_CHECK_FAILS(lac_weights_open(&w, "/nowhere/w"), LAC_ERR_IO, "No such file");
    LAC_CHECK_FAILS(lac_weights_open(&w, "/"), LAC_ERR_FORMAT, "opening weights '/': a folder without weights");
    LAC_CHECK_FAILS(lac_weights_open(&w, "/dev/null"), LAC_ERR_IO, "not a regular file");
}

LAC_TEST(weights_cut_short_after_opening_are_an_error)
{
    char path[200];
    float x[24];
    lac_weights *w;
    snprintf(path, sizeof path, "%s/w", lac_test_folder());
    LAC_CHECK_STATUS(copy(lac_test_golden("weights_peer.safetensors"), path, false));
    LAC_CHECK_STATUS(lac_weights_open(&w, path));
    LAC_CHECK(truncate(path, 900) == 0);
    LAC_CHECK_FAILS(lac_weights_read_f32(w, lac_weights_find(w, "bf16"), x), LAC_ERR_IO, "the file ends at byte");
    lac_weights_close(w);
}

LAC_TEST(weights_writer_refuses_bad_names_and_a_full_disk)
{
    lac_weights_writer *w;
    const float x = 1;
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    LAC_CHECK_FAILS(lac_weights_writer_add(w, "__metadata__", LAC_F32, 0, NULL, &x), LAC_ERR_ARG, "cannot name");
    LAC_CHECK_FAILS(lac_weights_writer_add(w, "\xff", LAC_F32, 0, NULL, &x), LAC_ERR_ARG, "cannot name");
    LAC_CHECK_FAILS(lac_weights_writer_add(w, "a", LAC_F32, 1, (int64_t[]){ -1 }, &x), LAC_ERR_SHAPE, "impossible");
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "a", LAC_F32, 0, NULL, &x));
    LAC_CHECK_FAILS(lac_weights_writer_finish(w, "/nowhere/w"), LAC_ERR_IO, "/nowhere/w");
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "a", LAC_F32, 0, NULL, &x));
    LAC_CHECK_FAILS(lac_weights_writer_finish(w, "/nowhere/w"), LAC_ERR_ARG, "two tensors named 'a'");
    lac_weights_writer_free(w);
}
