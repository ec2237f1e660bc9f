#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/backend_cpu.h"
#include "tests/harness/op.h"

static const lac_channel_affine_attr f32 = { { 2, -0.5f, 3, 1.5f }, { 0.25f, 1, -2, 0 }, LAC_F32 }, bf16 = { { 2, -0.5f, 3, 1.5f }, { 0.25f, 1, -2, 0 }, LAC_BF16 };

#define CASE(a, ...) (lac_op_case){ .op = LAC_OP_channel_affine, .attr = &a, .ref = channel_affine_ref, .in = { LAC_RANDOM(__VA_ARGS__) } }

LAC_TEST(channel_affine_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = { CASE(f32, 2, 3, 5, 3), CASE(f32, 7, 4), CASE(f32, 2, 3, 1) };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6 && lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 1e-6 && lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);
    }
    const lac_op_case rounded = CASE(bf16, 2, 3, 5, 3);
    LAC_CHECK(lac_op_value_gap(&rounded, LAC_F32) < 4e-3 && lac_op_gradient_gap(&rounded, LAC_F32) < 4e-3);
}

LAC_TEST(channel_affine_of_any_size) { lac_op_check_sizes(&CASE(bf16, LAC_N, LAC_H, LAC_W, 3)); }

LAC_TEST(channel_affine_names_what_does_not_fit)
{
    static const lac_channel_affine_attr whole = { { 1 }, { 0 }, LAC_U8 };
    LAC_CHECK_FAILS(lac_op_status(&CASE(f32, 2, 3, 5, 6)), LAC_ERR_SHAPE, "1 to 4 channels");
    LAC_CHECK_FAILS(lac_op_status(&CASE(whole, 2, 3, 5, 3)), LAC_ERR_ARG, "f32 or bf16, not u8");
}

typedef struct scaling { lac_tensor x, *y, *narrow; } scaling;

static lac_status scale(lac_tape *t, void *context)
{
    scaling *s = context;
    lac_tensor *x = lac_tape_input(t, &s->x, LAC_F32);
    LAC_TRY(lac_keep(t, lac_scaled(t, x, 0.18215f, LAC_F32), &s->y));
    return lac_keep(t, lac_scaled(t, x, 1, LAC_BF16), &s->narrow);
}

/* One rounding. Of so many values that four divides, and of so many that it does not. */
LAC_TEST(scaled_is_every_value_times_the_factor)
{
    static const int64_t dims[][3] = { { 2, 3, 2 }, { 3, 5, 1 } };
    const float values[15] = { 0.1f, -3, 7.25f, 1e-3f, 1.0f / 3, 2, 5, -0.7f, 11, 0.3f, 1e9f, -1e-9f, 0, 123.456f, -2.0f / 3 };
    const lac_backend *b;
    lac_tape *t;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    for (size_t i = 0; i < LAC_COUNT(dims); i++) {
        scaling s = { .x.data = (void *)values };
        lac_tensor_shape(&s.x, LAC_F32, 3, dims[i]);
        LAC_CHECK_STATUS(lac_tape_run(t, i == 0 ? "one" : "other", scale, &s));
        LAC_CHECK(lac_same_shape(s.y, &s.x) && lac_same_shape(s.narrow, &s.x));
        for (int64_t k = 0; k < lac_numel(&s.x); k++)
            LAC_CHECK(((float *)s.y->data)[k] == 0.18215f * values[k] && ((float *)s.narrow->data)[k] == lac_bf16_to_f32(lac_f32_to_bf16(values[k])));
        lac_tensor_free(s.y);
        lac_tensor_free(s.narrow);
    }
    lac_tape_free(t);
}
