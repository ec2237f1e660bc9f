#include "autograd/ops/avg_pool/avg_pool.h"
#include "tests/harness/op.h"

#define CASE(k, ...) (lac_op_case){ .op = LAC_OP_avg_pool, .attr = &(const lac_avg_pool_attr){ k }, .ref = avg_pool_ref, .seed = 5, .in = { LAC_RANDOM(__VA_ARGS__) } }

LAC_TEST(avg_pool_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = { CASE(3, 2, 4, 5, 3), CASE(3, 1, 7, 6, 8), CASE(5, 1, 3, 9, 2), CASE(1, 1, 2, 2, 4), CASE(3, 1, 1, 1, 5) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6 && lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 4e-3 && lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);      /* bf16 rounds to 2^-9 */
    }
}

LAC_TEST(avg_pool_of_any_size) { lac_op_check_sizes(&CASE(3, LAC_N, LAC_H, LAC_W, LAC_C)); }

LAC_TEST(avg_pool_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(2, 1, 4, 4, 1)), LAC_ERR_ARG, "odd kernel");
    LAC_CHECK_FAILS(lac_op_status(&CASE(17, 1, 4, 4, 1)), LAC_ERR_ARG, "odd kernel");
    LAC_CHECK_FAILS(lac_op_status(&CASE(3, 1, 4, 4)), LAC_ERR_SHAPE, "[N, H, W, C]");
}
