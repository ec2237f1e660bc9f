#include "autograd/ops/vlb_loss/vlb_loss.h"
#include "tests/harness/op.h"

/* Gradients go to v alone. */
#define CASE(s, ...) (lac_op_case){ .op = LAC_OP_vlb_loss, .ref = vlb_loss_ref, .no_gradient = 0x1e, .seed = s, .in = { __VA_ARGS__ } }
#define OF(...) LAC_RANDOM(__VA_ARGS__), LAC_RANDOM(__VA_ARGS__), LAC_RANDOM(__VA_ARGS__), LAC_RANDOM(__VA_ARGS__)

/* A third of the rows is that of t = 0; pictures are beyond the ends of grey levels too. */
LAC_TEST(vlb_loss_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = { CASE(4, OF(6, 5, 7, 3), LAC_RANDOM(6, 4)), CASE(5, OF(9, 300), LAC_RANDOM(9, 4)), CASE(6, OF(4), LAC_RANDOM(4, 4)) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 1e-6);        /* bf16 in, the sum is f32 all the same */
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);
    }
}

LAC_TEST(vlb_loss_agrees_with_pytorch)
{ LAC_CHECK(lac_op_golden_gap(LAC_OP_vlb_loss, NULL, "ops.safetensors", "vlb") < 1e-6); }

LAC_TEST(vlb_loss_refuses_what_does_not_fit_together)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(1, LAC_RANDOM(2, 3), LAC_RANDOM(2, 3), LAC_RANDOM(2, 4), LAC_RANDOM(2, 3), LAC_RANDOM(2, 4))), LAC_ERR_SHAPE, "target is [2,4]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(1, OF(2, 3), LAC_RANDOM(2, 3))), LAC_ERR_SHAPE, "row is [2,3]");
}

LAC_TEST(vlb_loss_of_any_size)
{ lac_op_check_sizes(&CASE(7, OF(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, 4))); }
