/* Features of many pictures: they keep their values, and lie in no memory of the process's own. */
#include "eval/spool.h"

#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 6000, WIDTH = 2048 };         /* 49 MB */

/* Memory of this process that stands for no file, in kB. */
static long anonymous(void)
{
    char line[256];
    long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");
    LAC_CHECK(f != NULL);
    while (fgets(line, sizeof line, f) != NULL)
        sscanf(line, "RssAnon: %ld", &kb);
    fclose(f);
    LAC_CHECK(kb >= 0);
    return kb;
}

LAC_TEST(rows_keep_their_values_in_no_memory_of_their_own)
{
    static float *row[ROWS];
    lac_spool *s;
    LAC_CHECK_STATUS(lac_spool_new(&s));
    const long before = anonymous();
    for (int i = 0; i < ROWS; i++) {
        LAC_CHECK_STATUS(lac_spool_take(s, WIDTH - i % 3, &row[i]));
        LAC_CHECK(row[i][0] == 0 && row[i][WIDTH - 3] == 0);
        for (int k = 0; k < WIDTH - i % 3; k++)
            row[i][k] = (float)(i * 7 + k);
    }
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < WIDTH - i % 3; k++)
            LAC_CHECK(row[i][k] == (float)(i * 7 + k));
    LAC_CHECK(anonymous() - before < 4096);         /* a twelfth of the rows; pages of tables and lists */
    lac_spool_free(s);
}

LAC_TEST(a_row_may_be_larger_than_any_before)
{
    float *x;
    lac_spool *s;
    LAC_CHECK_STATUS(lac_spool_new(&s));
    LAC_CHECK_STATUS(lac_spool_take(s, 1, &x));
    LAC_CHECK_STATUS(lac_spool_take(s, 30 << 20, &x));
    x[(30 << 20) - 1] = 1;
    LAC_CHECK_STATUS(lac_spool_take(s, 5, &x));
    LAC_CHECK(x[0] == 0 && x[4] == 0);
    lac_spool_free(s);
}

LAC_TEST(a_folder_without_room_is_named)
{
    float *x;
    lac_spool *s;
    char *usual = getenv("TMPDIR") != NULL ? strdup(getenv("TMPDIR")) : NULL;
    LAC_CHECK_STATUS(lac_spool_new(&s));
    setenv("TMPDIR", "/proc/none", 1);
    LAC_CHECK_FAILS(lac_spool_take(s, 10, &x), LAC_ERR_IO, "cannot keep features in '/proc/none'");
    if (usual != NULL)
        setenv("TMPDIR", usual, 1);
    else
        unsetenv("TMPDIR");
    free(usual);
    lac_spool_free(s);
    lac_spool_free(NULL);
}
