/* Statistics in NumPy's .npz; tests/golden/moments.py wrote them. */
#include "eval/moments.h"

#include "core/file/atomic.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

LAC_TEST(statistics_of_both_widths_are_read)
{
    const struct { const char *name; double gap; } file[] = { { "moments-f8.npz", 1e-15 }, { "moments-f4.npz", 1e-7 } };
    for (size_t i = 0; i < LAC_COUNT(file); i++) {
        lac_moments m;
        LAC_CHECK_STATUS(lac_moments_load(&m, lac_test_golden(file[i].name)));
        LAC_CHECK(m.n == 5 && fabs(m.mean[0] + 1) <= file[i].gap && fabs(m.mean[1] + 0.25) <= file[i].gap && fabs(m.mean[4] - 2) <= file[i].gap);
        LAC_CHECK(fabs(m.covariance[1 * 5 + 3] + 0.4319770642237505) <= file[i].gap && m.covariance[3 * 5 + 1] == m.covariance[1 * 5 + 3]);
        lac_moments_free(&m);
    }
}

LAC_TEST(a_file_without_statistics_has_none)
{
    lac_moments m;
    LAC_CHECK_STATUS(lac_moments_load(&m, lac_test_golden("moments-none.npz")));
    LAC_CHECK(m.n == 0 && m.mean == NULL && m.covariance == NULL);
}

LAC_TEST(a_file_that_lies_is_refused)
{
    const char *f = lac_test_folder();
    char path[200], *bytes;
    size_t size;
    lac_moments m;
    LAC_CHECK_FAILS(lac_moments_load(&m, lac_test_golden("moments-shapes.npz")), LAC_ERR_FORMAT, "array 'sigma' is [5,5]");
    snprintf(path, sizeof path, "%s/none.npz", f);
    LAC_CHECK_FAILS(lac_moments_load(&m, path), LAC_ERR_IO, "none.npz");
    LAC_CHECK_STATUS(lac_file_read(lac_test_golden("moments-f4.npz"), 1 << 20, &bytes, &size));
    for (size_t at = 0; at < size; at += 3) {                   /* whatever it says then, it says without harm */
        const char was = bytes[at];
        bytes[at] ^= 0x5a;
        LAC_CHECK_STATUS(lac_file_write(path, bytes, size));
        if (lac_moments_load(&m, path) == LAC_OK)
            lac_moments_free(&m);
        LAC_CHECK_STATUS(lac_file_write(path, bytes, at));      /* cut off there */
        LAC_CHECK(lac_moments_load(&m, path) != LAC_OK);
        bytes[at] = was;
    }
    free(bytes);
}
