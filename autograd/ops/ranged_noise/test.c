#include "autograd/ops/ranged_noise/ranged_noise.h"
#include "tests/harness/op.h"

#define CASE(...) (lac_op_case){ .op = LAC_OP_ranged_noise, .ref = ranged_noise_ref, .seed = 8, .in = { __VA_ARGS__ } }

LAC_TEST(ranged_noise_matches_its_formula)
{
    const lac_op_case k = CASE(LAC_RANDOM(3, 5, 7, 3), LAC_RANDOM(3, 5, 7, 3), LAC_RANDOM(2));
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6 && lac_op_value_gap(&k, LAC_BF16) < 1e-6);        /* bf16 in, f32 out */
}

LAC_TEST(ranged_noise_refuses_what_does_not_fit_together)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3), LAC_RANDOM(2, 4), LAC_RANDOM(2))), LAC_ERR_SHAPE, "v is [2,4]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3), LAC_RANDOM(2, 3), LAC_RANDOM(3))), LAC_ERR_SHAPE, "range [2], got [3]");
}

LAC_TEST(ranged_noise_of_any_size) { lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(2))); }
