#include "autograd/ops/group_norm/group_norm.h"
#include "tests/harness/op.h"

#define CASE(a, ...) (lac_op_case){ .op = LAC_OP_group_norm, .attr = &(const lac_group_norm_attr)a, .ref = group_norm_ref, .seed = 5, .in = { __VA_ARGS__ } }
#define PLAIN(g) { .groups = g, .eps = 1e-5f }
#define NO_EPS { .groups = 1 }
#define ABSENT { 0 }
#define SILU(g) { .groups = g, .eps = 1e-5f, .act = LAC_ACT_SILU }

static void check(const lac_op_case *k, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        LAC_CHECK(lac_op_value_gap(&k[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&k[i], LAC_BF16) < 4e-3);            /* y is bf16 */
        LAC_CHECK(lac_op_gradient_gap(&k[i], LAC_F32) < 2e-6);          /* differences of sums */
        LAC_CHECK(lac_op_gradient_gap(&k[i], LAC_BF16) < 8e-3);
    }
}

LAC_TEST(group_norm_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = {
        CASE(PLAIN(2), LAC_RANDOM(2, 3, 4, 6), LAC_RANDOM(6), LAC_RANDOM(6)), CASE(SILU(2), LAC_RANDOM(2, 3, 4, 6), LAC_RANDOM(6), LAC_RANDOM(6)),
        CASE(SILU(3), LAC_RANDOM(1, 3, 2, 4), LAC_RANDOM(6), LAC_RANDOM(6), LAC_RANDOM(1, 3, 2, 2)),       /* a group across both */
        CASE(SILU(1), LAC_RANDOM(2, 2, 2, 8), LAC_RANDOM(16), LAC_RANDOM(16), LAC_RANDOM(2, 2, 2, 8)),     /* 16-byte accesses */
    };
    check(cases, LAC_COUNT(cases));
}

LAC_TEST(group_norm_takes_a_shift_and_a_scale)
{
    const lac_op_case cases[] = {
        CASE(SILU(2), LAC_RANDOM(2, 3, 4, 6), LAC_RANDOM(6), LAC_RANDOM(6), ABSENT, LAC_RANDOM(2, 6)),
        CASE(SILU(2), LAC_RANDOM(2, 3, 4, 6), LAC_RANDOM(6), LAC_RANDOM(6), ABSENT, ABSENT, LAC_RANDOM(2, 12)),
        CASE(PLAIN(3), LAC_RANDOM(2, 3, 2, 4), LAC_RANDOM(6), LAC_RANDOM(6), LAC_RANDOM(2, 3, 2, 2), LAC_RANDOM(2, 6), LAC_RANDOM(2, 12)),
        CASE(SILU(2), LAC_RANDOM(1, 2, 3, 8), LAC_RANDOM(16), LAC_RANDOM(16), LAC_RANDOM(1, 2, 3, 8), LAC_RANDOM(1, 16), LAC_RANDOM(1, 32)),
    };
    check(cases, LAC_COUNT(cases));
}

LAC_TEST(group_norm_agrees_with_pytorch)                /* tests/golden/ops.py; gn_two has a mean of 30 times its deviation */
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_group_norm, &(const lac_group_norm_attr)SILU(4), "ops.safetensors", "gn_silu") < 2e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_group_norm, &(const lac_group_norm_attr){ .groups = 3, .eps = 1e-6f }, "ops.safetensors", "gn_two") < 1e-5);
}

LAC_TEST(group_norm_of_any_size)
{
    lac_op_check_sizes(&CASE(SILU(1), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_C), LAC_RANDOM(LAC_C)));
    lac_op_check_sizes(&CASE(PLAIN(2), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(2 * LAC_C), LAC_RANDOM(2 * LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C)));
    lac_op_check_sizes(&CASE(SILU(1), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_C), LAC_RANDOM(LAC_C), ABSENT, LAC_RANDOM(LAC_N, LAC_C),
                             LAC_RANDOM(LAC_N, 2 * LAC_C)));
    lac_op_check(&CASE(SILU(1), LAC_RANDOM(3, 0, 2, 4), LAC_RANDOM(4), LAC_RANDOM(4), ABSENT, LAC_RANDOM(3, 4), LAC_RANDOM(3, 8)));      /* no pixels: gradients are 0 */
}

LAC_TEST(group_norm_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(PLAIN(4), LAC_RANDOM(1, 2, 2, 6), LAC_RANDOM(6), LAC_RANDOM(6))), LAC_ERR_SHAPE, "4 groups do not divide 6");
    LAC_CHECK_FAILS(lac_op_status(&CASE(PLAIN(2), LAC_RANDOM(1, 2, 2, 6), LAC_RANDOM(5), LAC_RANDOM(6))), LAC_ERR_SHAPE, "weight [6]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(PLAIN(2), LAC_RANDOM(1, 2, 2, 6), LAC_RANDOM(8), LAC_RANDOM(8), LAC_RANDOM(1, 2, 3, 2))), LAC_ERR_SHAPE, "skip is [1,2,3,2]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(PLAIN(2), LAC_RANDOM(1, 2, 2, 6), LAC_RANDOM(6), LAC_RANDOM(6), ABSENT, LAC_RANDOM(2, 6))), LAC_ERR_SHAPE, "shift [1, 6]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(PLAIN(2), LAC_RANDOM(1, 2, 2, 6), LAC_RANDOM(6), LAC_RANDOM(6), ABSENT, ABSENT, LAC_RANDOM(1, 6))), LAC_ERR_SHAPE, "scale_shift [1, 12]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(NO_EPS, LAC_RANDOM(1, 2, 2, 6), LAC_RANDOM(6), LAC_RANDOM(6))), LAC_ERR_ARG, "eps above 0");
}
