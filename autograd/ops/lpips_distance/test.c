#include "autograd/ops/lpips_distance/lpips_distance.h"
#include "tests/harness/op.h"

#define CASE(...) (lac_op_case){ .op = LAC_OP_lpips_distance, .ref = lpips_distance_ref, .no_gradient = 1u << 2, .seed = 6, .in = { __VA_ARGS__ } }

LAC_TEST(lpips_distance_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = {
        CASE(LAC_RANDOM(2, 3, 4, 5), LAC_RANDOM(2, 3, 4, 5), LAC_RANDOM(5)), CASE(LAC_RANDOM(3, 1, 2, 40), LAC_RANDOM(3, 1, 2, 40), LAC_RANDOM(1, 1, 1, 40), LAC_RANDOM(3)),
    };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) < 1e-6 && lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-5);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) < 1e-6 && lac_op_gradient_gap(&cases[i], LAC_BF16) < 4e-3);
    }
}

typedef struct distance { lac_tensor *a, *b, *w, *ga, *gb; } distance;

static lac_status measure(lac_tape *t, void *context)
{
    distance *d = context;
    lac_tensor *x[2] = { lac_tape_input(t, d->a, LAC_F32), lac_tape_input(t, d->b, LAC_F32) }, *g[2];
    lac_tape_watch(t, x[0]);
    lac_tape_watch(t, x[1]);
    lac_tensor *y = lac_lpips_distance(t, x[0], x[1], lac_tape_input(t, d->w, LAC_F32), NULL, NULL);
    lac_tensor *gy = lac_tape_input(t, &(lac_tensor){ .dtype = LAC_F32, .ndim = 1, .dim = { 1 }, .data = (float[]){ 1 } }, LAC_F32);
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(lac_grad(t, &(lac_root){ .y = y, .gy = gy }, 1, x, 2, g));
    LAC_TRY(lac_keep(t, g[0], &d->ga));
    return lac_keep(t, g[1], &d->gb);
}

/* Pixel 0: both zero; 1: a zero, b not; 2: neither. */
LAC_TEST(lpips_distance_sends_nothing_where_features_are_zero)
{
    float a[] = { 0, 0, 0, 0, 1, 2 }, b[] = { 0, 0, 3, 1, 2, 1 }, w[] = { 1, 0.5f };
    lac_tensor ta = { .dtype = LAC_F32, .ndim = 4, .dim = { 1, 1, 3, 2 }, .data = a }, tb = ta, tw = { .dtype = LAC_F32, .ndim = 1, .dim = { 2 }, .data = w };
    tb.data = b;
    distance d = { .a = &ta, .b = &tb, .w = &tw };
    const lac_backend *cpu;
    lac_tape *t;
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_tape_new(&t, cpu));
    LAC_CHECK_STATUS(lac_tape_run(t, "distance", measure, &d));
    const float *ga = d.ga->data, *gb = d.gb->data;
    for (int i = 0; i < 4; i++)
        LAC_CHECK(ga[i] == 0 && (gb[i] == 0 || i >= 2));
    LAC_CHECK(ga[4] != 0 && gb[4] != 0 && gb[2] == gb[2]);
    lac_tensor_free(d.ga);
    lac_tensor_free(d.gb);
    lac_tape_free(t);
}

LAC_TEST(lpips_distance_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(1, LAC_C, 1, 1), LAC_RANDOM(LAC_N)));
}

LAC_TEST(lpips_distance_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(1, 2, 2, 6), LAC_RANDOM(1, 2, 2, 5), LAC_RANDOM(6))), LAC_ERR_SHAPE, "b is [1,2,2,5]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(1, 2, 2, 6), LAC_RANDOM(1, 2, 2, 6), LAC_RANDOM(5))), LAC_ERR_SHAPE, "weight is [5]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 2, 2, 6), LAC_RANDOM(2, 2, 2, 6), LAC_RANDOM(6), LAC_RANDOM(1))), LAC_ERR_SHAPE, "before is [1]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 2, 6), LAC_RANDOM(2, 2, 6), LAC_RANDOM(6))), LAC_ERR_SHAPE, "[N, H, W, C]");
}
