#include "autograd/ops/geglu/geglu.h"
#include "tests/harness/op.h"

#define CASE(...) (lac_op_case){ .op = LAC_OP_geglu, .ref = geglu_ref, .in = { LAC_RANDOM(__VA_ARGS__) } }

LAC_TEST(geglu_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = { CASE(2, 3, 10), CASE(5, 32), CASE(6), CASE(1, 2, 3, 2, 66) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 4e-3);            /* bf16 rounds y to 2^-9 */
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);
    }
}

LAC_TEST(geglu_agrees_with_pytorch)         /* as diffusers' GEGLU, after its projection */
{ LAC_CHECK(lac_op_golden_gap(LAC_OP_geglu, NULL, "ops.safetensors", "geglu") < 1e-6); }

LAC_TEST(geglu_of_any_size)
{ lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_geglu, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, 2 * LAC_C) } }); }

LAC_TEST(geglu_refuses_an_odd_last_dim)
{ LAC_CHECK_FAILS(lac_op_status(&CASE(4, 3)), LAC_ERR_SHAPE, "[..., 2C], got [4,3]"); }
