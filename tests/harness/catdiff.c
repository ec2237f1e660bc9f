#include "tests/harness/catdiff.h"

#include "autograd/ops/backend_cpu.h"
#include "core/memory.h"
#include "data/field.h"
#include "tests/harness/test.h"

#include <stdlib.h>

json_t *lac_test_catdiff(const char *config, const char *more)
{
    char *text[2];
    LAC_CHECK_STATUS(lac_strdup(&text[0], config));
    LAC_CHECK_STATUS(lac_strdup(&text[1], more));
    json_t *all = lac_test_json(text[0]), *over = lac_test_json(text[1]);
    LAC_CHECK(json_object_update_recursive(all, over) == 0);
    json_decref(over);
    free(text[0]), free(text[1]);
    return all;
}

void lac_test_catdiff_begin(lac_test_training *t, const char *recipe, const char *config, const char *more)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    lac_test_begin(t, recipe, lac_test_catdiff(config, more), b, LAC_F32, NULL);
}

static void draw_one(lac_param *p, lac_stream random)
{
    const int64_t n = lac_numel(p->value);
    float *x = malloc((size_t)n * sizeof *x);
    LAC_CHECK(x != NULL);
    lac_philox_normals(&random.philox, x, n);
    for (int64_t i = 0; i < n; i++)
        x[i] *= 0.2f;
    LAC_CHECK_STATUS(lac_param_set(p, x));
    free(x);
}

void lac_test_catdiff_draw(lac_test_training *t)
{
    lac_param *p;
    for (int k = 0; (p = lac_test_param_at(&t->trainer.recipe, k)) != NULL; k++)
        if (p->init == LAC_INIT_ZERO && p->value->ndim > 1)
            draw_one(p, lac_stream_at(5, 0, (uint32_t)k, 0));
}

void lac_test_catdiff_batch(const lac_test_training *t, lac_batch *b, int64_t step)
{
    LAC_CHECK_STATUS(lac_batch_random(b, &(lac_loader_config){ .fields = t->trainer.recipe.fields, .view.size = LAC_TEST_SIDE, .count = LAC_TEST_BATCH }, step));
}
