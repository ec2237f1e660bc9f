#include "autograd/ops/spectral_norm/spectral_norm.h"
#include "tests/harness/op.h"

LAC_TEST(spectral_norm_matches_its_formula_and_differences)
{
    lac_spectral_norm_attr a = { .full = true };
    const lac_op_case k = { .op = LAC_OP_spectral_norm, .attr = &a, .ref = spectral_norm_ref, .no_gradient = 1u << 1, .no_upstream = 1u << 2,
                            .in = { LAC_RANDOM(5, 3, 3, 4), LAC_RANDOM(5) } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
    a.dtype = LAC_BF16;
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 4e-3);            /* w_sn in bf16 */
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 4e-3);         /* and its gradient may be */
}

LAC_TEST(spectral_norm_agrees_with_pytorch)     /* values and both gradients, 12 x 100 */
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_spectral_norm, &(lac_spectral_norm_attr){ .full = false }, "ops.safetensors", "sn_detached") < 2e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_spectral_norm, &(lac_spectral_norm_attr){ .full = true }, "ops.safetensors", "sn_full") < 2e-6);
}

LAC_TEST(spectral_norm_refuses_a_u_of_another_length)
{
    const lac_op_case k = { .op = LAC_OP_spectral_norm, .attr = &(lac_spectral_norm_attr){ 0 }, .in = { LAC_RANDOM(5, 4), LAC_RANDOM(4) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "u is [4]");
}

LAC_TEST(spectral_norm_of_any_size)
{
    for (int full = 0; full < 2; full++)
        lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_spectral_norm, .attr = &(lac_spectral_norm_attr){ full, LAC_F32 }, .no_gradient = 1u << 1,
                                           .no_upstream = 1u << 2, .in = { LAC_RANDOM(LAC_O, LAC_W, LAC_C), LAC_RANDOM(LAC_O) } });
}
