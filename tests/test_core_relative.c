/* Paths as seen from a folder. */
#include "core/file/atomic.h"
#include "core/file/relative.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LAC_TEST(a_path_is_said_from_a_folder)
{
    static const char *const cases[][3] = {
        { "a", "a/b", "b" }, { "a/b", "a", ".." }, { "a", "a", "." }, { "a/b", "a/bc", "../bc" }, { "a/bc", "a/b", "../b" }, { "a/b/c", "d/e", "../../../d/e" }, { "a/b/c", "a/bc", "../../bc" },
    };
    const char *f = lac_test_folder();
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char from[300], to[300], *path;
        snprintf(from, sizeof from, "%s/%s", f, cases[i][0]);
        snprintf(to, sizeof to, "%s/%s", f, cases[i][1]);
        LAC_CHECK_STATUS(lac_make_folders(from));
        LAC_CHECK_STATUS(lac_make_folders(to));
        LAC_CHECK_STATUS(lac_path_relative(&path, from, to));
        if (strcmp(path, cases[i][2]) != 0)
            print_error("%s from %s: '%s'\n", cases[i][1], cases[i][0], path);
        LAC_CHECK(strcmp(path, cases[i][2]) == 0);
        free(path);
    }
    char *path;
    LAC_CHECK_FAILS(lac_path_relative(&path, f, "/no/such"), LAC_ERR_IO, "cannot find '/no/such'");
    LAC_CHECK_STATUS(lac_path_relative(&path, "/", "/usr"));
    LAC_CHECK(strcmp(path, "usr") == 0);
    free(path);
    LAC_CHECK_STATUS(lac_path_relative(&path, "/usr", "/"));
    LAC_CHECK(strcmp(path, "..") == 0);
    free(path);
}

LAC_TEST(folders_of_files_and_names_in_folders)
{
    char *path;
    LAC_CHECK_STATUS(lac_path_folder(&path, "a/b.json"));
    LAC_CHECK(strcmp(path, "a") == 0);
    free(path);
    LAC_CHECK_STATUS(lac_path_folder(&path, "/b"));
    LAC_CHECK(strcmp(path, "/") == 0);
    free(path);
    LAC_CHECK_STATUS(lac_path_folder(&path, "b"));
    LAC_CHECK(strcmp(path, ".") == 0);
    free(path);
    LAC_CHECK_STATUS(lac_path_join(&path, "a", "/b"));
    LAC_CHECK(strcmp(path, "/b") == 0);
    free(path);
}
