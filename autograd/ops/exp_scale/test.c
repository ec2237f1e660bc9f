#include "autograd/ops/exp_scale/exp_scale.h"
#include "tests/harness/op.h"

#define CASE(...) (lac_op_case){ .op = LAC_OP_exp_scale, .ref = exp_scale_ref, .in = { __VA_ARGS__ } }

LAC_TEST(exp_scale_matches_its_formula_and_differences)
{
    const lac_op_case k = CASE(LAC_RANDOM(3, 5), LAC_SCALAR), one = CASE(LAC_SCALAR, LAC_SCALAR);
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6 && lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 4e-3 && lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);       /* bf16 rounds to 2^-9 */
    LAC_CHECK(lac_op_value_gap(&one, LAC_F32) < 1e-6 && lac_op_gradient_gap(&one, LAC_F32) < 1e-6);
}

LAC_TEST(exp_scale_wants_one_scale) { LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(3, 5), LAC_RANDOM(1))), LAC_ERR_SHAPE, "scalar s, got [1]"); }

LAC_TEST(exp_scale_of_any_size) { lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_SCALAR)); }
