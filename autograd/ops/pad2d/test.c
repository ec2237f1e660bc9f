#include "autograd/ops/pad2d/pad2d.h"
#include "tests/harness/op.h"

LAC_TEST(pad2d_matches_its_definition_and_differences)
{
    for (lac_pad_mode mode = LAC_PAD_REFLECT; mode <= LAC_PAD_REPLICATE; mode++) {
        const lac_op_case k = { .op = LAC_OP_pad2d, .attr = &(lac_pad2d_attr){ { 2, 3, 0, 4 }, mode }, .ref = pad2d_ref, .in = { LAC_RANDOM(2, 4, 5, 3) } };
        LAC_CHECK(lac_op_value_gap(&k, LAC_F32) == 0);
        LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) == 0);
        LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);    /* gradients may be bf16 */
    }
}

LAC_TEST(pad2d_agrees_with_numpy)
{
    static const char *const name[] = { "pad_reflect", "pad_symmetric", "pad_replicate" };
    for (lac_pad_mode mode = LAC_PAD_REFLECT; mode <= LAC_PAD_REPLICATE; mode++)
        LAC_CHECK(lac_op_golden_gap(LAC_OP_pad2d, &(lac_pad2d_attr){ { 1, 2, 3, 2 }, mode }, "ops.safetensors", name[mode]) == 0);
}

LAC_TEST(pad2d_refuses_more_than_there_is)
{
    lac_pad2d_attr a = { { 0, 4, 0, 0 }, LAC_PAD_REFLECT };
    lac_op_case k = { .op = LAC_OP_pad2d, .attr = &a, .in = { LAC_RANDOM(1, 4, 4, 1) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "pad too large");
    a.mode = LAC_PAD_SYMMETRIC;
    LAC_CHECK_STATUS(lac_op_status(&k));
    a.pad[2] = 5;
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "width of 4");
}

LAC_TEST(pad2d_of_any_size)
{
    const lac_pad2d_attr reflect = { { 1, 2, 1, 0 }, LAC_PAD_REFLECT }, replicate = { { 0, 3, 2, 1 }, LAC_PAD_REPLICATE };
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_pad2d, .attr = &reflect, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C) } });
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_pad2d, .attr = &replicate, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C) } });
}
