#include "autograd/ops/gate/gate.h"
#include "autograd/ops/rows.h"
#include "tests/harness/op.h"

static void check(lac_act act, int upsample, int64_t n, int64_t height, int64_t channels)
{
    const lac_op_case k = { .op = LAC_OP_gate, .attr = &(lac_gate_attr){ .act = act, .upsample = upsample }, .ref = gate_ref, .in = { LAC_RANDOM(n, height, 5, channels) } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);            /* f32: a few units in the last place */
    LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 4e-3);           /* bf16 rounds y to 2^-9 */
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);
}

LAC_TEST(gate_matches_its_formula_and_differences)
{
    for (int upsample = 1; upsample <= 2; upsample++) {
        check(LAC_ACT_ELU, upsample, 2, 3, 6);
        check(LAC_ACT_RELU, upsample, 2, 3, 10);
        check(LAC_ACT_ELU, upsample, 2, 3, 24);       /* the widths gathered in bf16, one taken in place, and one beyond them */
        check(LAC_ACT_ELU, upsample, 1, 4, 48);
        check(LAC_ACT_RELU, upsample, 1, 4, 96);
        check(LAC_ACT_ELU, upsample, 1, 1, 192);
        check(LAC_ACT_ELU, upsample, 1, 1, 64);
    }
}

LAC_TEST(pairs_round_as_bf16_does)          /* to the bit, but for ties */
{
    int wrong = 0;
    for (uint32_t u = 0; u < 0x7f800000u; u += 0x1fff) {
        const float x[4] = { lac_from_bits(u), lac_from_bits(u | 0x80000000u), lac_from_bits((u & ~0xffffu) | 0x8001u), lac_from_bits(u | 0xffffu) };
        uint16_t bf16[4];
        lac_from_f32(bf16, LAC_BF16, x, 4);
        if ((u & 0xffff) != 0x8000)
            wrong += lac_pair_of(x[0], x[1]) != (bf16[0] | (uint32_t)bf16[1] << 16) || lac_pair_of(x[2], x[3]) != (bf16[2] | (uint32_t)bf16[3] << 16);
    }
    LAC_CHECK(wrong == 0 && isinf(lac_pair_first(lac_pair_of(INFINITY, 0))) && isnan(lac_pair_second(lac_pair_of(1, NAN))));
}

LAC_TEST(gate_agrees_with_pytorch)
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_gate, &(lac_gate_attr){ .act = LAC_ACT_ELU, .upsample = 1 }, "ops.safetensors", "gate") < 1e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_gate, &(lac_gate_attr){ .act = LAC_ACT_RELU, .upsample = 2 }, "ops.safetensors", "gate_up") < 1e-6);
}

LAC_TEST(gate_refuses_an_odd_channel_count)
{
    const lac_op_case k = { .op = LAC_OP_gate, .attr = &(lac_gate_attr){ .act = LAC_ACT_ELU, .upsample = 1 }, .in = { LAC_RANDOM(1, 4, 4, 3) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "[1,4,4,3]");
}

LAC_TEST(gate_of_any_size)
{
    for (int up = 1; up <= 2; up++)
        lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_gate, .attr = &(lac_gate_attr){ .act = LAC_ACT_ELU, .upsample = up }, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, 2 * LAC_C) } });
}
