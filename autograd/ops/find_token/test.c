#include "autograd/ops/find_token/find_token.h"
#include "tests/harness/op.h"

#define CASE(token, below, ...) (lac_op_case){ .op = LAC_OP_find_token, .attr = &(lac_find_token_attr){ token }, .ref = find_token_ref, .in = { LAC_IDS(below, __VA_ARGS__) } }

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) == 0);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) == 0);          /* ids of 64 bits */
}

LAC_TEST(find_token_finds_the_first_place_of_a_token_or_of_the_largest)
{
    check(&CASE(2, 5, 9, 7));           /* some texts have it, some more than once, some not */
    check(&CASE(-1, 5, 9, 7));
    check(&CASE(0, 3, 4, 1));
}

LAC_TEST(find_token_wants_places)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(2, 5, 3)), LAC_ERR_SHAPE, "ids [N, T]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(2, 5, 3, 0)), LAC_ERR_SHAPE, "got [3,0]");
}

LAC_TEST(find_token_of_any_size) { lac_op_check_sizes(&CASE(1, LAC_C, LAC_N, LAC_H)); }
