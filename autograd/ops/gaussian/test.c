#include "autograd/ops/gaussian/formula.h"
#include "autograd/ops/gaussian/gaussian.h"
#include "tests/harness/op.h"

#include <math.h>

#define CASE(...) (lac_op_case){ .op = LAC_OP_gaussian, .ref = gaussian_ref, .seed = 3, .in = { __VA_ARGS__ } }

LAC_TEST(gaussian_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = { CASE(LAC_RANDOM(3, 2, 5, 6), LAC_RANDOM(3, 2, 5, 3)), CASE(LAC_RANDOM(2, 3, 1, 8)) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6 && lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 4e-3 && lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);
    }
}

LAC_TEST(gaussian_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, 2 * LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C)));
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, 2 * LAC_C)));
}

LAC_TEST(gaussian_clamps_and_is_finite_at_the_ends) { LAC_CHECK(lac_op_golden_gap(LAC_OP_gaussian, NULL, "latent.safetensors", "gaussian.clamped") < 1e-6); }

LAC_TEST(gaussian_keeps_the_digits_of_a_small_divergence)
{ LAC_CHECK(lac_op_golden_gap(LAC_OP_gaussian, NULL, "latent.safetensors", "gaussian.near_normal") < 1e-6); }

/* A latent at the clamp outweighs all others in a divergence: squaring the deviation was off by 1.3e-7 there, twice what rounding the result is. */
LAC_TEST(gaussian_divergence_is_exact_to_half_a_rounding_of_f32)
{
    for (float v = -30; v <= 20; v += 0.0371f) {
        const double want = expm1(v) - v;
        LAC_CHECK(fabs(lac_gaussian_of(v).excess - want) <= (v > -0.5f && v < 0.5f ? 2e-7 * want : 5e-8 * fmax(exp(v), want)));
    }
}

LAC_TEST(gaussian_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3, 3, 5))), LAC_ERR_SHAPE, "moments [N, h, w, 2z]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3, 6))), LAC_ERR_SHAPE, "moments [N, h, w, 2z]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3, 3, 4), LAC_RANDOM(2, 3, 3, 4))), LAC_ERR_SHAPE, "noise [2,3,3,2]");
}
