#include "autograd/ops/composite/composite.h"
#include "tests/harness/op.h"

static void check(lac_composite_attr a, bool x, int64_t masks)
{
    const lac_op_case k = { .op = LAC_OP_composite, .attr = &a, .ref = composite_ref,
                            .in = { { x ? LAC_FILL_UNIFORM : LAC_FILL_NONE, { 4, { 2, 4, 5, 3 } } }, LAC_RANDOM(2, 4, 5, 3), LAC_MASK(masks, 4, 5, 1) } };
    const double rounding = a.dtype == LAC_BF16 ? 4e-3 : 1e-6;          /* y in bf16 rounds to 2^-9 */
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < rounding);
    LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 4e-3);
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < rounding);             /* a bf16 y may be given a bf16 gradient */
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);
}

LAC_TEST(composite_makes_every_network_input)
{
    check((lac_composite_attr){ .ones = true, .append_mask = true }, false, 2);     /* generator */
    check((lac_composite_attr){ .dtype = LAC_BF16 }, true, 1);                      /* second stage */
    check((lac_composite_attr){ .ones = true, .append_mask = true }, true, 1);      /* second stage with aux */
    check((lac_composite_attr){ .whole = true, .append_mask = true }, false, 1);    /* discriminator */
    check((lac_composite_attr){ .whole = true, .append_mask = true, .dtype = LAC_BF16 }, false, 2);
}

LAC_TEST(composite_gives_the_mask_its_derivative)
{
    const lac_composite_attr all = { .ones = true, .append_mask = true }, whole = { .whole = true, .append_mask = true };
    const lac_op_case cases[] = {
        { .op = LAC_OP_composite, .attr = &all, .ref = composite_ref, .in = { LAC_RANDOM(3, 4, 5, 3), LAC_RANDOM(3, 4, 5, 3), LAC_RANDOM(3, 4, 5, 1) } },
        { .op = LAC_OP_composite, .attr = &all, .ref = composite_ref, .in = { LAC_RANDOM(3, 4, 5, 3), LAC_RANDOM(3, 4, 5, 3), LAC_RANDOM(1, 4, 5, 1) } },
        { .op = LAC_OP_composite, .attr = &whole, .ref = composite_ref, .in = { { 0 }, LAC_RANDOM(2, 4, 5, 2), LAC_RANDOM(1, 4, 5, 1) } },
    };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);
    }
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_composite, .attr = &all,
                                       .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, 1) } });
}

LAC_TEST(composite_refuses_a_mask_of_another_size)
{
    const lac_op_case k = { .op = LAC_OP_composite, .attr = &(lac_composite_attr){ .ones = true },
                            .in = { { 0 }, LAC_RANDOM(2, 4, 5, 3), LAC_MASK(2, 4, 6, 1) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "mask [2,4,6,1]");
}

LAC_TEST(composite_of_any_size)
{
    const lac_composite_attr a = { .ones = true, .append_mask = true };
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_composite, .attr = &a, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_MASK(LAC_N, LAC_H, LAC_W, 1) } });
}
