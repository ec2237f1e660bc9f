#include "autograd/ops/activation/activation.h"
#include "tests/harness/op.h"

#include <math.h>

static lac_op_case of_kind(const lac_activation_attr *a)
{
    return (lac_op_case){ .op = LAC_OP_activation, .attr = a, .ref = activation_ref, .in = { LAC_RANDOM(3, 5, 7) }, .seed = 19 + a->act.kind };        /* a seed that puts no bf16 value on a kink, where differences are half a slope */
}

LAC_TEST(activations_match_their_formulas_and_differences)
{
    for (lac_act kind = LAC_ACT_ELU; kind <= LAC_ACT_GELU; kind++) {
        const lac_activation_attr a = { .act = lac_act_of(kind) };
        const lac_op_case k = of_kind(&a);
        LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);            /* f32: a few units in the last place */
        LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 4e-3);           /* bf16 rounds y to 2^-9 */
        LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);
    }
}

LAC_TEST(leaky_takes_any_slope_between_0_and_1)
{
    for (int i = 0; i < 2; i++) {
        const lac_activation_attr a = { .act = lac_act_leaky(i == 0 ? 0.01f : 0.75f) };
        const lac_op_case k = of_kind(&a);
        LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6 && lac_op_value_gap(&k, LAC_BF16) < 4e-3);
        LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6 && lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);
    }
    for (int i = 0; i < 4; i++) {
        const lac_activation_attr a = { .act = lac_act_leaky((float[]){ 0, 1, -0.1f, NAN }[i]) };
        const lac_op_case k = of_kind(&a);
        LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "slope");
    }
}

LAC_TEST(activations_agree_with_pytorch)        /* tests/golden/ops.py; x holds 0, -1, 1 and both ends of the range */
{
    static const char *const name[] = { "elu", "relu", "leaky", "tanh", "clip", "silu", "quick_gelu", "gelu" };
    for (lac_act kind = LAC_ACT_ELU; kind <= LAC_ACT_GELU; kind++)
        LAC_CHECK(lac_op_golden_gap(LAC_OP_activation, &(lac_activation_attr){ .act = lac_act_of(kind) }, "ops.safetensors", name[kind - LAC_ACT_ELU]) < 1e-6);
}

LAC_TEST(activation_wants_a_function)
{
    const lac_op_case k = { .op = LAC_OP_activation, .attr = &(lac_activation_attr){ .act = lac_act_of(LAC_ACT_NONE) }, .in = { LAC_RANDOM(3) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "function");
}

LAC_TEST(activation_of_any_size)
{
    for (lac_act kind = LAC_ACT_ELU; kind <= LAC_ACT_GELU; kind++)
        lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_activation, .attr = &(lac_activation_attr){ .act = lac_act_of(kind) }, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C) } });
}
