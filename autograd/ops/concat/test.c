#include "autograd/ops/concat/concat.h"
#include "tests/harness/op.h"

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) == 0);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) == 0);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 4e-3);         /* gradients in bf16 */
}

LAC_TEST(concat_joins_channels_and_batches)
{
    check(&(lac_op_case){ .op = LAC_OP_concat, .attr = &(lac_concat_attr){ LAC_CONCAT_CHANNELS }, .ref = concat_ref,
                          .in = { LAC_RANDOM(2, 3, 4, 5), LAC_RANDOM(2, 3, 4, 1), LAC_RANDOM(2, 3, 4, 8) } });
    check(&(lac_op_case){ .op = LAC_OP_concat, .attr = &(lac_concat_attr){ LAC_CONCAT_BATCH }, .ref = concat_ref,
                          .in = { LAC_RANDOM(2, 3, 4, 5), LAC_RANDOM(1, 3, 4, 5) } });
}

LAC_TEST(concat_refuses_what_does_not_fit)
{
    const lac_op_case k = { .op = LAC_OP_concat, .attr = &(lac_concat_attr){ LAC_CONCAT_CHANNELS },
                            .in = { LAC_RANDOM(2, 3, 4, 5), LAC_RANDOM(2, 4, 4, 5) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "input 1 is [2,4,4,5]");
}

LAC_TEST(concat_of_any_size)
{
    const lac_concat_attr channels = { LAC_CONCAT_CHANNELS }, batch = { LAC_CONCAT_BATCH };
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_concat, .attr = &channels, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, 1) } });
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_concat, .attr = &batch, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C) } });
}
