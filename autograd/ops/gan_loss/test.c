#include "autograd/ops/gan_loss/gan_loss.h"
#include "tests/harness/op.h"

LAC_TEST(gan_loss_matches_its_formula_and_differences)
{
    for (lac_gan_term term = LAC_HINGE_REAL; term <= LAC_LOGIT_MINUS; term++) {
        const lac_op_case k = { .op = LAC_OP_gan_loss, .attr = &(lac_gan_loss_attr){ term }, .ref = gan_loss_ref, .in = { LAC_RANDOM(3, 11) }, .seed = 4 };
        LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 1e-6);       /* bf16 logits, the sum is f32 all the same */
        LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);
    }
}

LAC_TEST(gan_loss_agrees_with_pytorch)          /* some logits lie exactly on the margin: their gradient is 0 */
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_gan_loss, &(lac_gan_loss_attr){ LAC_HINGE_REAL }, "ops.safetensors", "hinge_real") < 1e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_gan_loss, &(lac_gan_loss_attr){ LAC_HINGE_FAKE }, "ops.safetensors", "hinge_fake") < 1e-6);
}

LAC_TEST(gan_loss_of_any_size)
{
    for (lac_gan_term term = LAC_HINGE_REAL; term <= LAC_SOFTPLUS_REAL; term += 2)
        lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_gan_loss, .attr = &(lac_gan_loss_attr){ term }, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C) } });
}
