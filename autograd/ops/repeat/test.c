#include "autograd/ops/repeat/repeat.h"
#include "tests/harness/op.h"

#define CASE(n, ...) (lac_op_case){ .op = LAC_OP_repeat, .attr = &(lac_repeat_attr){ n }, .ref = repeat_ref, .in = { LAC_RANDOM(__VA_ARGS__) } }

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) == 0);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) == 0);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 4e-3);         /* gradients in bf16 */
}

LAC_TEST(repeat_gives_every_sample_the_same_and_adds_up)
{
    check(&CASE(3, 5));
    check(&CASE(1, 2, 70));
    check(&CASE(7, 1, 3, 2));
}

LAC_TEST(repeat_refuses_what_has_no_room)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(2, 1, 1, 1, 1, 1, 2)), LAC_ERR_SHAPE, "[1,1,1,1,1,2] cannot be had 2 times");
    LAC_CHECK_FAILS(lac_op_status(&CASE(-1, 2)), LAC_ERR_SHAPE, "-1 times");
}

LAC_TEST(repeat_of_any_size)
{
    lac_op_check_sizes(&CASE(3, LAC_N, LAC_C));
    lac_op_check_sizes(&CASE(0, LAC_N, LAC_C));
}
