#include "autograd/ops/gate/gate.h"
#include "tests/harness/op.h"

void gate_ref(const lac_ref *r);

static void check(lac_act act, int upsample, int64_t channels)
{
    const lac_op_case k = { .op = LAC_OP_gate, .attr = &(lac_gate_attr){ act, upsample }, .ref = gate_ref, .in = { LAC_RANDOM(2, 3, 5, channels) } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);            /* f32: a few units in the last place */
    LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 4e-3);           /* bf16 rounds y to 2^-9 */
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);
}

LAC_TEST(gate_matches_its_formula_and_differences)
{
    for (int upsample = 1; upsample <= 2; upsample++) {
        check(LAC_ACT_ELU, upsample, 6);
        check(LAC_ACT_RELU, upsample, 10);
        check(LAC_ACT_ELU, upsample, 24);       /* the widths gathered in bf16, and one beyond them */
        check(LAC_ACT_ELU, upsample, 48);
        check(LAC_ACT_RELU, upsample, 96);
        check(LAC_ACT_ELU, upsample, 64);
    }
}

LAC_TEST(gate_agrees_with_pytorch)
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_gate, &(lac_gate_attr){ LAC_ACT_ELU, 1 }, "ops.safetensors", "gate") < 1e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_gate, &(lac_gate_attr){ LAC_ACT_RELU, 2 }, "ops.safetensors", "gate_up") < 1e-6);
}

LAC_TEST(gate_refuses_an_odd_channel_count)
{
    const lac_op_case k = { .op = LAC_OP_gate, .attr = &(lac_gate_attr){ LAC_ACT_ELU, 1 }, .in = { LAC_RANDOM(1, 4, 4, 3) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "[1,4,4,3]");
}
