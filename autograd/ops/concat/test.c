#include "autograd/ops/concat/concat.h"
#include "tests/harness/op.h"

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) == 0);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) == 0);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 4e-3);         /* gradients in bf16 */
}

#define CASE(a, ...) (lac_op_case){ .op = LAC_OP_concat, .attr = &(lac_concat_attr){ a }, .ref = concat_ref, .in = { __VA_ARGS__ } }

LAC_TEST(concat_joins_along_any_axis)
{
    check(&CASE(-1, LAC_RANDOM(2, 3, 4, 5), LAC_RANDOM(2, 3, 4, 1), LAC_RANDOM(2, 3, 4, 8)));
    check(&CASE(0, LAC_RANDOM(2, 3, 4, 5), LAC_RANDOM(1, 3, 4, 5)));
    check(&CASE(1, LAC_RANDOM(2, 1, 5), LAC_RANDOM(2, 7, 5)));
    check(&CASE(-2, LAC_RANDOM(2, 3, 4, 5), LAC_RANDOM(2, 3, 2, 5), LAC_RANDOM(2, 3, 1, 5)));
    check(&CASE(0, LAC_RANDOM(4)));
}

LAC_TEST(concat_refuses_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(-1, LAC_RANDOM(2, 3, 4, 5), LAC_RANDOM(2, 4, 4, 5))), LAC_ERR_SHAPE, "input 1 is [2,4,4,5]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(1, LAC_RANDOM(2, 3), LAC_RANDOM(3, 3))), LAC_ERR_SHAPE, "input 1 is [3,3]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(2, LAC_RANDOM(2, 3))), LAC_ERR_SHAPE, "[2,3] has no axis 2");
    LAC_CHECK_FAILS(lac_op_status(&CASE(-3, LAC_RANDOM(2, 3))), LAC_ERR_SHAPE, "has no axis -3");
}

LAC_TEST(concat_of_any_size)
{
    lac_op_check_sizes(&CASE(-1, LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, 1)));
    lac_op_check_sizes(&CASE(0, LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C)));
    lac_op_check_sizes(&CASE(1, LAC_RANDOM(LAC_N, 1, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_RANDOM(LAC_N, LAC_W, LAC_C)));
}
