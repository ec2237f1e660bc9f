#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "tests/harness/op.h"

#define CASE(...) (lac_op_case){ .op = LAC_OP_broadcast_add, .ref = broadcast_add_ref, .in = { __VA_ARGS__ } }

LAC_TEST(broadcast_add_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = {
        CASE(LAC_RANDOM(2, 3, 4), LAC_RANDOM(4)), CASE(LAC_RANDOM(2, 3, 4), LAC_RANDOM(3, 4)), CASE(LAC_RANDOM(2, 3, 4), LAC_RANDOM(2, 1, 4)),
        CASE(LAC_RANDOM(2, 3, 4), LAC_RANDOM(1, 3, 1)), CASE(LAC_RANDOM(2, 3, 2, 5), LAC_RANDOM(2, 1, 2, 1)), CASE(LAC_RANDOM(2, 3, 8), LAC_RANDOM(2, 3, 8)),
        CASE(LAC_RANDOM(5), LAC_RANDOM(1)), CASE(LAC_RANDOM(3, 5), LAC_SCALAR), CASE(LAC_RANDOM(70, 2, 3), LAC_RANDOM(70, 1, 3)),
    };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 4e-3);            /* bf16 rounds y to 2^-9 */
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);
    }
}

LAC_TEST(broadcast_add_agrees_with_pytorch)
{
    const char *names[] = { "add_channels", "add_tokens", "add_samples", "add_pixels" };
    for (size_t i = 0; i < LAC_COUNT(names); i++)
        LAC_CHECK(lac_op_golden_gap(LAC_OP_broadcast_add, NULL, "ops.safetensors", names[i]) < 1e-6);
}

LAC_TEST(broadcast_add_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_C)));
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, 1, LAC_W, 1)));
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_H, LAC_W, LAC_C)));
}

LAC_TEST(broadcast_add_refuses_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3, 4), LAC_RANDOM(2, 4))), LAC_ERR_SHAPE, "x [2,3,4], got [2,4]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(3, 4), LAC_RANDOM(1, 3, 4))), LAC_ERR_SHAPE, "got [1,3,4]");
}
