#include "autograd/ops/mse_loss/mse_loss.h"
#include "tests/harness/op.h"

#define CASE(...) (lac_op_case){ .op = LAC_OP_mse_loss, .ref = mse_loss_ref, .no_gradient = 1u << 2, .no_upstream = 1u << 1, .seed = 6, .in = { __VA_ARGS__ } }

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) < 1e-6);            /* bf16 inputs, the sums are f32 all the same */
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 4e-3);         /* gradients may be bf16 */
}

LAC_TEST(mse_loss_matches_the_formula)
{
    check(&CASE(LAC_RANDOM(3, 5, 7, 3), LAC_RANDOM(3, 5, 7, 3)));
    check(&CASE(LAC_RANDOM(3, 5, 7, 3), LAC_RANDOM(3, 5, 7, 3), LAC_RANDOM(3)));
    check(&CASE(LAC_RANDOM(4), LAC_RANDOM(4), LAC_RANDOM(4)));
}

LAC_TEST(mse_loss_refuses_what_does_not_fit_together)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3), LAC_RANDOM(2, 4))), LAC_ERR_SHAPE, "y is [2,4]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3), LAC_RANDOM(2, 3), LAC_RANDOM(3))), LAC_ERR_SHAPE, "weights [3]");
}

LAC_TEST(mse_loss_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C)));
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N)));
}
