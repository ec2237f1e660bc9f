#include "autograd/ops/dice_loss/dice_loss.h"
#include "tests/harness/op.h"

#define CASE(...) (lac_op_case){ .op = LAC_OP_dice_loss, .ref = dice_loss_ref, .no_gradient = 1u << 1, .seed = 5, .in = { __VA_ARGS__ } }

LAC_TEST(dice_loss_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = { CASE(LAC_RANDOM(3, 5, 7, 1), LAC_MASK(3, 5, 7, 1)), CASE(LAC_RANDOM(2, 300), LAC_MASK(2, 300)), CASE(LAC_RANDOM(4), LAC_MASK(4)) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 1e-6);        /* bf16 logits, the sum is f32 all the same */
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);
    }
}

LAC_TEST(dice_loss_agrees_with_pytorch)
{ LAC_CHECK(lac_op_golden_gap(LAC_OP_dice_loss, NULL, "ops.safetensors", "dice") < 1e-6); }

LAC_TEST(dice_loss_refuses_what_does_not_fit_together)
{ LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3), LAC_MASK(2, 4))), LAC_ERR_SHAPE, "y is [2,4]"); }

LAC_TEST(dice_loss_of_any_size)
{ lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_MASK(LAC_N, LAC_H, LAC_W, LAC_C))); }
