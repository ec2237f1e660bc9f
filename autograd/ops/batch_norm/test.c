#include "autograd/ops/batch_norm/batch_norm.h"
#include "tests/harness/op.h"

static const lac_batch_norm_attr training = { true, 1e-5f, 0.1f, { LAC_ACT_NONE, 0 } }, leaky = { true, 1e-5f, 0.3f, { LAC_ACT_LEAKY, 0.2f } },
                                 still = { false, 1e-5f, 0.1f, { LAC_ACT_NONE, 0 } }, still_leaky = { false, 0.1f, 0.1f, { LAC_ACT_LEAKY, 0.2f } };

/* The running variance is drawn too: below 0 it counts as 0. */
#define CASE(a, c, ...) (lac_op_case){ .op = LAC_OP_batch_norm, .attr = &a, .ref = batch_norm_ref, .seed = 9, .no_gradient = 3u << 3, .no_upstream = 3u << 1, \
                                       .in = { LAC_RANDOM(__VA_ARGS__), LAC_RANDOM(c), LAC_RANDOM(c), LAC_RANDOM(c), LAC_RANDOM(c) } }

LAC_TEST(batch_norm_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = { CASE(training, 6, 2, 3, 4, 6), CASE(leaky, 3, 3, 2, 5, 3), CASE(leaky, 8, 1, 4, 5, 8), CASE(still_leaky, 8, 2, 3, 2, 8) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 4e-3);
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_F32) < 2e-6);          /* differences of sums */
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_BF16) < 8e-3);
    }
}

LAC_TEST(batch_norm_of_any_size)
{
    lac_op_check_sizes(&CASE(leaky, LAC_C, LAC_N, LAC_H, LAC_W, LAC_C));
    lac_op_check_sizes(&CASE(still_leaky, LAC_C, LAC_N, LAC_H, LAC_W, LAC_C));
}

LAC_TEST(batch_norm_names_what_does_not_fit)
{
    static const lac_batch_norm_attr relu = { true, 1e-5f, 0.1f, { LAC_ACT_RELU, 0 } }, no_eps = { .momentum = 0.1f }, hasty = { true, 1e-5f, 1.5f, { LAC_ACT_NONE, 0 } };
    LAC_CHECK_FAILS(lac_op_status(&CASE(training, 3, 1, 1, 1, 3)), LAC_ERR_SHAPE, "more than one pixel");
    LAC_CHECK(lac_op_status(&CASE(still, 3, 1, 1, 1, 3)) == LAC_OK);
    LAC_CHECK_FAILS(lac_op_status(&CASE(training, 4, 2, 2, 2, 3)), LAC_ERR_SHAPE, "weight [3]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(relu, 3, 2, 2, 2, 3)), LAC_ERR_ARG, "leaky");
    LAC_CHECK_FAILS(lac_op_status(&CASE(no_eps, 3, 2, 2, 2, 3)), LAC_ERR_ARG, "eps");
    LAC_CHECK_FAILS(lac_op_status(&CASE(hasty, 3, 2, 2, 2, 3)), LAC_ERR_ARG, "momentum");
}
