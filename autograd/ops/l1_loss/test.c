#include "autograd/ops/l1_loss/l1_loss.h"
#include "tests/harness/op.h"

static void check(lac_region_kind region, lac_fill mask, int64_t masks)
{
    const lac_op_case k = { .op = LAC_OP_l1_loss, .attr = &(lac_l1_loss_attr){ region }, .ref = l1_loss_ref, .no_upstream = 1u << 1, .seed = 3,
                            .in = { LAC_RANDOM(2, 7, 9, 3), LAC_RANDOM(2, 7, 9, 3), { mask, { 4, { masks, 7, 9, 1 } } } } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 1e-6);           /* bf16 inputs, the sum is f32 all the same */
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);        /* gradients may be bf16 */
}

LAC_TEST(l1_loss_sums_each_region)
{
    check(LAC_REGION_ALL, LAC_FILL_NONE, 1);
    check(LAC_REGION_HOLE, LAC_FILL_MASK, 2);
    check(LAC_REGION_VALID, LAC_FILL_MASK, 1);
}

LAC_TEST(l1_loss_agrees_with_pytorch)           /* some differences are exactly 0: their gradient is 0 */
{ LAC_CHECK(lac_op_golden_gap(LAC_OP_l1_loss, &(lac_l1_loss_attr){ LAC_REGION_HOLE }, "ops.safetensors", "l1_hole") < 1e-6); }

LAC_TEST(l1_loss_wants_a_mask_exactly_for_a_part)
{
    lac_op_case k = { .op = LAC_OP_l1_loss, .attr = &(lac_l1_loss_attr){ LAC_REGION_HOLE }, .in = { LAC_RANDOM(2, 3), LAC_RANDOM(2, 3) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "mask");
    k.in[1].shape.dim[1] = 4;
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "y is [2,4]");
}

LAC_TEST(l1_loss_of_any_size)
{
    const lac_l1_loss_attr all = { LAC_REGION_ALL }, valid = { LAC_REGION_VALID };
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_l1_loss, .attr = &all, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C) }, .no_upstream = 1u << 1 });
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_l1_loss, .attr = &valid, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_MASK(LAC_N, LAC_H, LAC_W, 1) },
                                       .no_upstream = 1u << 1 });
}
