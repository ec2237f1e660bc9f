#include "autograd/ops/resize/resize.h"
#include "autograd/ops/resize/formula.h"
#include "tests/harness/op.h"

static void check(lac_resize_attr a)
{
    const lac_op_case k = { .op = LAC_OP_resize, .attr = &a, .ref = resize_ref, .in = { LAC_RANDOM(2, 6, 5, 3) } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 4e-3);           /* y in bf16 */
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_BF16) < 4e-3);
}

LAC_TEST(resize_matches_its_definition_and_differences)
{
    for (lac_resize_mode mode = LAC_RESIZE_NEAREST; mode <= LAC_RESIZE_AREA; mode++)
        for (int corners = 0; corners < 2; corners++) {
            check((lac_resize_attr){ 3, 9, mode, corners });
            check((lac_resize_attr){ 12, 1, mode, corners });
        }
}

LAC_TEST(resize_takes_block_maxima)
{
    const lac_op_case k = { .op = LAC_OP_resize, .attr = &(lac_resize_attr){ 3, 2, LAC_RESIZE_MAX, false }, .ref = resize_ref,
                            .in = { LAC_RANDOM(2, 6, 8, 3) } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) == 0);
}

LAC_TEST(resize_follows_the_index_tables_of_tensorflow)
{
    static const int64_t to_32[] = { 0, 2, 4, 6 }, to_64[] = { 0, 4, 8, 12, 16, 20 }, end_64[] = { 121, 125, 130, 134 };
    for (int64_t j = 0; j < 4; j++) {
        LAC_CHECK(lac_nearest_index(j, 64, 32, true) == to_32[j]);
        LAC_CHECK(lac_nearest_index(j + 30, 256, 64, true) == end_64[j]);
    }
    for (int64_t j = 0; j < 32; j++)
        LAC_CHECK(lac_nearest_index(j, 64, 32, true) == (j < 16 ? 2 * j : 2 * j + 1));
    for (int64_t j = 0; j < 6; j++)
        LAC_CHECK(lac_nearest_index(j, 256, 64, true) == to_64[j]);
    for (int64_t n = 1; n < 300; n++)                           /* twice as large is replication, at every size */
        for (int64_t j = 0; j < 2 * n; j++)
            LAC_CHECK(lac_nearest_index(j, n, 2 * n, true) == j / 2);
}

LAC_TEST(resize_agrees_with_pytorch)            /* 7 x 9 to 5 x 14; f32 positions there, so bicubic weights differ by some 1e-7 */
{
    static const char *const name[] = { "nearest", "bilinear", "bicubic", "area" };
    for (lac_resize_mode mode = LAC_RESIZE_NEAREST; mode <= LAC_RESIZE_AREA; mode++)
        LAC_CHECK(lac_op_golden_gap(LAC_OP_resize, &(lac_resize_attr){ 5, 14, mode, false }, "ops.safetensors", name[mode]) < 1e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_resize, &(lac_resize_attr){ 5, 14, LAC_RESIZE_BILINEAR, true }, "ops.safetensors", "bilinear_corners") < 1e-6);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_resize, &(lac_resize_attr){ 5, 14, LAC_RESIZE_BICUBIC, true }, "ops.safetensors", "bicubic_corners") < 1e-6);
}

LAC_TEST(resize_refuses_an_empty_result)
{
    const lac_op_case k = { .op = LAC_OP_resize, .attr = &(lac_resize_attr){ 0, 4, LAC_RESIZE_AREA, false }, .in = { LAC_RANDOM(1, 4, 4, 1) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "at least 1");
}

LAC_TEST(resize_of_any_size)
{
    for (lac_resize_mode mode = LAC_RESIZE_NEAREST; mode <= LAC_RESIZE_AREA; mode++)
        lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_resize, .attr = &(lac_resize_attr){ 4, 13, mode, false }, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C) } });
}
