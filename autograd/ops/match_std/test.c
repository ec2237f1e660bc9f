#include "autograd/ops/match_std/match_std.h"
#include "tests/harness/op.h"

static const lac_match_std_attr most = { 0.7f }, all = { 1 };

#define CASE(a, ...) (lac_op_case){ .op = LAC_OP_match_std, .attr = &(a), .ref = match_std_ref, .seed = 7, .in = { __VA_ARGS__ } }

LAC_TEST(match_std_matches_the_formula)
{
    const lac_op_case cases[] = { CASE(most, LAC_RANDOM(3, 4, 5, 2), LAC_RANDOM(3, 4, 5, 2)), CASE(all, LAC_RANDOM(2, 2), LAC_RANDOM(2, 2)) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 4e-3);        /* y is bf16 */
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_F32) < 2e-6);      /* a difference of two terms */
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_BF16) < 8e-3);     /* the same, rounded to 8 bits */
    }
}

LAC_TEST(match_std_refuses_other_shapes)
{ LAC_CHECK_FAILS(lac_op_status(&CASE(most, LAC_RANDOM(2, 3), LAC_RANDOM(2, 4))), LAC_ERR_SHAPE, "like is [2,4]"); }

LAC_TEST(match_std_of_any_size)         /* a second channel: of one element there is no deviation */
{ lac_op_check_sizes(&CASE(most, LAC_RANDOM(LAC_N, LAC_H, LAC_W, 2 * LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, 2 * LAC_C))); }
