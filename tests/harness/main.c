#include "tests/harness/test.h"

#include <ftw.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TESTS = 4096 };
static struct { const char *file; struct CMUnitTest test; } known[MAX_TESTS];
static int n_known;
static char folder[64];

void lac_test_register(const char *file, const char *name, CMUnitTestFunction run)
{
    if (n_known == MAX_TESTS)
        abort();
    known[n_known].file = file;
    known[n_known++].test = (struct CMUnitTest){ .name = name, .test_func = run };
}

double lac_gap(const float *a, const float *b, int64_t n)
{
    double difference = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return difference == 0 ? 0 : sqrt(difference / (size > 0 ? size : 1));
}

double lac_farthest(const float *a, const float *b, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

json_t *lac_test_json(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_loads(text, 0, NULL);
    LAC_CHECK(value != NULL);
    return value;
}

const char *lac_test_source(void)
{
    const char *elsewhere = getenv("LAC_TEST_SOURCE");
    return elsewhere != NULL ? elsewhere : LAC_SOURCE_DIR;
}

const char *lac_test_golden(const char *name)
{
    static char path[16][512];
    static int turn;
    char *p = path[turn++ & 15];
    snprintf(p, sizeof path[0], "%s/tests/golden/%s", lac_test_source(), name);
    return p;
}

const char *lac_test_folder(void)
{
    static char path[256][96];
    static int turn;
    char *p = path[turn % 256];
    snprintf(p, sizeof path[0], "%s/%d", folder, turn++);
    mkdir(p, 0700);
    return p;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *w)
{
    (void)s, (void)type, (void)w;
    return remove(path);
}

/* Files with tests, each once. */
static int list_files(void)
{
    for (int i = 0; i < n_known; i++)
        if (i == 0 || strcmp(known[i].file, known[i - 1].file) != 0)
            puts(known[i].file + (strncmp(known[i].file, LAC_SOURCE_DIR "/", strlen(LAC_SOURCE_DIR "/")) == 0 ? strlen(LAC_SOURCE_DIR "/") : 0));
    return 0;
}

/* harness/device.c, in programs that have it. */
lac_status lac_test_device_ready(void) __attribute__((weak));
/* harness/program.c, likewise. */
int lac_test_program(int argc, char **argv) __attribute__((weak));

/* lacuna-tests [FILE [TEST]]: all tests, those of one file, or one of them; lacuna-tests --list: the files; lacuna-tests --device: nothing but
 * whether the device that is to be tested is there; lacuna-tests --as COMMAND ...: the program's command, with the recipes of tests. */
int main(int argc, char **argv)
{
    static struct CMUnitTest chosen[MAX_TESTS];
    size_t n = 0;
    if (argc > 2 && strcmp(argv[1], "--as") == 0 && lac_test_program != NULL)
        return lac_test_program(argc - 2, argv + 2);
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_files();
    if (lac_test_device_ready != NULL && lac_test_device_ready() != LAC_OK) {
        fprintf(stderr, "%s\n", lac_error_message());
        return 1;
    }
    if (argc == 2 && strcmp(argv[1], "--device") == 0)
        return 0;
    for (int i = 0; i < n_known; i++)
        if ((argc < 2 || strstr(known[i].file, argv[1]) != NULL) && (argc < 3 || strcmp(known[i].test.name, argv[2]) == 0))
            chosen[n++] = known[i].test;
    if (n == 0) {
        fprintf(stderr, "lacuna-tests: no test in '%s'\n", argc > 1 ? argv[1] : "");
        return 1;
    }
    strcpy(folder, "/tmp/lacuna-test-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);       /* what was said before a crash is not lost: scripts/test counts it */
    const int failed = _cmocka_run_group_tests(argc > 1 ? argv[1] : "all", chosen, n, NULL, NULL);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return failed ? 1 : 0;
}
