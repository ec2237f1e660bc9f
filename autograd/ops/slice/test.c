#include "autograd/ops/slice/slice.h"
#include "tests/harness/op.h"

#define CASE(a, f, n, ...) (lac_op_case){ .op = LAC_OP_slice, .attr = &(lac_slice_attr){ a, f, n }, .ref = slice_ref, .in = { LAC_RANDOM(__VA_ARGS__) } }

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) == 0);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) == 0);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 4e-3);         /* gradients in bf16 */
}

LAC_TEST(slice_takes_places_of_any_axis)
{
    check(&CASE(0, 1, 2, 4, 3, 5));
    check(&CASE(1, 0, 1, 2, 3, 5));
    check(&CASE(-2, 2, 3, 2, 3, 5, 4));
    check(&CASE(-1, 8, 8, 2, 3, 24));
    check(&CASE(0, 3, 1, 4));
}

LAC_TEST(slice_refuses_what_is_not_there)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(1, 2, 2, 2, 3, 5)), LAC_ERR_SHAPE, "2 places from 2 on are not in axis 1 of [2,3,5]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(-1, -1, 2, 2, 3)), LAC_ERR_SHAPE, "from -1");
    LAC_CHECK_FAILS(lac_op_status(&CASE(2, 0, 1, 2, 3)), LAC_ERR_SHAPE, "[2,3] has no axis 2");
}

LAC_TEST(slice_of_any_size)
{
    lac_op_check_sizes(&CASE(1, 0, 1, LAC_N, LAC_H, LAC_C));
    lac_op_check_sizes(&CASE(-1, 1, 0, LAC_N, LAC_H, LAC_C));
    lac_op_check_sizes(&CASE(-1, 8, 24, LAC_N, LAC_H, LAC_C + 32));
}
