#include "autograd/ops/vector_quantize/vector_quantize.h"
#include "tests/harness/op.h"

#define LEGACY &(lac_vector_quantize_attr){ 1, 0.25f }
#define CASE(...) (lac_op_case){ .op = LAC_OP_vector_quantize, .attr = LEGACY, .ref = vector_quantize_ref, .seed = 4, .in = { __VA_ARGS__ } }

LAC_TEST(vector_quantize_finds_the_nearest_code)
{
    const lac_op_case cases[] = { CASE(LAC_RANDOM(3, 2, 5, 3), LAC_RANDOM(40, 3)), CASE(LAC_RANDOM(70, 64), LAC_RANDOM(300, 64)),
                                  CASE(LAC_RANDOM(1), LAC_RANDOM(7, 1)) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 4e-3);
    }
}

LAC_TEST(vector_quantize_of_more_rows_than_are_searched_at_once) { LAC_CHECK(lac_op_value_gap(&CASE(LAC_RANDOM(130, 2), LAC_RANDOM(16384, 2)), LAC_F32) < 1e-6); }

/* Equal codes, and codes that differ by less than f32 distances tell: PyTorch in double. Straight through to z, both conventions of the loss. */
LAC_TEST(vector_quantize_has_the_gradients_of_both_conventions)
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_vector_quantize, LEGACY, "latent.safetensors", "quantize.legacy") < 1e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_vector_quantize, &(lac_vector_quantize_attr){ 0.25f, 1 }, "latent.safetensors", "quantize.textbook") < 1e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_vector_quantize, LEGACY, "latent.safetensors", "quantize.through") < 1e-6);
}

LAC_TEST(vector_quantize_takes_the_lowest_of_equal_codes) { LAC_CHECK(lac_op_golden_gap(LAC_OP_vector_quantize, LEGACY, "latent.safetensors", "quantize.equal") < 1e-6); }
LAC_TEST(vector_quantize_tells_codes_apart_that_nearly_agree) { LAC_CHECK(lac_op_golden_gap(LAC_OP_vector_quantize, LEGACY, "latent.safetensors", "quantize.near") < 1e-6); }

LAC_TEST(vector_quantize_of_any_size)
{
    lac_op_case k = CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_O, LAC_C));
    k.no_upstream = 1u << 1 | 1u << 3;
    lac_op_check_sizes(&k);
}

LAC_TEST(vector_quantize_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3), LAC_RANDOM(5, 4))), LAC_ERR_SHAPE, "z [..., 4]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 3), LAC_RANDOM(3))), LAC_ERR_SHAPE, "codebook [K, D]");
}
