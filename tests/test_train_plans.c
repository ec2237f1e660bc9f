/* A run keeps the choices of its device in plans.json and goes on with them. The device is "cuda host" under the name "cuda", its choices a word. */
#include "autograd/ops/abi.h"
#include "autograd/ops/backend_cpu.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "tests/harness/cli.h"
#include "tests/harness/cuda_host_queue.h"
#include "tests/harness/device.h"
#include "train/run.h"

#include <stdio.h>
#include <stdlib.h>

static char choice[32], said[2048];
static int n_read;

static lac_status plans_write(const char *path) { return lac_file_write(path, choice, strlen(choice)); }

static lac_status plans_read(const char *path)
{
    char *text;
    size_t size;
    LAC_TRY(lac_file_read(path, 1 << 10, &text, &size));
    const bool damaged = strcmp(text, "damaged") == 0, other = strcmp(text, "of another GPU") == 0;
    n_read++;
    if (!damaged && !other)
        snprintf(choice, sizeof choice, "%s", text);
    free(text);
    return damaged ? LAC_FAIL(LAC_ERR_FORMAT, "'%s' is no plan file", path) : other ? LAC_FAIL(LAC_ERR_STATE, "the plans are for another GPU") : LAC_OK;
}

static void be_cuda(void)
{
    static lac_backend cuda;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    cuda = *lac_cuda_host();
    cuda.name = "cuda";
    cuda.abi = lac_backend_abi();
    cuda.plans_read = plans_read;
    cuda.plans_write = plans_write;
    LAC_CHECK_STATUS(lac_backend_register(&cuda));
}

static void say(void *context, const char *line)
{
    const size_t n = strlen(said);
    (void)context;
    snprintf(said + n, sizeof said - n, "%s\n", line);
}

static void progress(void *context, const lac_progress *p) { (void)context, (void)p; }
static bool stop(void *context) { return context != NULL; }
static lac_status begun(void *context, const char *folder, const lac_stages *stages) { return (void)context, (void)folder, (void)stages, LAC_OK; }
static lac_status locate(void *context, const char *name, char **path) { return (void)context, lac_strdup(path, name); }

static lac_status train(const char *folder, int steps)
{
    const lac_run_hooks hooks = { .say = say, .progress = progress, .stop = stop, .locate = locate, .begun = begun, .code = "test" };
    char *text = lac_cli_run_config(folder);
    json_t *given = json_loads(text, 0, NULL);
    lac_stages stages;
    lac_comm *comm;
    json_object_set_new(given, "steps", json_integer(steps));
    json_object_set_new(given, "device", json_string("cuda"));
    said[0] = '\0';
    LAC_CHECK_STATUS(lac_stages_resolve(&stages, given, NULL, NULL));
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    const lac_status s = lac_run(&stages, lac_cli_path(folder, "runs/tiny"), comm, &hooks);
    lac_comm_free(comm);
    lac_stages_free(&stages);
    json_decref(given);
    free(text);
    return s;
}

static void check_kept(const char *path, const char *expected)
{
    char *text;
    size_t size;
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 10, &text, &size));
    LAC_CHECK(strcmp(text, expected) == 0);
    free(text);
}

LAC_TEST(a_run_goes_on_with_its_own_plans)
{
    const char *folder = lac_test_folder();
    char path[512];
    snprintf(path, sizeof path, "%s/runs/tiny/plans.json", folder);
    be_cuda();
    lac_cli_set(folder);
    lac_cuda_host_late(true);
    strcpy(choice, "the first");
    LAC_CHECK_STATUS(train(folder, 1));
    LAC_CHECK(n_read == 0);
    check_kept(path, "the first");

    strcpy(choice, "timed anew");
    LAC_CHECK_STATUS(train(folder, 2));
    LAC_CHECK(n_read == 1 && strcmp(choice, "the first") == 0);
    check_kept(path, "the first");

    LAC_CHECK_STATUS(lac_file_write(path, "of another GPU", 14));
    strcpy(choice, "timed here");
    LAC_CHECK_STATUS(train(folder, 3));
    LAC_CHECK(strstr(said, "the plans are for another GPU: results will differ") != NULL);
    check_kept(path, "timed here");

    LAC_CHECK_STATUS(lac_file_write(path, "damaged", 7));
    LAC_CHECK_FAILS(train(folder, 4), LAC_ERR_FORMAT, "plans.json' is no plan file");
    lac_cuda_host_late(false);
}
