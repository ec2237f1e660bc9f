#include "autograd/ops/linear/linear.h"
#include "core/cpu/features.h"
#include "tests/harness/op.h"

/* f32: sums of at most 40 products of order 1; bf16 rounds results to 2^-9. */
static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 2e-6);
    if (!lac_cpu_has_avx512_bf16())
        return;
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) < 4e-3);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 8e-3);
}

LAC_TEST(linear_matches_its_formula_and_differences)
{
    check(&(lac_op_case){ .op = LAC_OP_linear, .ref = linear_ref, .in = { LAC_RANDOM(5, 7), LAC_RANDOM(3, 7), LAC_RANDOM(3) } });
    check(&(lac_op_case){ .op = LAC_OP_linear, .ref = linear_ref, .in = { LAC_RANDOM(2, 19, 16), LAC_RANDOM(17, 16) } });
    check(&(lac_op_case){ .op = LAC_OP_linear, .ref = linear_ref, .in = { LAC_RANDOM(40), LAC_RANDOM(1, 40), LAC_RANDOM(1) } });
}

LAC_TEST(linear_of_two_sources_onto_a_third)
{
    check(&(lac_op_case){ .op = LAC_OP_linear, .ref = linear_ref,
                          .in = { LAC_RANDOM(5, 7), LAC_RANDOM(3, 11), LAC_RANDOM(3), LAC_RANDOM(5, 4), LAC_RANDOM(5, 3) } });
    check(&(lac_op_case){ .op = LAC_OP_linear, .ref = linear_ref,
                          .in = { LAC_RANDOM(1, 4, 5, 8), LAC_RANDOM(9, 1, 1, 16), { LAC_FILL_NONE, { 0 } }, LAC_RANDOM(1, 4, 5, 8) } });
    check(&(lac_op_case){ .op = LAC_OP_linear, .ref = linear_ref,
                          .in = { LAC_RANDOM(2, 19, 16), LAC_RANDOM(17, 16, 1), LAC_RANDOM(17), { LAC_FILL_NONE, { 0 } }, LAC_RANDOM(2, 19, 17) } });
}

LAC_TEST(linear_names_what_does_not_fit)
{
    const lac_op_case x = { .op = LAC_OP_linear, .in = { LAC_RANDOM(5, 6), LAC_RANDOM(3, 7) } };
    const lac_op_case weight = { .op = LAC_OP_linear, .in = { LAC_RANDOM(5, 7), LAC_RANDOM(3, 7, 2) } };
    const lac_op_case bias = { .op = LAC_OP_linear, .in = { LAC_RANDOM(5, 7), LAC_RANDOM(3, 7), LAC_RANDOM(4) } };
    LAC_CHECK_FAILS(lac_op_status(&x), LAC_ERR_SHAPE, "x [..., 7]");
    LAC_CHECK_FAILS(lac_op_status(&weight), LAC_ERR_SHAPE, "weight");
    LAC_CHECK_FAILS(lac_op_status(&bias), LAC_ERR_SHAPE, "bias [3]");
    const lac_op_case window = { .op = LAC_OP_linear, .in = { LAC_RANDOM(5, 7), LAC_RANDOM(3, 3, 1, 7) } };
    const lac_op_case skip = { .op = LAC_OP_linear, .in = { LAC_RANDOM(5, 4), LAC_RANDOM(3, 7), LAC_RANDOM(3), LAC_RANDOM(4, 3) } };
    const lac_op_case both = { .op = LAC_OP_linear, .in = { LAC_RANDOM(5, 7), LAC_RANDOM(3, 7), LAC_RANDOM(3), LAC_RANDOM(5, 3) } };
    const lac_op_case residual = { .op = LAC_OP_linear, .in = { LAC_RANDOM(5, 7), LAC_RANDOM(3, 7), { LAC_FILL_NONE, { 0 } }, { LAC_FILL_NONE, { 0 } }, LAC_RANDOM(5, 7) } };
    LAC_CHECK_FAILS(lac_op_status(&window), LAC_ERR_SHAPE, "weight [O, I]");
    LAC_CHECK_FAILS(lac_op_status(&skip), LAC_ERR_SHAPE, "skip is [4,3]");
    LAC_CHECK_FAILS(lac_op_status(&both), LAC_ERR_SHAPE, "x [..., 4]");
    LAC_CHECK_FAILS(lac_op_status(&residual), LAC_ERR_SHAPE, "residual is [5,7]");
}

LAC_TEST(linear_of_any_size)
{
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_linear, .library = true, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_RANDOM(LAC_O, LAC_C), LAC_RANDOM(LAC_O) } });
    lac_op_check(&(lac_op_case){ .op = LAC_OP_linear, .library = true, .in = { LAC_RANDOM(300, 16), LAC_RANDOM(24, 16), LAC_RANDOM(24) } });
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_linear, .library = true,
                                       .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_RANDOM(LAC_O, LAC_C + LAC_W), LAC_RANDOM(LAC_O), LAC_RANDOM(LAC_N, LAC_H, LAC_W), LAC_RANDOM(LAC_N, LAC_H, LAC_O) } });
    lac_op_check(&(lac_op_case){ .op = LAC_OP_linear, .library = true,
                                 .in = { LAC_RANDOM(300, 16), LAC_RANDOM(24, 24), LAC_RANDOM(24), LAC_RANDOM(300, 8), LAC_RANDOM(300, 24) } });
}
