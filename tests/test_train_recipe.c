/* What every recipe has from train/recipe.h. */
#include "autograd/ops/backend_cpu.h"
#include "tests/harness/program.h"
#include "tests/harness/test.h"

static lac_status open_idle(lac_recipe *r, const json_t *config)
{
    lac_params *ps;
    lac_param *p;
    (void)config;
    LAC_TRY(lac_recipe_network(r, "idle", &ps));
    return lac_param_new(ps, &p, LAC_ROLE_BIAS, 1, (int64_t[]){ 3 }, LAC_INIT_ZERO, 0, "bias");
}

LAC_TEST(a_network_is_trained_or_frozen)
{
    static const lac_recipe_def def = { .name = "idle", .open = open_idle };
    const lac_backend *b;
    lac_recipe r;
    json_t *config = json_object();
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_FAILS(lac_recipe_open(&r, &def, config, b, LAC_F32), LAC_ERR_STATE, "recipe 'idle': no phase trains the network 'idle', and it is not frozen");
    lac_recipe_close(&r);
    json_decref(config);
}

LAC_TEST(a_recipe_of_another_program_is_found_by_name)
{
    const lac_recipe_def *def;
    LAC_CHECK_STATUS(lac_test_recipes());
    LAC_CHECK_STATUS(lac_recipe_find(&def, "balance"));
    LAC_CHECK(def == &lac_recipe_balance);
    LAC_CHECK_FAILS(lac_recipe_find(&def, "balanc"), LAC_ERR_CONFIG, "did you mean 'balance'?");
}
