/* The plan file: kept, found again, carried from place to place, refused on another device, done without when damaged. */
#include "core/cuda/plans.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static const char *start(const char *owner)
{
    const char *folder = lac_test_folder();
    setenv("LACUNA_PLANS", folder, 1);
    lac_cuda_plans_clear(owner);
    return folder;
}

static bool is_kept(const char *key, const char *text)
{
    const char *found = lac_cuda_plan_find(key);
    return found != NULL && strcmp(found, text) == 0;
}

LAC_TEST(plan_file_keeps_choices_for_the_next_process)
{
    start("GPU A, cuDNN 9.19.0");
    LAC_CHECK(lac_cuda_plan_find("conv 1") == NULL);
    LAC_CHECK_STATUS(lac_cuda_plan_keep("conv 1", "engine 3 knobs 2:5", 12.5));
    LAC_CHECK_STATUS(lac_cuda_plan_keep("conv 2", "engine 4", 1));
    LAC_CHECK_STATUS(lac_cuda_plan_keep("conv 1", "engine 5", 12));
    lac_cuda_plans_clear("GPU A, cuDNN 9.19.0");
    LAC_CHECK(is_kept("conv 1", "engine 5") && is_kept("conv 2", "engine 4"));
    lac_cuda_plans_clear("GPU A, cuDNN 9.20.0");
    LAC_CHECK(lac_cuda_plan_find("conv 1") == NULL);
    lac_cuda_plans_clear(NULL);
}

LAC_TEST(plan_file_of_a_run_wins_and_must_be_of_this_device)
{
    const char *folder = start("GPU A");
    char *path;
    LAC_CHECK_STATUS(lac_format(&path, "%s/run-plans.json", folder));
    LAC_CHECK_STATUS(lac_cuda_plan_keep("conv 1", "engine 3", 1));
    LAC_CHECK_STATUS(lac_cuda_plans_write(path));
    LAC_CHECK_STATUS(lac_cuda_plan_keep("conv 1", "engine 4", 1));
    LAC_CHECK_STATUS(lac_cuda_plans_read(path));
    LAC_CHECK(is_kept("conv 1", "engine 3"));
    lac_cuda_plans_clear("GPU B");
    LAC_CHECK_FAILS(lac_cuda_plans_read(path), LAC_ERR_STATE, "are for GPU A, this is GPU B");
    LAC_CHECK_FAILS(lac_cuda_plans_read("/nonexistent/plans.json"), LAC_ERR_IO, "/nonexistent/plans.json");
    free(path);
    lac_cuda_plans_clear(NULL);
}

LAC_TEST(plan_file_that_is_damaged_is_done_without)
{
    static const char *const bad[] = { "", "{", "[1]", "{\"owner\": 3, \"plans\": {}}", "{\"owner\": \"GPU A\", \"plans\": {\"conv 1\": {\"plan\": 7}}}" };
    const char *folder = start("GPU A");
    char *path;
    LAC_CHECK_STATUS(lac_format(&path, "%s/GPU-A.json", folder));
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        LAC_CHECK_STATUS(lac_file_write(path, bad[i], strlen(bad[i])));
        lac_cuda_plans_clear("GPU A");
        LAC_CHECK(lac_cuda_plan_find("conv 1") == NULL);
    }
    LAC_CHECK_STATUS(lac_file_write(path, bad[1], 1));
    LAC_CHECK_FAILS(lac_cuda_plans_read(path), LAC_ERR_FORMAT, "is no plan file");
    LAC_CHECK_STATUS(lac_cuda_plan_keep("conv 1", "engine 3", 1));
    lac_cuda_plans_clear("GPU A");
    LAC_CHECK(is_kept("conv 1", "engine 3"));
    free(path);
    lac_cuda_plans_clear(NULL);
}

LAC_TEST(plan_file_keeps_compiled_code_by_call_and_choice)
{
    start("GPU A");
    LAC_CHECK(lac_cuda_plan_code("conv 1", "engine 3") == NULL);
    lac_cuda_plan_keep_code("conv 1", "engine 3", "code of 3");
    lac_cuda_plan_keep_code("conv 1", "engine 4", "code of 4");
    char *code = lac_cuda_plan_code("conv 1", "engine 3");
    LAC_CHECK(code != NULL && strcmp(code, "code of 3") == 0);
    free(code);
    LAC_CHECK(lac_cuda_plan_code("conv 2", "engine 3") == NULL);
    lac_cuda_plans_clear("GPU B");
    LAC_CHECK(lac_cuda_plan_code("conv 1", "engine 3") == NULL);
    lac_cuda_plans_clear(NULL);
}

LAC_TEST(plan_file_nowhere_to_write_is_no_failure)
{
    start("GPU A");
    setenv("LACUNA_PLANS", "/proc/nowhere", 1);
    lac_cuda_plan_keep_code("conv 1", "engine 3", "code");
    LAC_CHECK(lac_cuda_plan_code("conv 1", "engine 3") == NULL);
    LAC_CHECK_STATUS(lac_cuda_plan_keep("conv 1", "engine 3", 1));
    LAC_CHECK(is_kept("conv 1", "engine 3"));
    lac_cuda_plans_clear(NULL);
}
