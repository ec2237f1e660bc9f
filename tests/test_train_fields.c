/* What a recipe asks for of its batch. */
#include "autograd/ops/backend_cpu.h"
#include "data/field.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"

LAC_TEST(a_step_names_the_field_that_its_batch_lacks)
{
    static lac_test_training t;
    const lac_backend *cpu;
    lac_batch batch;
    const lac_batch *all[LAC_MAX_PHASES];
    const char *const fields[] = { "image", "id", NULL };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    lac_test_begin_deepfill(&t, cpu, LAC_F32, json_object(), NULL);
    LAC_CHECK_STATUS(lac_batch_random(&batch, &(lac_loader_config){ .fields = fields, .view.size = LAC_TEST_SIDE, .count = LAC_TEST_BATCH }, 0));
    for (int p = 0; p < LAC_MAX_PHASES; p++)
        all[p] = &batch;
    LAC_CHECK_FAILS(lac_trainer_step(&t.trainer, 0, all, NULL), LAC_ERR_STATE, "no field 'mask', which the recipe 'deepfill' asks for");
    lac_batch_free(&batch);
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    lac_test_end(&t);
}
