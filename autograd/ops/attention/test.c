#include "autograd/ops/attention/attention.h"
#include "core/cpu/features.h"
#include "tests/harness/op.h"

#define ATTENTION(...) &(const lac_attention_attr){ __VA_ARGS__ }

static lac_op_case of(const lac_attention_attr *a, lac_op_input q, lac_op_input k)
{
    return (lac_op_case){ .op = LAC_OP_attention, .attr = a, .ref = attention_ref, .in = { q, k, k }, .library = true };
}

/* bf16 rounds P, S' and results to 2^-9. */
static void check(const lac_attention_attr *a, lac_op_input q, lac_op_input k)
{
    const lac_op_case c = of(a, q, k);
    LAC_CHECK(lac_op_value_gap(&c, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(&c, LAC_F32) < 5e-6);
    if (!lac_cpu_has_avx512_bf16())
        return;
    LAC_CHECK(lac_op_value_gap(&c, LAC_BF16) < 5e-3);
    LAC_CHECK(lac_op_gradient_gap(&c, LAC_BF16) < 1e-2);
}

LAC_TEST(attention_matches_its_formula_and_differences)
{
    const lac_op_input q = LAC_RANDOM(2, 5, 6), k = LAC_RANDOM(2, 7, 6), image = LAC_RANDOM(1, 3, 2, 8);
    check(ATTENTION(.heads = 2), q, k);
    check(ATTENTION(.heads = 1, .causal = true), k, k);
    check(ATTENTION(.heads = 4), image, (lac_op_input)LAC_RANDOM(1, 4, 8));
    check(ATTENTION(.heads = 2, .causal = true), q, (lac_op_input)LAC_RANDOM(2, 3, 6));
    LAC_CHECK(lac_op_gradient_gap(&(lac_op_case){ .op = LAC_OP_attention, .attr = ATTENTION(.heads = 3, .scale = 0.7f), .ref = attention_ref, .in = { q, k, k } }, LAC_F32) < 5e-6);
}

/* One key: y is v, and nothing depends on q and k. */
LAC_TEST(attention_to_one_token_is_that_token)
{
    const lac_op_input q = LAC_RANDOM(3, 5);
    const lac_op_case flat = of(ATTENTION(.heads = 5), q, q), sequence = of(ATTENTION(.heads = 3), (lac_op_input)LAC_RANDOM(2, 5, 6), (lac_op_input)LAC_RANDOM(2, 1, 6));
    const lac_op_case first = of(ATTENTION(.heads = 1, .causal = true), (lac_op_input)LAC_RANDOM(2, 1, 6), (lac_op_input)LAC_RANDOM(2, 7, 6));
    LAC_CHECK(lac_op_value_gap(&flat, LAC_F32) < 1e-6 && lac_op_value_gap(&sequence, LAC_F32) < 1e-6 && lac_op_value_gap(&first, LAC_F32) < 1e-6);
    lac_op_check(&flat);
    lac_op_check(&sequence);
    lac_op_check(&first);
}

/* Several blocks of queries and of keys, the last ones short. */
LAC_TEST(attention_goes_over_blocks)
{
    const lac_op_input few = LAC_RANDOM(1, 130, 3), many = LAC_RANDOM(1, 520, 3);
    const lac_attention_attr all = { .heads = 1 }, causal = { .heads = 1, .causal = true };
    const lac_op_case cases[] = { of(&all, few, many), of(&causal, many, few), of(&causal, few, many) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++)
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6);
    lac_op_check(&cases[0]);
    lac_op_check(&cases[1]);
}

LAC_TEST(attention_agrees_with_pytorch)
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_attention, ATTENTION(.heads = 2), "ops.safetensors", "attention") < 2e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_attention, ATTENTION(.heads = 3, .causal = true), "ops.safetensors", "attention_causal") < 2e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_attention, ATTENTION(.heads = 1, .scale = 0.25f), "ops.safetensors", "attention_scaled") < 2e-6);
}

LAC_TEST(attention_of_any_size)
{
    const lac_attention_attr one = { .heads = 1 }, causal = { .heads = 1, .causal = true };
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_attention, .attr = &one, .library = true,
                                       .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_RANDOM(LAC_N, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_W, LAC_C) } });
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_attention, .attr = &causal, .library = true,
                                       .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_C) } });
    static const int64_t widths[] = { 40, 64, 80, 160, 512, 37 };
    for (size_t i = 0; i < LAC_COUNT(widths); i++) {
        const lac_attention_attr two = { .heads = 2 };
        const lac_op_input q = LAC_RANDOM(1, 9, 2 * widths[i]), k = LAC_RANDOM(1, 17, 2 * widths[i]);
        const lac_op_case c = of(&two, q, k);
        lac_op_check(&c);
    }
}

/* Scores of some hundreds: exponentials neither overflow, nor is their sum nothing. What f32 keeps of such a score is 3e-5. */
LAC_TEST(attention_with_large_scores_stays_finite)
{
    const lac_attention_attr a = { .heads = 1, .scale = 80 };
    const lac_op_case c = of(&a, (lac_op_input)LAC_RANDOM(1, 4, 2), (lac_op_input)LAC_RANDOM(1, 30, 2));
    LAC_CHECK(lac_op_value_gap(&c, LAC_F32) < 1e-4);
}

LAC_TEST(attention_names_what_does_not_fit)
{
    lac_attention_attr a = { .heads = 2 };
    lac_op_case k = { .op = LAC_OP_attention, .attr = &a, .in = { LAC_RANDOM(2, 5, 6), LAC_RANDOM(2, 7, 6), LAC_RANDOM(2, 7, 6) } };
    k.in[2].shape.dim[1] = 8;
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "v is [2,8,6], k is [2,7,6]");
    k.in[2].shape.dim[1] = 7;
    k.in[0].shape.dim[0] = 3;
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "k [2,7,6] does not fit q [3,5,6]");
    k.in[0].shape.dim[0] = 2;
    k.in[0].shape.dim[2] = 7;
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "q [N, ..., heads * d] for 2 heads, got [2,5,7]");
    k.in[0].shape.dim[2] = 6;
    k.in[1].shape.dim[1] = k.in[2].shape.dim[1] = 0;
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "at least one token, got k [2,0,6]");
    k.in[1].shape.dim[1] = k.in[2].shape.dim[1] = 7;
    a.heads = 0;
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "heads from 1 on, got 0");
    a = (lac_attention_attr){ .heads = 2, .scale = -1 };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "positive scale");
}
