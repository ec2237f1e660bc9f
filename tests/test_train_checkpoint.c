/* Checkpoints: to the bit and back; damaged, foreign, cut off by a full disk or a kill. */
#include "core/crc32c.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "core/threads.h"
#include "tests/harness/test.h"
#include "train/checkpoint.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

LAC_TEST(crc32c_gives_the_published_answers)        /* RFC 3720, B.4 */
{
    unsigned char b[32];
    LAC_CHECK(lac_crc32c(0, "123456789", 9) == 0xe3069283u);
    memset(b, 0, sizeof b);
    LAC_CHECK(lac_crc32c(0, b, 32) == 0x8a9136aau);
    memset(b, 255, sizeof b);
    LAC_CHECK(lac_crc32c(0, b, 32) == 0x62a8ab43u);
    for (int i = 0; i < 32; i++)
        b[i] = (unsigned char)i;
    LAC_CHECK(lac_crc32c(0, b, 32) == 0x46dd794eu && lac_crc32c(lac_crc32c(0, b, 13), b + 13, 19) == 0x46dd794eu);
}

enum { WIDE = 30000 };
typedef struct content { float weight[6], wide[WIDE]; int64_t applied; uint16_t half[3]; lac_state state; } content;

static void list(content *c)
{
    c->state = (lac_state){ 0 };
    LAC_CHECK_STATUS(lac_state_add(&c->state, NULL, LAC_F32, 2, (int64_t[]){ 2, 3 }, c->weight, "net/master/%s", "z.weight"));
    LAC_CHECK_STATUS(lac_state_add(&c->state, NULL, LAC_I64, 0, NULL, &c->applied, "net/applied"));
    LAC_CHECK_STATUS(lac_state_add(&c->state, NULL, LAC_BF16, 1, (int64_t[]){ 3 }, c->half, "net/half"));
    LAC_CHECK_STATUS(lac_state_add(&c->state, NULL, LAC_F32, 1, (int64_t[]){ WIDE }, c->wide, "net/master/a.wide"));
    LAC_CHECK_STATUS(lac_state_add(&c->state, NULL, LAC_F32, 1, (int64_t[]){ 0 }, NULL, "net/nothing"));
}

static void fill(content *c, int64_t step)
{
    for (int i = 0; i < WIDE; i++)
        c->wide[i] = (float)(step * 1000 + i);
    for (int i = 0; i < 6; i++)
        c->weight[i] = (float)step / (float)(i + 1);
    c->applied = step;
    c->half[1] = (uint16_t)step;
}

static lac_checkpoint about(int64_t step)
{
    return (lac_checkpoint){ .step = step, .stage = "main", .model = "deepfillv2", .config = "{\"seed\":1}", .numbers = "", .code = "0.1" };
}

static content *new_content(int64_t step)
{
    content *c = calloc(1, sizeof *c);
    list(c);
    fill(c, step);
    return c;
}

static void free_content(content *c)
{
    lac_state_free(&c->state);
    free(c);
}

static lac_status save(const char *folder, int64_t step, int keep)
{
    content *c = new_content(step);
    const lac_checkpoint a = about(step);
    const lac_status s = lac_checkpoint_save(folder, &a, &c->state, keep);
    free_content(c);
    return s;
}

/* Whether the file holds exactly what `save` wrote at that step. */
static bool holds(const char *path, int64_t step)
{
    content *want = new_content(step), *got = new_content(-1);
    LAC_CHECK_STATUS(lac_checkpoint_load(path, "deepfillv2", &got->state));
    const bool same = memcmp(want->weight, got->weight, sizeof got->weight) == 0 && memcmp(want->wide, got->wide, sizeof got->wide) == 0 &&
                      want->applied == got->applied && memcmp(want->half, got->half, sizeof got->half) == 0;
    free_content(want);
    free_content(got);
    return same;
}

static int count_files(const char *folder)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return n;
}

static void in_folder(char to[600], const char *folder, const char *name) { snprintf(to, 600, "%s/%s", folder, name); }

static char notes[8192];
static void take_note(void *context, const char *line) { (void)context; strncat(notes, line, sizeof notes - strlen(notes) - 1); }

LAC_TEST(checkpoints_come_back_to_the_bit)
{
    const char *folder = lac_test_folder();
    char path[600];
    in_folder(path, folder, "step-000007.h5");
    LAC_CHECK_STATUS(save(folder, 7, 3));
    LAC_CHECK(holds(path, 7));
    lac_checkpoint a;
    LAC_CHECK_STATUS(lac_checkpoint_about(&a, path));
    LAC_CHECK(a.step == 7 && strcmp(a.stage, "main") == 0 && strcmp(a.config, "{\"seed\":1}") == 0 && a.numbers[0] == '\0');
    lac_checkpoint_clear(&a);
}

LAC_TEST(checkpoints_of_the_same_content_are_the_same_bytes)
{
    const char *folder = lac_test_folder();
    char path[2][600], *bytes[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        in_folder(path[i], folder, i ? "b/" : "a/");
        LAC_CHECK_STATUS(save(path[i], 12, 1));
        strcat(path[i], "step-000012.h5");
        LAC_CHECK_STATUS(lac_file_read(path[i], 1 << 20, &bytes[i], &size[i]));
    }
    LAC_CHECK(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
    free(bytes[0]);
    free(bytes[1]);
}

LAC_TEST(checkpoints_keep_the_last_few_and_drop_an_abandoned_future)
{
    const char *folder = lac_test_folder();
    char *path;
    LAC_CHECK_STATUS(lac_checkpoint_find(&path, folder, NULL, NULL));
    LAC_CHECK(path == NULL);
    for (int64_t step = 999998; step <= 1000002; step++)
        LAC_CHECK_STATUS(save(folder, step, 2));
    LAC_CHECK(count_files(folder) == 2);
    LAC_CHECK_STATUS(lac_checkpoint_find(&path, folder, NULL, NULL));
    LAC_CHECK(strstr(path, "step-1000002.h5") != NULL && holds(path, 1000002));
    free(path);
    LAC_CHECK_STATUS(save(folder, 5, 2));
    LAC_CHECK_STATUS(lac_checkpoint_find(&path, folder, NULL, NULL));
    LAC_CHECK(strstr(path, "step-000005.h5") != NULL && count_files(folder) == 1);
    free(path);
}

static void damage(const char *path, int64_t at, bool cut)
{
    char *bytes;
    size_t size;
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &bytes, &size));
    at = at < 0 ? (int64_t)size + at : at;
    bytes[at] ^= 0x10;
    LAC_CHECK_STATUS(lac_file_write(path, bytes, cut ? (size_t)at : size));
    free(bytes);
}

LAC_TEST(checkpoints_damaged_ones_are_passed_over_with_a_note)
{
    const char *folder = lac_test_folder();
    char newest[600], *path;
    in_folder(newest, folder, "step-000003.h5");
    const struct { int64_t at; bool cut; } cases[] = { { -1000, true }, { -60000, false }, { 3, false }, { 0, true }, { 100, true } };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        for (int64_t step = 1; step <= 3; step++)
            LAC_CHECK_STATUS(save(folder, step, 3));
        damage(newest, cases[i].at, cases[i].cut);
        notes[0] = '\0';
        LAC_CHECK_STATUS(lac_checkpoint_find(&path, folder, take_note, NULL));
        LAC_CHECK(strstr(path, "step-000002.h5") != NULL && holds(path, 2) && strstr(notes, "step-000003.h5") != NULL);
        free(path);
    }
    for (int64_t step = 1; step <= 2; step++) {
        in_folder(newest, folder, step == 1 ? "step-000001.h5" : "step-000002.h5");
        damage(newest, -60000, false);
    }
    LAC_CHECK_FAILS(lac_checkpoint_find(&path, folder, take_note, NULL), LAC_ERR_FORMAT, "none of the 3 checkpoints");
    LAC_CHECK(path == NULL);
}

LAC_TEST(checkpoints_that_do_not_fit_are_refused_before_anything_is_written)
{
    const char *folder = lac_test_folder();
    char path[600];
    in_folder(path, folder, "step-000007.h5");
    LAC_CHECK_STATUS(save(folder, 7, 3));
    content *c = new_content(1);
    LAC_CHECK_FAILS(lac_checkpoint_load(path, "brushnet", &c->state), LAC_ERR_KEY, "it holds the model 'deepfillv2', not 'brushnet'");
    /* sorted by now: applied, half, a.wide, z.weight, nothing */
    c->state.array[3].shape = (lac_shape){ 2, { 3, 2 } };
    LAC_CHECK_STATUS(lac_state_add(&c->state, NULL, LAC_F32, 0, NULL, c->wide, "net/extra"));
    c->state.array[1].name[5] = 'X';
    const lac_status s = lac_checkpoint_load(path, "deepfillv2", &c->state);
    LAC_CHECK(s == LAC_ERR_KEY && strstr(lac_error_message(), "4 arrays do not fit") != NULL && strchr(lac_error_message(), '\n') == NULL);
    LAC_CHECK(strstr(lac_error_message(), "'net/extra' is missing") && strstr(lac_error_message(), "is surplus"));
    LAC_CHECK(strstr(lac_error_message(), "'net/master/z.weight' is f32 [2,3] in the file, f32 [3,2] here") != NULL);
    LAC_CHECK(c->wide[0] == 1000 && c->applied == 1);
    free_content(c);
    LAC_CHECK_FAILS(lac_checkpoint_load("/nowhere/x.h5", "m", &(lac_state){ 0 }), LAC_ERR_IO, "/nowhere/x.h5");
}

LAC_TEST(checkpoints_survive_a_full_disk)           /* a limit on file size stands in for it */
{
    const char *folder = lac_test_folder();
    char *path;
    struct rlimit before, small;
    LAC_CHECK_STATUS(save(folder, 1, 1));
    LAC_CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    lac_status s = LAC_OK;
    for (rlim_t limit = 100; limit < 120000; limit = limit * 2 + 777) {
        small = (struct rlimit){ limit, before.rlim_max };
        LAC_CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
        s = save(folder, 2, 1);
        LAC_CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
        LAC_CHECK(s == LAC_ERR_IO && strstr(lac_error_message(), "step-000002.h5") != NULL && count_files(folder) == 1);
    }
    signal(SIGXFSZ, handler);
    LAC_CHECK_STATUS(lac_checkpoint_find(&path, folder, NULL, NULL));
    LAC_CHECK(holds(path, 1));
    free(path);
}

static void save_for_ever(const char *folder)
{
    lac_threads_set(1);         /* a forked child has none of its parent's threads */
    for (int64_t step = 1;; step++)
        if (save(folder, step, 3) != LAC_OK)
            _exit(1);
}

LAC_TEST(checkpoints_survive_being_killed)
{
    const char *folder = lac_test_folder();
    char *path;
    LAC_CHECK_STATUS(save(folder, 1, 3));
    for (int round = 0; round < 10; round++) {
        const pid_t child = fork();
        if (child == 0)
            save_for_ever(folder);
        int status;
        usleep((useconds_t)(10000 + 3700 * round));
        kill(child, SIGKILL);
        LAC_CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        notes[0] = '\0';
        LAC_CHECK_STATUS(lac_checkpoint_find(&path, folder, take_note, NULL));
        LAC_CHECK(path != NULL && notes[0] == '\0');
        LAC_CHECK_STATUS(lac_atomic_tidy(folder));
        LAC_CHECK(count_files(folder) <= 4);
        LAC_CHECK(holds(path, strtoll(strstr(path, "step-") + 5, NULL, 10)));
        free(path);
    }
}

LAC_TEST(checkpoints_survive_running_out_of_memory)
{
    const char *folder = lac_test_folder();
    char path[600];
    in_folder(path, folder, "step-000001.h5");
    LAC_CHECK_STATUS(save(folder, 1, 3));
    content *c = new_content(1);
    lac_status s = LAC_ERR_MEM;
    for (int k = 0; s != LAC_OK && k < 200; k++) {
        lac_alloc_fail_after(k);
        s = lac_checkpoint_load(path, "deepfillv2", &c->state);
        lac_alloc_fail_after(-1);
        LAC_CHECK(s == LAC_OK || s == LAC_ERR_MEM);
    }
    LAC_CHECK(s == LAC_OK);
    free_content(c);
}
