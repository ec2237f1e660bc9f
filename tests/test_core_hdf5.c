#include "core/file/atomic.h"
#include "core/file/hdf5.h"
#include "tests/harness/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *in_folder(const char *name)
{
    static char path[8][256];
    static int turn;
    char *p = path[turn++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", lac_test_folder(), name);
    return p;
}

static const float numbers[6] = { 1, -2, 3.5f, 0, 1e-30f, 1e30f };
static const char *const words[3] = { "harbour", "", "Ufer \xc3\xbc" };

static void write_sample(const char *path)
{
    lac_hdf5 *f;
    const uint16_t half[2] = { 0x3f80, 0xc000 };
    const int64_t big[1] = { INT64_MIN };
    LAC_CHECK_STATUS(lac_hdf5_create(&f, path));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "net/a.weight", LAC_F32, 2, (int64_t[]){ 2, 3 }, numbers));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "net/b", LAC_BF16, 1, (int64_t[]){ 2 }, half));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "step", LAC_I64, 0, NULL, big));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "nothing", LAC_F32, 2, (int64_t[]){ 0, 4 }, NULL));
    LAC_CHECK_STATUS(lac_hdf5_write_strings(f, "words", 3, words));
    LAC_CHECK_STATUS(lac_hdf5_write_string(f, "config", "{}"));
    LAC_CHECK_STATUS(lac_hdf5_declare(f, "rows", LAC_U8, 2, (int64_t[]){ 4, 2 }));
    LAC_CHECK_STATUS(lac_hdf5_write_rows(f, "rows", 2, 2, "efgh"));
    LAC_CHECK_STATUS(lac_hdf5_write_rows(f, "rows", 0, 2, "abcd"));
    LAC_CHECK_STATUS(lac_hdf5_write_attribute(f, "/", "kind", "sample"));
    LAC_CHECK_FAILS(lac_hdf5_write(f, "step", LAC_I64, 0, NULL, big), LAC_ERR_KEY, "already");
    LAC_CHECK_FAILS(lac_hdf5_write(f, "/x", LAC_I64, 0, NULL, big), LAC_ERR_ARG, "no name");
    LAC_CHECK_STATUS(lac_hdf5_commit(f));
}

LAC_TEST(hdf5_gives_back_what_was_written)
{
    const char *path = in_folder("a.h5");
    lac_hdf5 *f;
    lac_hdf5_strings s;
    float back[6];
    char rows[8], *text;
    write_sample(path);
    LAC_CHECK_STATUS(lac_hdf5_open(&f, path));
    LAC_CHECK_STATUS(lac_hdf5_read(f, "net/a.weight", LAC_F32, 2, (int64_t[]){ 2, 3 }, back));
    LAC_CHECK(memcmp(back, numbers, sizeof back) == 0);
    LAC_CHECK_STATUS(lac_hdf5_read(f, "rows", LAC_U8, 2, (int64_t[]){ 4, 2 }, rows));
    LAC_CHECK(memcmp(rows, "abcdefgh", 8) == 0);
    LAC_CHECK_STATUS(lac_hdf5_read_strings(f, "words", &s));
    LAC_CHECK(s.n == 3 && strcmp(s.item[0], words[0]) == 0 && strcmp(s.item[1], "") == 0 && strcmp(s.item[2], words[2]) == 0);
    lac_hdf5_strings_free(&s);
    LAC_CHECK_STATUS(lac_hdf5_read_string(f, "config", &text));
    LAC_CHECK(strcmp(text, "{}") == 0);
    free(text);
    LAC_CHECK_STATUS(lac_hdf5_read_attribute(f, "/", "kind", &text));
    LAC_CHECK(strcmp(text, "sample") == 0);
    free(text);
    lac_tensor *x;
    LAC_CHECK_STATUS(lac_hdf5_read_tensor(f, "net/b", &x));
    LAC_CHECK(x->dtype == LAC_BF16 && x->dim[0] == 2 && ((uint16_t *)x->data)[1] == 0xc000);
    lac_tensor_free(x);
    LAC_CHECK(lac_hdf5_has(f, "net") && lac_hdf5_has(f, "step") && !lac_hdf5_has(f, "net/c") && !lac_hdf5_has(f, "no/c"));
    lac_hdf5_close(f);
}

LAC_TEST(hdf5_lists_names_in_byte_order)
{
    const char *path = in_folder("a.h5");
    lac_hdf5 *f;
    lac_hdf5_strings s;
    write_sample(path);
    LAC_CHECK_STATUS(lac_hdf5_open(&f, path));
    LAC_CHECK_STATUS(lac_hdf5_list(f, "/", &s));
    const char *const expected[] = { "config", "net/a.weight", "net/b", "nothing", "rows", "step", "words" };
    LAC_CHECK(s.n == 7);
    for (int i = 0; i < 7; i++)
        LAC_CHECK(strcmp(s.item[i], expected[i]) == 0);
    lac_hdf5_strings_free(&s);
    LAC_CHECK_STATUS(lac_hdf5_list(f, "net", &s));
    LAC_CHECK(s.n == 2 && strcmp(s.item[1], "net/b") == 0);
    lac_hdf5_strings_free(&s);
    lac_hdf5_close(f);
}

LAC_TEST(hdf5_checks_type_and_shape_before_reading)
{
    const char *path = in_folder("a.h5");
    lac_hdf5 *f;
    float back[6];
    int64_t dim[2] = { -1, 4 };
    void *p = NULL;
    write_sample(path);
    LAC_CHECK_STATUS(lac_hdf5_open(&f, path));
    LAC_CHECK_FAILS(lac_hdf5_read(f, "net/a.weight", LAC_F32, 2, (int64_t[]){ 3, 2 }, back), LAC_ERR_FORMAT, "is f32 [2,3], expected f32 [3,2]");
    LAC_CHECK_FAILS(lac_hdf5_read(f, "words", LAC_F32, 1, (int64_t[]){ 3 }, back), LAC_ERR_FORMAT, "is text");
    LAC_CHECK_FAILS(lac_hdf5_read(f, "gone", LAC_F32, 0, NULL, back), LAC_ERR_KEY, "has no 'gone'");
    LAC_CHECK_FAILS(lac_hdf5_read_new(f, "net/a.weight", LAC_F32, 2, dim, &p), LAC_ERR_FORMAT, "expected f32");
    dim[1] = 3;
    LAC_CHECK_STATUS(lac_hdf5_read_new(f, "net/a.weight", LAC_F32, 2, dim, &p));
    LAC_CHECK(dim[0] == 2);
    free(p);
    lac_hdf5_close(f);
}

LAC_TEST(hdf5_same_calls_same_bytes)
{
    const char *one = in_folder("a.h5"), *two = in_folder("b.h5");
    char *a, *b;
    size_t na, nb;
    write_sample(one);
    sleep(1);                   /* a second later: no time is stored */
    write_sample(two);
    LAC_CHECK_STATUS(lac_file_read(one, 1 << 20, &a, &na));
    LAC_CHECK_STATUS(lac_file_read(two, 1 << 20, &b, &nb));
    LAC_CHECK(na == nb && memcmp(a, b, na) == 0);
    free(a);
    free(b);
}

LAC_TEST(hdf5_reads_what_h5py_wrote)
{
    lac_hdf5 *f;
    float x[6];
    uint16_t h[3];
    char *text;
    LAC_CHECK_STATUS(lac_hdf5_open(&f, lac_test_golden("hdf5_h5py.h5")));
    LAC_CHECK_STATUS(lac_hdf5_read(f, "group/x", LAC_F32, 2, (int64_t[]){ 2, 3 }, x));
    for (int i = 0; i < 6; i++)
        LAC_CHECK(x[i] == 0.5f * (float)i - 1);
    LAC_CHECK_STATUS(lac_hdf5_read(f, "half", LAC_F16, 1, (int64_t[]){ 3 }, h));
    LAC_CHECK(h[0] == 0x3c00 && h[1] == 0xc000 && h[2] == 0x3555);
    LAC_CHECK_STATUS(lac_hdf5_read_attribute(f, "group", "note", &text));
    LAC_CHECK(strcmp(text, "by h5py") == 0);
    free(text);
    LAC_CHECK_FAILS(lac_hdf5_read_tensor(f, "chunked", &(lac_tensor *){ NULL }), LAC_ERR_FORMAT, "contiguous");
    LAC_CHECK_FAILS(lac_hdf5_read_tensor(f, "complex", &(lac_tensor *){ NULL }), LAC_ERR_FORMAT, "has a type other than");
    LAC_CHECK_FAILS(lac_hdf5_read_tensor(f, "outside", &(lac_tensor *){ NULL }), LAC_ERR_KEY, "has no 'outside'");
    lac_hdf5_close(f);
}

/* Everything a reader does, on a file that may be anything. */
static lac_status read_everything(const char *path)
{
    lac_hdf5 *f;
    lac_hdf5_strings names;
    LAC_TRY(lac_hdf5_open(&f, path));
    lac_status s = lac_hdf5_list(f, "/", &names);
    for (int64_t i = 0; s == LAC_OK && i < names.n; i++) {
        lac_hdf5_entry e;
        lac_hdf5_strings text = { 0 };
        lac_tensor *x = NULL;
        s = lac_hdf5_info(f, names.item[i], &e);
        if (s == LAC_OK)
            s = e.text ? lac_hdf5_read_strings(f, names.item[i], &text) : lac_hdf5_read_tensor(f, names.item[i], &x);
        lac_hdf5_strings_free(&text);
        lac_tensor_free(x);
    }
    lac_hdf5_strings_free(&names);
    lac_hdf5_close(f);
    return s;
}

LAC_TEST(hdf5_cut_off_anywhere_is_an_error)
{
    const char *path = in_folder("a.h5"), *cut = in_folder("cut.h5");
    char *bytes;
    size_t n;
    write_sample(path);
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &bytes, &n));
    for (size_t keep = 0; keep < n; keep += 37) {
        LAC_CHECK_STATUS(lac_file_write(cut, bytes, keep));
        LAC_CHECK_FAILS(read_everything(cut), LAC_ERR_FORMAT, "cut.h5");
    }
    free(bytes);
}

/* A flipped bit is either in data (no structure to notice it) or found out; never a crash, never another kind of error. */
LAC_TEST(hdf5_flipped_bits_are_found_out_or_harmless)
{
    const char *path = in_folder("a.h5"), *bad = in_folder("bad.h5");
    char *bytes;
    size_t n, found = 0;
    write_sample(path);
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &bytes, &n));
    for (size_t at = 0; at < n; at += 7) {
        bytes[at] ^= (char)(1 << at % 8);
        FILE *f = fopen(bad, "wb");
        LAC_CHECK(f != NULL && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
        const lac_status s = read_everything(bad);
        LAC_CHECK(s == LAC_OK || ((s == LAC_ERR_FORMAT || s == LAC_ERR_KEY) && strstr(lac_error_message(), "bad.h5") != NULL));
        found += s != LAC_OK;
        bytes[at] ^= (char)(1 << at % 8);
    }
    LAC_CHECK(found > n / 7 / 4);
    free(bytes);
}

LAC_TEST(hdf5_other_files_are_refused)
{
    const char *path = in_folder("x.h5");
    lac_hdf5 *f;
    LAC_CHECK_STATUS(lac_file_write(path, "not this", 8));
    LAC_CHECK_FAILS(lac_hdf5_open(&f, path), LAC_ERR_FORMAT, "x.h5");
    LAC_CHECK_FAILS(lac_hdf5_open(&f, in_folder("gone.h5")), LAC_ERR_IO, "No such file");
    LAC_CHECK_FAILS(lac_hdf5_open(&f, lac_test_folder()), LAC_ERR_IO, "not a regular file");
    LAC_CHECK_FAILS(lac_hdf5_create(&f, "/nowhere/x.h5"), LAC_ERR_IO, "/nowhere/x.h5");
}

/* A size limit on files stands for the full disk: write() fails in the middle. */
LAC_TEST(hdf5_full_disk_leaves_the_old_file)
{
    const char *path = in_folder("a.h5");
    lac_hdf5 *f;
    struct rlimit before, small;
    static const float much[1 << 16];
    write_sample(path);
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 1 << 16;
    LAC_CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    lac_status s = lac_hdf5_create(&f, path);
    if (s == LAC_OK) {
        s = lac_hdf5_write(f, "much", LAC_F32, 1, (int64_t[]){ 1 << 16 }, much);
        if (s == LAC_OK)
            s = lac_hdf5_commit(f);
        else
            lac_hdf5_close(f);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, old);
    LAC_CHECK(s == LAC_ERR_IO && strstr(lac_error_message(), "cannot write") != NULL);
    LAC_CHECK_STATUS(read_everything(path));
}
