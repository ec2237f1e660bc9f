#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "tests/harness/op.h"

LAC_TEST(norm_ratio_matches_its_formula)
{
    const lac_norm_ratio_attr attr[] = { { 1e-4f }, { 3 } };       /* one that is not seen, and one that is */
    for (int i = 0; i < 2; i++) {
        const lac_op_case k = { .op = LAC_OP_norm_ratio, .attr = &attr[i], .ref = norm_ratio_ref, .in = { LAC_RANDOM(3, 11), LAC_RANDOM(5, 2, 7) } };
        LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);
    }
}

LAC_TEST(norm_ratio_of_any_size)
{
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_norm_ratio, .attr = &(lac_norm_ratio_attr){ 1e-4f },
                                       .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_H, LAC_C) } });
}

LAC_TEST(norm_ratio_refuses_what_could_divide_by_nothing)
{
    const lac_op_case k = { .op = LAC_OP_norm_ratio, .attr = &(lac_norm_ratio_attr){ 0 }, .in = { LAC_RANDOM(3), LAC_RANDOM(3) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "eps above 0");
}
