/* Values and gradients of the library calls themselves: tests/test_core_dnn.c. */
#include "autograd/ops/conv2d/conv2d.h"
#include "core/cpu/features.h"
#include "tests/harness/op.h"

static lac_conv2d_attr attr(int64_t stride, int64_t dilation, int64_t pad, int64_t groups)
{
    return (lac_conv2d_attr){ .stride = { stride, stride }, .dilation = { dilation, dilation }, .pad = { pad, pad, pad, pad }, .groups = groups };
}

/* f32: a few dozen products of order 1; bf16 rounds inputs exactly and results to 2^-9. */
static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) < 2e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 5e-6);
    if (!lac_cpu_has_avx512_bf16())
        return;
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) < 4e-3);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 8e-3);
}

LAC_TEST(conv2d_matches_its_formula_and_differences)
{
    const lac_conv2d_attr plain = attr(1, 1, 1, 1), strided = attr(2, 1, 1, 1), dilated = attr(1, 2, 2, 1), grouped = attr(1, 1, 1, 2);
    check(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &plain, .ref = conv2d_ref, .in = { LAC_RANDOM(2, 5, 4, 3), LAC_RANDOM(4, 3, 3, 3), LAC_RANDOM(4) } });
    check(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &strided, .ref = conv2d_ref, .in = { LAC_RANDOM(1, 6, 7, 2), LAC_RANDOM(3, 3, 3, 2), LAC_RANDOM(3) } });
    check(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &dilated, .ref = conv2d_ref, .in = { LAC_RANDOM(1, 6, 5, 4), LAC_RANDOM(2, 3, 3, 4) } });
    check(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &grouped, .ref = conv2d_ref, .in = { LAC_RANDOM(1, 4, 5, 4), LAC_RANDOM(6, 3, 3, 2), LAC_RANDOM(6) } });
}

LAC_TEST(conv2d_takes_strides_beyond_its_kernel)
{
    const lac_conv2d_attr padded = attr(2, 1, 1, 1), wide = attr(3, 1, 0, 1);           /* rows of gx that no row of y touches, the first among them */
    check(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &padded, .ref = conv2d_ref, .in = { LAC_RANDOM(1, 6, 5, 3), LAC_RANDOM(4, 1, 1, 3), LAC_RANDOM(4) } });
    check(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &wide, .ref = conv2d_ref, .in = { LAC_RANDOM(1, 17, 4, 2), LAC_RANDOM(2, 1, 1, 2), LAC_RANDOM(2) } });
}

/* Residual of y's shape, or none, under each activation; the seed puts no sum on a kink. */
static void check_after(const lac_conv2d_attr *plain, lac_op_input x, lac_op_input weight, lac_op_input bias, lac_op_input residual)
{
    for (lac_act act = LAC_ACT_NONE; act <= LAC_ACT_LEAKY; act++)
        for (int with = 0; with < 2; with++) {
            lac_conv2d_attr a = *plain;
            a.act = lac_act_of(act);
            lac_op_case k = { .op = LAC_OP_conv2d, .attr = &a, .ref = conv2d_ref, .in = { x, weight, bias }, .seed = 3 };
            if (with)
                k.in[3] = residual;
            check(&k);
        }
}

LAC_TEST(conv2d_adds_and_activates_what_it_sums)
{
    const lac_conv2d_attr plain = attr(1, 1, 1, 1), strided = attr(2, 1, 2, 1), grouped = attr(1, 1, 1, 2);
    check_after(&plain, (lac_op_input)LAC_RANDOM(2, 5, 4, 3), (lac_op_input)LAC_RANDOM(4, 3, 3, 3), (lac_op_input)LAC_RANDOM(4), (lac_op_input)LAC_RANDOM(2, 5, 4, 4));
    check_after(&strided, (lac_op_input)LAC_RANDOM(1, 7, 5, 2), (lac_op_input)LAC_RANDOM(3, 5, 5, 2), (lac_op_input){ 0 }, (lac_op_input)LAC_RANDOM(1, 4, 3, 3));
    check_after(&grouped, (lac_op_input)LAC_RANDOM(1, 3, 5, 4), (lac_op_input)LAC_RANDOM(6, 3, 3, 2), (lac_op_input)LAC_RANDOM(6), (lac_op_input)LAC_RANDOM(1, 3, 5, 6));
}

/* One slope after the other, of the same shape: neither the library's plan nor Winograd's finish may keep the first one's. */
LAC_TEST(conv2d_takes_the_slope_it_is_told)
{
    for (int i = 0; i < 6; i++) {
        lac_conv2d_attr a = attr(1, 1, 1, 1);
        a.act = lac_act_leaky((float[]){ 0.2f, 0.01f, 0.6f }[i % 3]);
        lac_op_case k = { .op = LAC_OP_conv2d, .attr = &a, .ref = conv2d_ref, .in = { LAC_RANDOM(2, 5, 4, 3), LAC_RANDOM(4, 3, 3, 3), LAC_RANDOM(4) }, .seed = 3 };
        if (i >= 3)
            k.in[3] = (lac_op_input)LAC_RANDOM(2, 5, 4, 4);
        check(&k);
        k.in[0] = (lac_op_input)LAC_RANDOM(1, 9, 10, 16), k.in[1] = (lac_op_input)LAC_RANDOM(24, 3, 3, 16), k.in[2] = (lac_op_input)LAC_RANDOM(24);
        if (i >= 3)
            k.in[3] = (lac_op_input)LAC_RANDOM(1, 9, 10, 24);
        LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-5);        /* by Winograd */
    }
}

/* tests/golden/ops.py */
LAC_TEST(conv2d_with_activation_and_residual_agrees_with_pytorch)
{
    lac_conv2d_attr a = attr(1, 1, 1, 1);
    a.act = lac_act_of(LAC_ACT_LEAKY);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_conv2d, &a, "ops.safetensors", "conv_leaky") < 1e-6);
    a.act = lac_act_of(LAC_ACT_RELU);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_conv2d, &a, "ops.safetensors", "conv_relu") < 1e-6);
    a.act = lac_act_of(LAC_ACT_ELU);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_conv2d, &a, "ops.safetensors", "conv_elu") < 1e-6);
}

LAC_TEST(conv2d_by_winograd_matches_its_formula)
{
    const lac_conv2d_attr plain = attr(1, 1, 1, 1), strided = { .stride = { 2, 2 }, .dilation = { 1, 1 }, .pad = { 1, 2, 1, 2 }, .groups = 1 };
    const lac_op_case three = { .op = LAC_OP_conv2d, .attr = &plain, .ref = conv2d_ref, .in = { LAC_RANDOM(1, 9, 10, 16), LAC_RANDOM(24, 3, 3, 16), LAC_RANDOM(24) } };
    const lac_op_case five = { .op = LAC_OP_conv2d, .attr = &strided, .ref = conv2d_ref, .in = { LAC_RANDOM(1, 32, 32, 32), LAC_RANDOM(32, 5, 5, 32), LAC_RANDOM(32) } };
    const lac_conv2d_attr across = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .pad = { 0, 0, 3, 3 }, .groups = 1 };
    const lac_op_case seven = { .op = LAC_OP_conv2d, .attr = &across, .ref = conv2d_ref, .in = { LAC_RANDOM(2, 5, 15, 34), LAC_RANDOM(37, 1, 7, 34), LAC_RANDOM(37) } };
    LAC_CHECK(lac_op_value_gap(&three, LAC_F32) < 1e-5);        /* what performance.md grants Winograd */
    LAC_CHECK(lac_op_value_gap(&five, LAC_F32) < 1e-5);
    LAC_CHECK(lac_op_value_gap(&seven, LAC_F32) < 1e-5);
    for (lac_act act = LAC_ACT_ELU; act <= LAC_ACT_LEAKY; act++) {
        lac_conv2d_attr activated = plain;
        activated.act = lac_act_of(act);
        lac_op_case k = three;
        k.attr = &activated;
        LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-5);
        k.in[3] = (lac_op_input)LAC_RANDOM(1, 9, 10, 24);
        LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-5);
    }
}

static void refused(lac_conv2d_attr a, lac_op_input x, lac_op_input weight, lac_op_input bias, const char *word)
{
    const lac_op_case k = { .op = LAC_OP_conv2d, .attr = &a, .in = { x, weight, bias } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, word);
}

LAC_TEST(conv2d_names_what_does_not_fit)
{
    const lac_op_input x = LAC_RANDOM(1, 4, 4, 6), w = LAC_RANDOM(4, 3, 3, 6), none = { 0 }, narrow = LAC_RANDOM(4, 3, 3, 5), bias = LAC_RANDOM(3);
    const lac_op_input flat = LAC_RANDOM(4, 6), large = LAC_RANDOM(4, 7, 3, 6);
    refused(attr(0, 1, 1, 1), x, w, none, "stride");
    refused(attr(1, 0, 1, 1), x, w, none, "dilation");
    refused(attr(1, 1, -1, 1), x, w, none, "padding");
    refused(attr(1, 1, 1, 4), x, w, none, "groups");
    refused(attr(1, 1, 1, 0), x, w, none, "groups");
    refused(attr(1, 1, 1, 1), x, narrow, none, "weight");
    refused(attr(1, 1, 1, 1), x, w, bias, "bias");
    refused(attr(1, 1, 1, 1), flat, w, none, "x");
    refused(attr(1, 1, 1, 1), x, flat, none, "weight");
    refused(attr(1, 1, 1, 1), x, large, none, "kernel");
    refused(attr(1, 3, 1, 1), x, w, none, "kernel");
    const lac_conv2d_attr plain = attr(1, 1, 1, 1);
    lac_conv2d_attr tanh = plain, forgotten = plain;
    tanh.act = lac_act_of(LAC_ACT_TANH);
    forgotten.act.kind = LAC_ACT_LEAKY;
    const lac_op_case other = { .op = LAC_OP_conv2d, .attr = &plain, .in = { x, w, none, LAC_RANDOM(1, 4, 3, 4) } };
    LAC_CHECK_FAILS(lac_op_status(&other), LAC_ERR_SHAPE, "residual");
    LAC_CHECK_FAILS(lac_op_status(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &tanh, .in = { x, w } }), LAC_ERR_ARG, "activation");
    LAC_CHECK_FAILS(lac_op_status(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &forgotten, .in = { x, w } }), LAC_ERR_ARG, "slope above 0");
}

/* TensorFlow: even n, k3 s1 (1,1); k3 s2 (0,1); k5 s2 (1,2); dilation d (d,d); k4 s2 (1,1). */
LAC_TEST(same_padding_is_tensorflows)
{
    static const int64_t known[][6] = { { 64, 3, 1, 1, 1, 1 }, { 64, 3, 2, 1, 0, 1 }, { 64, 5, 2, 1, 1, 2 }, { 64, 3, 1, 8, 8, 8 }, { 64, 4, 2, 1, 1, 1 },
                                        { 65, 3, 2, 1, 1, 1 }, { 7, 1, 2, 1, 0, 0 } };
    for (size_t i = 0; i < LAC_COUNT(known); i++) {
        int64_t before, after;
        lac_same_padding(known[i][0], known[i][1], known[i][2], known[i][3], &before, &after);
        LAC_CHECK(before == known[i][4] && after == known[i][5]);
    }
}

LAC_TEST(conv2d_of_any_size)
{
    const lac_conv2d_attr plain = attr(1, 1, 1, 1);
    lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &plain, .library = true,
                                       .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_O, 3, 3, LAC_C), LAC_RANDOM(LAC_O) } });
    for (lac_act act = LAC_ACT_ELU; act <= LAC_ACT_LEAKY; act++) {
        lac_conv2d_attr after = plain;
        after.act = lac_act_of(act);
        lac_op_check(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &after, .library = true,
                                     .in = { LAC_RANDOM(0, 3, 3, 2), LAC_RANDOM(4, 3, 3, 2), LAC_RANDOM(4), LAC_RANDOM(0, 3, 3, 4) } });
        lac_op_check(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &after, .library = true,
                                     .in = { LAC_RANDOM(1, 1, 1, 1), LAC_RANDOM(1, 1, 1, 1), LAC_RANDOM(1), LAC_RANDOM(1, 3, 3, 1) } });
    }
    lac_conv2d_attr elu = plain;        /* at a kink the slope is another where CUDA, which rounds before it adds, comes out beyond 0 */
    elu.act = lac_act_of(LAC_ACT_ELU);
    lac_op_check(&(lac_op_case){ .op = LAC_OP_conv2d, .attr = &elu, .library = true,
                                 .in = { LAC_RANDOM(2, 9, 7, 3), LAC_RANDOM(16, 3, 3, 3), LAC_RANDOM(16), LAC_RANDOM(2, 9, 7, 16) } });
}
