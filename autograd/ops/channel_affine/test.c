#include "autograd/ops/channel_affine/channel_affine.h"
#include "tests/harness/op.h"

static const lac_channel_affine_attr f32 = { { 2, -0.5f, 3, 1.5f }, { 0.25f, 1, -2, 0 }, LAC_F32 }, bf16 = { { 2, -0.5f, 3, 1.5f }, { 0.25f, 1, -2, 0 }, LAC_BF16 };

#define CASE(a, ...) (lac_op_case){ .op = LAC_OP_channel_affine, .attr = &a, .ref = channel_affine_ref, .in = { LAC_RANDOM(__VA_ARGS__) } }

LAC_TEST(channel_affine_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = { CASE(f32, 2, 3, 5, 3), CASE(f32, 7, 4), CASE(f32, 2, 3, 1) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6 && lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 1e-6 && lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);
    }
    const lac_op_case rounded = CASE(bf16, 2, 3, 5, 3);
    LAC_CHECK(lac_op_value_gap(&rounded, LAC_F32) < 4e-3 && lac_op_gradient_gap(&rounded, LAC_F32) < 4e-3);
}

LAC_TEST(channel_affine_of_any_size) { lac_op_check_sizes(&CASE(bf16, LAC_N, LAC_H, LAC_W, 3)); }

LAC_TEST(channel_affine_names_what_does_not_fit)
{
    static const lac_channel_affine_attr whole = { { 1 }, { 0 }, LAC_U8 };
    LAC_CHECK_FAILS(lac_op_status(&CASE(f32, 2, 3, 5, 6)), LAC_ERR_SHAPE, "1 to 4 channels");
    LAC_CHECK_FAILS(lac_op_status(&CASE(whole, 2, 3, 5, 3)), LAC_ERR_ARG, "f32 or bf16, not u8");
}
