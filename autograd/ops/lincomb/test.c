#include "autograd/ops/lincomb/lincomb.h"
#include "tests/harness/op.h"

static const lac_lincomb_attr f32 = { LAC_F32 }, bf16 = { LAC_BF16 };

#define CASE(...) (lac_op_case){ .op = LAC_OP_lincomb, .attr = &f32, .ref = lincomb_ref, .no_gradient = 1, .seed = 5, .in = { __VA_ARGS__ } }

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) < 1e-6);            /* bf16 inputs, y is f32 all the same */
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 4e-3);         /* gradients may be bf16 */
}

LAC_TEST(lincomb_matches_the_formula)
{
    check(&CASE(LAC_RANDOM(3), LAC_RANDOM(2, 3, 5, 4), LAC_RANDOM(2, 3, 5, 4), LAC_RANDOM(2, 3, 5, 4)));
    check(&CASE(LAC_RANDOM(1), LAC_SCALAR));
    check(&CASE(LAC_RANDOM(7), LAC_RANDOM(9), LAC_RANDOM(9), LAC_RANDOM(9), LAC_RANDOM(9), LAC_RANDOM(9), LAC_RANDOM(9), LAC_RANDOM(9)));
}

LAC_TEST(lincomb_takes_a_row_of_coefficients_for_each_sample)
{ check(&CASE(LAC_RANDOM(3, 2), LAC_RANDOM(3, 5, 7, 3), LAC_RANDOM(3, 5, 7, 3))); }

LAC_TEST(lincomb_makes_bf16_where_it_is_asked_to)
{
    lac_op_case k = CASE(LAC_RANDOM(2), LAC_RANDOM(4, 33), LAC_RANDOM(4, 33));
    k.attr = &bf16;
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 4e-3);            /* rounded to 8 bits */
}

LAC_TEST(lincomb_refuses_what_does_not_fit_together)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(3), LAC_RANDOM(4), LAC_RANDOM(4))), LAC_ERR_SHAPE, "coefficients [2]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2), LAC_RANDOM(4), LAC_RANDOM(5))), LAC_ERR_SHAPE, "input 1 is [5]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(3, 1), LAC_RANDOM(4, 2))), LAC_ERR_SHAPE, "[3,1]");
}

LAC_TEST(lincomb_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(2), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C)));
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, 3), LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_C)));
}
