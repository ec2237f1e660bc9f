#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "tests/harness/op.h"

LAC_TEST(weighted_sum_adds_scalars)
{
    const lac_op_case k = { .op = LAC_OP_weighted_sum, .attr = &(lac_weighted_sum_attr){ { 0.5f, -2, 3 } }, .ref = weighted_sum_ref,
                            .in = { LAC_SCALAR, LAC_SCALAR, LAC_SCALAR } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
}

LAC_TEST(weighted_sum_refuses_what_is_no_scalar)
{
    const lac_op_case k = { .op = LAC_OP_weighted_sum, .attr = &(lac_weighted_sum_attr){ { 1 } }, .in = { LAC_RANDOM(3) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "input 0 is [3]");
}
