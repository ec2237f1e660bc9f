#include "autograd/ops/layer_norm/layer_norm.h"
#include "tests/harness/op.h"

static const lac_layer_norm_attr usual = { 1e-5f };

#define CASE(...) (lac_op_case){ .op = LAC_OP_layer_norm, .attr = &usual, .ref = layer_norm_ref, .in = { __VA_ARGS__ } }
#define PLAIN(c, ...) CASE(LAC_RANDOM(__VA_ARGS__, c), LAC_RANDOM(c), LAC_RANDOM(c))
#define AFTER(c, ...) CASE(LAC_RANDOM(__VA_ARGS__, c), LAC_RANDOM(c), LAC_RANDOM(c), LAC_RANDOM(__VA_ARGS__, c))

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) < 6e-3);            /* y is bf16, and so is the sum that it is made of */
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 2e-6);          /* differences of sums */
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 1.2e-2);
}

LAC_TEST(layer_norm_matches_its_formula_and_differences)
{
    check(&PLAIN(6, 2, 5));
    check(&PLAIN(40, 7));
    check(&PLAIN(16, 1, 2, 2));
    check(&AFTER(6, 2, 5));
    check(&AFTER(24, 3));
}

LAC_TEST(layer_norm_passes_on_what_reaches_one_output_alone)
{
    for (unsigned without = 1; without <= 2; without++) {
        lac_op_case k = AFTER(10, 3);
        k.no_upstream = without;
        if (without == 2)
            LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 2e-6);
        else
            lac_op_check(&k);           /* the parameters' gradients are 0: nothing to divide by */
    }
}

LAC_TEST(layer_norm_agrees_with_pytorch)                /* tests/golden/ops.py; ln has a mean of 30 times its deviation */
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_layer_norm, &usual, "ops.safetensors", "ln") < 1e-5);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_layer_norm, &usual, "ops.safetensors", "ln_residual") < 1e-6);
}

LAC_TEST(layer_norm_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_C), LAC_RANDOM(LAC_C)));
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_RANDOM(LAC_C), LAC_RANDOM(LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_C)));
    lac_op_check(&CASE(LAC_RANDOM(3, 2500), LAC_RANDOM(2500), LAC_RANDOM(2500), LAC_RANDOM(3, 2500)));
    lac_op_check(&CASE(LAC_RANDOM(2, 2560), LAC_RANDOM(2560), LAC_RANDOM(2560)));
}

LAC_TEST(layer_norm_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 6), LAC_RANDOM(5), LAC_RANDOM(6))), LAC_ERR_SHAPE, "weight [6] for x [2,6], got [5]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 6), LAC_RANDOM(6), LAC_RANDOM(1, 6))), LAC_ERR_SHAPE, "bias [6]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 6), LAC_RANDOM(6), LAC_RANDOM(6), LAC_RANDOM(6))), LAC_ERR_SHAPE, "residual is [6], x is [2,6]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 0), LAC_RANDOM(0), LAC_RANDOM(0))), LAC_ERR_SHAPE, "x [..., C], got [2,0]");
    lac_op_case k = PLAIN(6, 2);
    k.attr = &(const lac_layer_norm_attr){ 0 };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "eps above 0");
}
