/* Every command with its n-th allocation refused, with files that end after n bytes, and a training whose n-th collective fails: a failure
 * with one line, never a crash; under the address sanitizer never a leak. What was there before still is. */
#include "cli/run_hooks.h"
#include "core/comm/wait.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "data/format.h"
#include "tests/harness/cli.h"
#include "tests/harness/objects.h"
#include "tests/harness/ranks.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

typedef struct job {
    const char *name;
    int (*command)(int argc, char **argv);
    const char *words[16];
    const char *makes;              /* a file, NULL: none that is looked at */
    bool spares;                    /* it may do without some memory: pictures of a step that never comes, values of networks that end */
} job;

enum { MAX_JOBS = 32 };

/* The commands over one small run, set, model and picture; each writes below `f`. Ends with a job of no name. */
static void make_jobs(job jobs[MAX_JOBS], const char *f)
{
    char *config = lac_cli_path(f, "tiny.lua"), *text;
    const char *run = lac_cli_run(f), *model = lac_cli_model(f, "m.safetensors", "{\"cnum\": 4}", false, 1);
    const char *out = lac_cli_path(f, "out.png"), *weights = lac_cli_path(f, "w.safetensors"), *imported = lac_cli_path(f, "i.safetensors"), *packed = lac_cli_path(f, "new.h5");
    const char *set = lac_cli_path(f, "set.h5"), *picture = lac_cli_picture(f, "p.png", 40, 36, 1);
    const char *objects = lac_cli_path(f, "objects.h5");
    const char *said = "two coloured\nfields\n";
    LAC_CHECK_STATUS(lac_file_write(lac_cli_path(f, "pictures/train/0.txt"), said, strlen(said)));
    lac_test_objects(objects);
    const char *mask = lac_cli_mask(f, "m.png", 40, 36, 8, 8, 12, 12);
    LAC_CHECK_STATUS(lac_format(&text,
        "return { name = 'again', runs = '%s/runs', recipe = 'deepfill', steps = 1, precision = 'f32', device = 'cpu', batch = { global = 2 },\n"
        "  data = { train = { set = '%s', size = 32 }, eval = { set = '%s', split = 'val', size = 32, mask = 'file:%s/masks.png' } },\n"
        "  model = { generator = { cnum = 4 }, discriminator = { width = 4 } } }", f, set, set, f));
    LAC_CHECK_STATUS(lac_file_write(config, text, strlen(text)));
    free(text);
    const job made[] = {
        { "train", lac_cmd_train, { "train", config }, NULL, true },
        { "dry run", lac_cmd_train, { "train", config, "--dry-run" }, NULL, true },
        { "eval", lac_cmd_eval, { "eval", run, "--split", "val", "--limit", "2", "-o", lac_cli_path(f, "scores") } },
        { "inpaint", lac_cmd_inpaint, { "inpaint", model, "-i", picture, "-m", mask, "-o", out }, out },
        { "export", lac_cmd_export, { "export", run, "-o", weights }, weights },
        { "import", lac_cmd_import, { "import", model, "-o", imported }, imported },
        { "pack", lac_cmd_pack, { "pack", "folder", lac_cli_path(f, "pictures"), "-o", packed, "--captions" }, packed },
        { "lists", lac_cmd_pack, { "pack", "folder", lac_test_golden("layouts/places/places365_val.txt"), "--root", lac_test_golden("layouts/places/val_large"), "-o", packed }, packed },
        { "pairs", lac_cmd_pack, { "pack", "folder", lac_test_golden("layouts/lama"), "--masks", "-o", packed }, packed },
        { "collage", lac_cmd_pack, { "pack", "collage", objects, "-o", packed, "--size", "32", "--count", "2" }, packed },
        { "scenes", lac_cmd_pack, { "pack", "scenes", "-o", packed, "--size", "32", "--count", "1", "--objects", "2", "--pairs" }, packed },
        { "brushbench", lac_cmd_pack, { "pack", "brushbench", "--root", lac_test_golden("layouts/brushbench"), "--task", "inside", "-o", packed }, packed },
        { "brushdata", lac_cmd_pack, { "pack", "brushdata", lac_test_golden("layouts/brushdata/00000.tar"), "-o", packed }, packed },
        { "editbench", lac_cmd_pack, { "pack", "editbench", "--root", lac_test_golden("layouts/editbench"), "--size", "32", "-o", packed }, packed },
        { "coco", lac_cmd_pack, { "pack", "coco", "--images", lac_test_golden("objects/coco/val2017"), "--annotations", lac_test_golden("objects/coco/annotations/instances_val2017.json"),
                                  "--captions", lac_test_golden("objects/coco/annotations/captions_val2017.json"), "--limit", "1", "-o", packed }, packed },
        { "openimages", lac_cmd_pack, { "pack", "openimages", "--root", lac_test_golden("objects/fiftyone"), "--split", "validation", "--limit", "1", "-o", packed }, packed },
        { "masks", lac_cmd_pack, { "pack", "masks", "-o", lac_cli_path(f, "drawn"), "-n", "2", "--size", "32" } },
        { "verify", lac_cmd_verify, { "verify", set } },
        { "report", lac_cmd_report, { "report", run, "-o", lac_cli_path(f, "report") } },
    };
    LAC_CHECK(LAC_COUNT(made) < MAX_JOBS);
    memset(jobs, 0, MAX_JOBS * sizeof *jobs);
    memcpy(jobs, made, sizeof made);
}

/* What has no row above, and why. */
static const char *const excused[] = {
    "stamps",                       /* its sources are 404 MB; what it does with a file is what `folder` does */
    "ops", "doctor",                /* print what they know, and touch no file */
    "bench", "probe",               /* tests/cli/bench.sh, tests/test_probe_golden.c: nothing that anybody keeps is written */
};

static bool has_row(const job *jobs, const char *command, const char *format)
{
    for (size_t i = 0; i < LAC_COUNT(excused); i++)
        if (strcmp(excused[i], format != NULL ? format : command) == 0)
            return true;
    for (const job *j = jobs; j->name != NULL; j++)
        if (strcmp(j->words[0], command) == 0 && (format == NULL || strcmp(j->words[1], format) == 0))
            return true;
    return false;
}

LAC_TEST(every_command_and_every_format_of_pack_has_its_row)
{
    static const char *const command[] = {
#define LAC_COMMAND(name, ...) #name,
#include "cli/commands.def"
#undef LAC_COMMAND
    };
    job jobs[MAX_JOBS];
    int n;
    const lac_pack_format *const *format = lac_pack_formats(&n);
    make_jobs(jobs, lac_test_folder());
    for (size_t i = 0; i < LAC_COUNT(command); i++)
        if (!has_row(jobs, command[i], NULL))
            fail_msg("'%s' has no row in make_jobs", command[i]);
    for (int i = 0; i < n; i++)
        if (!has_row(jobs, "pack", format[i]->name))
            fail_msg("'pack %s' has no row in make_jobs", format[i]->name);
}

static void copy_file(const char *from, const char *to)
{
    char *bytes;
    size_t size;
    LAC_CHECK_STATUS(lac_file_read(from, 64 << 20, &bytes, &size));
    LAC_CHECK_STATUS(lac_file_write(to, bytes, size));
    free(bytes);
}

static void forget(const char *f)               /* what a run that was made already would spare */
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s/runs/again'", f);
    LAC_CHECK(system(command) == 0);
}

/* One line, and not a word where it went well. */
static bool well_said(const lac_cli_said *said, int status)
{
    const char *end = strchr(said->err, '\n');
    return status == 0 || (end != NULL && end[1] == '\0');
}

/* Every allocation up to the 32nd, then ever fewer. */
static int64_t next_after(int64_t n) { return n + 1 + LAC_MAX(n - 32, 0) / 8; }

LAC_TEST(every_command_survives_an_allocation_that_fails)
{
    job jobs[MAX_JOBS];
    const char *f = lac_test_folder();
    make_jobs(jobs, f);
    for (int j = 0; jobs[j].name != NULL; j++) {
        int64_t n = 0;
        for (bool over = false; !over; n = next_after(n)) {
            lac_cli_said said;
            forget(f);
            const uint64_t before = lac_alloc_count();
            lac_alloc_fail_after(n);
            const int status = lac_cli(jobs[j].command, &said, jobs[j].words);
            lac_alloc_fail_after(-1);
            const bool refused = lac_alloc_count() - before > (uint64_t)n;
            over = !refused && status == 0;         /* a config is read in a process of its own, whose allocations do not count here */
            if ((refused && status == 0 && !jobs[j].spares) || !well_said(&said, status) || (status != 0 && strstr(said.err, "memory") == NULL))
                fail_msg("%s, allocation %lld: status %d, %s", jobs[j].name, (long long)n, status, said.err);
        }
    }
}

/* A process whose files may not grow beyond `most` bytes, as on a disk that is full. What the test captures is shorter. */
static int run_short_of_disk(const job *j, lac_cli_said *said, rlim_t most)
{
    struct rlimit before;
    LAC_CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const struct rlimit small = { most, before.rlim_max };
    void (*const old)(int) = signal(SIGXFSZ, SIG_IGN);
    LAC_CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const int status = lac_cli(j->command, said, j->words);
    LAC_CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    signal(SIGXFSZ, old);
    return status;
}

LAC_TEST(every_command_survives_a_full_disk_and_keeps_what_was_there)
{
    job jobs[MAX_JOBS];
    lac_cli_said said;
    const char *f = lac_test_folder(), *kept = lac_cli_path(f, "kept");
    make_jobs(jobs, f);
    for (int j = 0; jobs[j].name != NULL; j++) {
        forget(f);
        LAC_CHECK(lac_cli(jobs[j].command, &said, jobs[j].words) == 0);
        if (jobs[j].makes != NULL)
            copy_file(jobs[j].makes, kept);
        int failures = 0;
        for (rlim_t most = 1 << 12; most < 1 << 22; most *= 2) {
            forget(f);
            const int status = run_short_of_disk(&jobs[j], &said, most);
            failures += status != 0;
            if (!well_said(&said, status))
                fail_msg("%s, %lld bytes: status %d, %s", jobs[j].name, (long long)most, status, said.err);
            LAC_CHECK(jobs[j].makes == NULL || lac_cli_same_file(jobs[j].makes, kept));
        }
        LAC_CHECK(jobs[j].makes == NULL || strcmp(jobs[j].name, "inpaint") == 0 || failures > 0);
    }
}

/* A communicator whose n-th collective on rank 1 fails before it begins. */
static lac_comm real;
static int64_t left;

static lac_status refused(lac_comm *c) { return left-- == 0 ? lac_comm_ended(c, LAC_FAIL(LAC_ERR_IO, "this collective is made to fail")) : LAC_OK; }
static lac_status all_reduce(lac_comm *c, float *x, int64_t n) { return refused(c) == LAC_OK ? real.all_reduce(c, x, n) : LAC_ERR_IO; }
static lac_status all_reduce_f64(lac_comm *c, double *x, int64_t n) { return refused(c) == LAC_OK ? real.all_reduce_f64(c, x, n) : LAC_ERR_IO; }
static lac_status reduce_scatter(lac_comm *c, float *to, const float *from, int64_t n) { return refused(c) == LAC_OK ? real.reduce_scatter(c, to, from, n) : LAC_ERR_IO; }
static lac_status all_gather(lac_comm *c, void *to, const void *from, size_t n) { return refused(c) == LAC_OK ? real.all_gather(c, to, from, n) : LAC_ERR_IO; }
static lac_status broadcast(lac_comm *c, void *x, size_t n, int root) { return refused(c) == LAC_OK ? real.broadcast(c, x, n, root) : LAC_ERR_IO; }

static void make_fail(lac_comm *c, int64_t n)
{
    real = *c;
    left = n;
    c->all_reduce = all_reduce;
    c->all_reduce_f64 = all_reduce_f64;
    c->reduce_scatter = reduce_scatter;
    c->all_gather = all_gather;
    c->broadcast = broadcast;
}

typedef struct fault { const char *folder, *config; int64_t n; volatile bool *over; } fault;

/* Rank 1 fails and says why; rank 0 hears of it, with its number. */
static int train_with_fault(lac_ranks_here *h)
{
    const fault *f = h->context;
    const lac_run_hooks hooks = lac_run_hooks_here();
    json_t *given = json_loads(f->config, 0, NULL);
    lac_stages stages;
    WANT(h->opened == LAC_OK && freopen("/dev/null", "w", stdout) != NULL && lac_stages_resolve(&stages, given, NULL, NULL) == LAC_OK);
    if (h->launch.rank == 1)
        make_fail(h->comm, f->n);
    const lac_status s = lac_run(&stages, f->folder, h->comm, &hooks);
    lac_stages_free(&stages);
    json_decref(given);
    if (h->launch.rank == 1 && left >= 0) {         /* fewer collectives than that */
        *f->over = true;
        WANT(s == LAC_OK);
        return 0;
    }
    WANT(s != LAC_OK || *f->over || h->launch.rank == 0);       /* rank 0 may have given its part of the last one */
    WANT(s == LAC_OK || (strstr(lac_error_message(), "this collective is made to fail") != NULL && strchr(lac_error_message(), '\n') == NULL));
    WANT(s == LAC_OK || h->launch.rank == 1 || strstr(lac_error_message(), "rank 1") != NULL);
    return 0;
}

LAC_TEST(a_training_survives_a_collective_that_fails_and_keeps_what_was_there)
{
    const char *f = lac_test_folder();
    char *run = lac_cli_run(f), *again = lac_cli_path(f, "runs/again"), *config = lac_cli_run_config(f), command[1000];
    volatile bool *over = mmap(NULL, sizeof *over, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    LAC_CHECK((void *)over != MAP_FAILED);
    char *steps = strstr(config, "\"steps\": 1");
    LAC_CHECK(steps != NULL);
    steps[9] = '3';
    snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", again, run, again);
    for (int64_t n = 0; !*over; n += 1 + n / 4) {
        lac_loaded loaded;
        LAC_CHECK(n < 100000 && system(command) == 0);
        lac_play(train_with_fault, 2, 0, 20, lac_test_port(NULL), &(fault){ again, config, n, over });
        LAC_CHECK_STATUS(lac_run_load(&loaded, again, NULL));
        LAC_CHECK(loaded.step >= 1);
        lac_loaded_close(&loaded);
    }
    munmap((void *)over, sizeof *over);
    free(config);
}
