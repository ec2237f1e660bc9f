#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "tests/harness/op.h"

LAC_TEST(norm_ratio_matches_its_formula)
{
    const lac_norm_ratio_attr attr[] = { { 1e-4f, 0 }, { 3, 0 }, { 1e-4f, 0.1f }, { 1e-4f, 1e4f } };       /* an eps that is not seen and one that is; a bound that is met and one that is not */
    for (int i = 0; i < 4; i++) {
        const lac_op_case k = { .op = LAC_OP_norm_ratio, .attr = &attr[i], .ref = norm_ratio_ref, .in = { LAC_RANDOM(3, 11), LAC_RANDOM(5, 2, 7) } };
        LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6 && lac_op_value_gap(&k, LAC_BF16) < 1e-6);
    }
}

LAC_TEST(norm_ratio_of_any_size)
{
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_norm_ratio, .attr = &(lac_norm_ratio_attr){ 1e-4f, 0 },
                                       .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_H, LAC_C) } });
}

LAC_TEST(norm_ratio_refuses_what_could_divide_by_nothing)
{
    const lac_op_case k = { .op = LAC_OP_norm_ratio, .attr = &(lac_norm_ratio_attr){ 0 }, .in = { LAC_RANDOM(3), LAC_RANDOM(3) } };
    const lac_op_case below = { .op = LAC_OP_norm_ratio, .attr = &(lac_norm_ratio_attr){ 1, -1 }, .in = { LAC_RANDOM(3), LAC_RANDOM(3) } };
    LAC_CHECK_FAILS(lac_op_status(&below), LAC_ERR_ARG, "bound");
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "eps above 0");
}
