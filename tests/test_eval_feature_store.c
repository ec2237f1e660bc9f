/* What networks made of pictures, kept in a file: found again, shared, and safe against what was written by half. */
#include "core/file/atomic.h"
#include "eval/feature_store.h"
#include "tests/harness/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 5, RECORD = 32 + 4 * N + 8 };

static lac_memo_key key_of(int i)
{
    lac_memo_key key;
    lac_sha256_of(&i, sizeof i, key.digest);
    return key;
}

static void put(lac_feature_store *s, int i)
{
    const float value[N] = { (float)i, 1, 2, 3, (float)-i };
    const lac_memo_key key = key_of(i);
    LAC_CHECK_STATUS(lac_feature_store_put(s, &key, value));
}

static bool has(const lac_feature_store *s, int i)
{
    float value[N] = { -1 };
    const lac_memo_key key = key_of(i);
    const bool there = lac_feature_store_get(s, &key, value);
    LAC_CHECK(!there || (value[0] == (float)i && value[N - 1] == (float)-i));
    return there;
}

static const char *file_in(const char *folder)
{
    static char path[1024];
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    closedir(d);
    return path;
}

static int64_t size_of(const char *path)
{
    struct stat st;
    LAC_CHECK(stat(path, &st) == 0);
    return st.st_size;
}

LAC_TEST(features_that_were_kept_are_found_again)
{
    char folder[512];
    lac_feature_store *a, *b;
    snprintf(folder, sizeof folder, "%s/deep/cache", lac_test_folder());
    LAC_CHECK_STATUS(lac_feature_store_open(&a, folder, "net 1", N));
    LAC_CHECK_STATUS(lac_feature_store_open(&b, folder, "net 1", N));
    for (int i = 0; i < 1500; i++)          /* more than the table begins with; two at a time */
        put(i % 2 ? a : b, i);
    LAC_CHECK(has(a, 1) && !has(a, 2) && has(b, 2));
    lac_feature_store_close(a);
    LAC_CHECK_STATUS(lac_feature_store_open(&a, folder, "net 1", N));
    for (int i = 0; i < 1500; i++)
        LAC_CHECK(has(a, i));
    LAC_CHECK(!has(a, 1500));
    lac_feature_store_close(a), lac_feature_store_close(b);
    LAC_CHECK_STATUS(lac_feature_store_open(&a, folder, "net 2", N));
    LAC_CHECK(!has(a, 1));
    lac_feature_store_close(a);
    lac_feature_store_close(NULL);
}

LAC_TEST(half_a_record_is_written_over_and_a_spoilt_one_is_not_there)
{
    char folder[512], path[1024];
    lac_feature_store *s;
    snprintf(folder, sizeof folder, "%s/half", lac_test_folder());
    LAC_CHECK_STATUS(lac_feature_store_open(&s, folder, "net", N));
    for (int i = 0; i < 3; i++)
        put(s, i);
    lac_feature_store_close(s);
    snprintf(path, sizeof path, "%s", file_in(folder));
    const int64_t whole = size_of(path);
    LAC_CHECK(truncate(path, whole - 7) == 0);
    LAC_CHECK_STATUS(lac_feature_store_open(&s, folder, "net", N));
    LAC_CHECK(has(s, 0) && has(s, 1) && !has(s, 2));
    put(s, 2);
    LAC_CHECK(has(s, 2) && size_of(path) == whole);
    lac_feature_store_close(s);
    FILE *f = fopen(path, "r+b");
    LAC_CHECK(fseek(f, whole - RECORD - 20, SEEK_SET) == 0 && fputc(0x55, f) != EOF && fclose(f) == 0);
    LAC_CHECK_STATUS(lac_feature_store_open(&s, folder, "net", N));
    LAC_CHECK(has(s, 0) && !has(s, 1) && has(s, 2));
    put(s, 1);
    LAC_CHECK(has(s, 1));
    lac_feature_store_close(s);
    LAC_CHECK_STATUS(lac_file_write(path, "something else, and long enough to be looked at as if it were a store, with a head and a record", 94));
    LAC_CHECK_FAILS(lac_feature_store_open(&s, folder, "net", N), LAC_ERR_FORMAT, "does not begin as a store");
}

static lac_status never(void *context, const int64_t *at, int64_t n, float *value)
{
    (void)at, (void)value;
    *(int64_t *)context += n;
    for (int64_t i = 0; i < n * N; i++)
        value[i] = (float)at[i / N];
    return LAC_OK;
}

LAC_TEST(a_memo_runs_nothing_that_is_kept)
{
    char folder[512];
    int64_t runs = 0;
    lac_memo_key key[4];
    float first[4 * N], again[4 * N];
    snprintf(folder, sizeof folder, "%s/memo", lac_test_folder());
    for (int i = 0; i < 4; i++)
        key[i] = key_of(i);
    for (int turn = 0; turn < 2; turn++) {
        lac_memo *m;
        lac_feature_store *s;
        LAC_CHECK_STATUS(lac_memo_new(&m, 2, N));
        LAC_CHECK_STATUS(lac_feature_store_open(&s, folder, "net", N));
        lac_memo_keep(m, s);
        LAC_CHECK_STATUS(lac_memo_values(m, key, turn == 0 ? 3 : 4, never, &runs, turn == 0 ? first : again));
        LAC_CHECK(runs == (turn == 0 ? 3 : 4));
        lac_memo_free(m);
    }
    LAC_CHECK(memcmp(first, again, 3 * N * sizeof *first) == 0 && again[3 * N] == 3);
}
