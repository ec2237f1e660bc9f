/* .npz against files that NumPy wrote, and NumPy's rules for headers. */
#include "core/file/npz.h"
#include "core/file/atomic.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refused(const char *path, const char *word)
{
    lac_npz *z;
    lac_tensor *x = NULL;
    lac_status s = lac_npz_open(&z, path);
    if (s == LAC_OK)
        s = lac_npz_read(z, "mu", LAC_F64, &x);
    LAC_CHECK(s != LAC_OK && strstr(lac_error_message(), word) != NULL && x == NULL);
    lac_npz_close(z);
}

LAC_TEST(npz_of_numpy_is_read)         /* stored and deflated; f8, f4, f2; rows or columns first */
{
    static const char *const files[] = { "npz/stored.npz", "npz/deflated.npz" };
    for (size_t k = 0; k < LAC_COUNT(files); k++) {
        lac_npz *z;
        lac_tensor *mu, *sigma, *feats, *half;
        LAC_CHECK_STATUS(lac_npz_open(&z, lac_test_golden(files[k])));
        LAC_CHECK(lac_npz_has(z, "mu") && !lac_npz_has(z, "m"));
        LAC_CHECK_STATUS(lac_npz_read(z, "mu", LAC_F64, &mu));
        LAC_CHECK_STATUS(lac_npz_read(z, "sigma", LAC_F64, &sigma));
        LAC_CHECK_STATUS(lac_npz_read(z, "feats", LAC_F32, &feats));
        LAC_CHECK_STATUS(lac_npz_read(z, "half", LAC_F64, &half));
        LAC_CHECK(mu->ndim == 1 && mu->dim[0] == 3 && sigma->ndim == 2 && sigma->dim[0] == 3 && sigma->dim[1] == 4);
        for (int i = 0; i < 3; i++)
            LAC_CHECK(((double *)mu->data)[i] == 0.1 * (i + 1) && ((double *)half->data)[i] == i + 0.5);
        for (int i = 0; i < 12; i++)
            LAC_CHECK(((double *)sigma->data)[i] == i && ((float *)feats->data)[i % 8] == (float)(i % 8) / 4);
        LAC_CHECK(lac_npz_read(z, "nu", LAC_F64, &mu) == LAC_ERR_KEY);
        lac_tensor_free(mu);
        lac_tensor_free(sigma);
        lac_tensor_free(feats);
        lac_tensor_free(half);
        lac_npz_close(z);
    }
}

LAC_TEST(npz_comes_back_as_it_was_written_and_is_cut_off_nowhere)
{
    double numbers[600];
    lac_tensor x = { .dtype = LAC_F64, .ndim = 2, .dim = { 20, 30 }, .data = numbers }, *back;
    char *bytes, path[256];
    size_t size;
    lac_npz *z;
    for (int i = 0; i < 600; i++)
        numbers[i] = i % 7 / 3.0;
    for (int pack = 0; pack < 2; pack++) {
        snprintf(path, sizeof path, "%s/x.npz", lac_test_folder());
        LAC_CHECK_STATUS(lac_npz_write(path, (lac_npz_array[]){ { "sigma", &x }, { "mu", &x } }, 2, pack));
        LAC_CHECK_STATUS(lac_npz_open(&z, path));
        LAC_CHECK_STATUS(lac_npz_read(z, "mu", LAC_F64, &back));
        LAC_CHECK(lac_same_shape(back, &x) && memcmp(back->data, numbers, sizeof numbers) == 0);
        lac_tensor_free(back);
        lac_npz_close(z);
        LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &bytes, &size));
        LAC_CHECK((size < 9000) == (pack == 1));
        LAC_CHECK_STATUS(lac_file_write(path, bytes, size - 30));
        refused(path, "cut off");
        free(bytes);
    }
}

LAC_TEST(npz_that_lies_is_refused)
{
    refused(lac_test_golden("npz/objects.npz"), "dtype");
    refused(lac_test_golden("npz/short.npz"), "bytes");
    refused(lac_test_golden("npz/huge.npz"), "header");
    refused(lac_test_golden("npz/stored.np"), "cannot open");
}
