/* A warmed-up training step asks the system for nothing: no allocation, no page fault on its thread. */
#include "autograd/ops/backend_cpu.h"
#include "core/cpu/features.h"
#include "core/memory.h"
#include "tests/harness/test.h"
#include "train/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COUNT_FAULTS = 0 };          /* a sanitizer's own memory faults as it grows */
#else
enum { COUNT_FAULTS = 1 };
#endif

/* The system may take a page back at any time: what counts is the quietest of some stretches, as a step's own faults come every time. */
enum { SIZE = 64, WARM = 4, STEPS = 2, STRETCHES = 24 };

static int64_t faults(void)
{
    struct rusage u;
    getrusage(RUSAGE_THREAD, &u);
    return u.ru_minflt;
}

static void run(const char *precision)
{
    lac_stages stages;
    lac_trainer t;
    lac_comm *comm;
    const lac_backend *b;
    lac_dtype d;
    lac_batch batch;
    const lac_batch *all[LAC_MAX_PHASES];
    json_t *config = json_pack("{s:s,s:s,s:i,s:s,s:{s:i,s:i},s:{s:{s:i}},s:{s:{s:i},s:{s:i}}}", "name", "warm", "recipe", "deepfill", "steps", 1,
                               "precision", precision, "batch", "global", 2, "micro", 1, "data", "train", "size", SIZE,
                               "model", "generator", "cnum", 8, "discriminator", "width", 8);
    LAC_CHECK(config != NULL);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_stages_resolve(&stages, config, NULL, NULL));
    LAC_CHECK_STATUS(lac_batch_random(&batch, &(lac_loader_config){ .fields = stages.stage[0].recipe->fields, .view.size = SIZE, .count = 2 }, 0));
    for (int p = 0; p < LAC_MAX_PHASES; p++)
        all[p] = &batch;
    LAC_CHECK_STATUS(lac_run_device(stages.stage[0].config, &b, &d));
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    LAC_CHECK_STATUS(lac_trainer_open(&t, stages.stage[0].recipe, stages.stage[0].config, "main", b, d, comm));
    int64_t step = 0;
    while (step < WARM)
        LAC_CHECK_STATUS(lac_trainer_step(&t, step++, all, NULL));
    int64_t fewest = INT64_MAX;
    const uint64_t asked = lac_alloc_count();
    for (int i = 0; i < STRETCHES && fewest > 0; i++) {
        const int64_t before = faults();
        for (int k = 0; k < STEPS; k++)
            LAC_CHECK_STATUS(lac_trainer_step(&t, step++, all, NULL));
        fewest = LAC_MIN(fewest, faults() - before);
    }
    const long long more = (long long)(lac_alloc_count() - asked);
    if (more != 0 || (COUNT_FAULTS && fewest > 0))
        fail_msg("%s: %lld allocations, at least %lld page faults in %d warm steps", precision, more, (long long)fewest, STEPS);
    lac_trainer_close(&t);
    lac_comm_free(comm);
    lac_batch_free(&batch);
    lac_stages_free(&stages);
    json_decref(config);
}

LAC_TEST(a_warm_step_in_f32_asks_for_nothing) { run("f32"); }

LAC_TEST(a_warm_step_in_bf16_asks_for_nothing)
{
    if (!lac_cpu_has_avx512_bf16())
        skip();
    run("bf16");
}
