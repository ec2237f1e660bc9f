#include "autograd/ops/layer_norm/layer_norm.h"
#include "autograd/ops/backend_cpu.h"
#include "tests/harness/device.h"
#include "tests/harness/op.h"

#include <math.h>

static const lac_layer_norm_attr usual = { 1e-5f };

#define CASE(...) (lac_op_case){ .op = LAC_OP_layer_norm, .attr = &usual, .ref = layer_norm_ref, .in = { __VA_ARGS__ } }
#define PLAIN(c, ...) CASE(LAC_RANDOM(__VA_ARGS__, c), LAC_RANDOM(c), LAC_RANDOM(c))
#define AFTER(c, ...) CASE(LAC_RANDOM(__VA_ARGS__, c), LAC_RANDOM(c), LAC_RANDOM(c), LAC_RANDOM(__VA_ARGS__, c))

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) < 6e-3);            /* y is bf16, and so is the sum that it is made of */
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 2e-6);          /* differences of sums */
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 1.2e-2);
}

LAC_TEST(layer_norm_matches_its_formula_and_differences)
{
    check(&PLAIN(6, 2, 5));
    check(&PLAIN(40, 7));
    check(&PLAIN(16, 1, 2, 2));
    check(&AFTER(6, 2, 5));
    check(&AFTER(24, 3));
}

/* A row of f32 and a branch of bf16: the sum is as exact as a sum of f32, what leads the next branch is rounded once. */
typedef struct mixed { lac_tensor x, residual, weight, bias, up, *y, *sum, *gx, *gr; } mixed;

static lac_status mixed_body(lac_tape *t, void *context)
{
    mixed *m = context;
    lac_tensor *x = lac_tape_input(t, &m->x, LAC_F32), *r = lac_tape_input(t, &m->residual, LAC_BF16), *sum, *g[2] = { NULL };
    lac_tape_watch(t, x);
    lac_tape_watch(t, r);
    lac_tensor *y = lac_layer_norm_as(t, x, r, lac_tape_input(t, &m->weight, LAC_F32), lac_tape_input(t, &m->bias, LAC_F32), 1e-5f, LAC_BF16, &sum);
    LAC_TRY(lac_tape_status(t));
    if (y->dtype != LAC_BF16 || sum->dtype != LAC_F32)
        return LAC_FAIL(LAC_ERR_DTYPE, "y is %s, the sum %s", lac_dtype_name(y->dtype), lac_dtype_name(sum->dtype));
    LAC_TRY(lac_keep(t, y, &m->y));
    LAC_TRY(lac_keep(t, sum, &m->sum));
    LAC_TRY(lac_grad(t, &(lac_root){ .y = y, .gy = lac_tape_input(t, &m->up, LAC_F32) }, 1, (lac_tensor *[]){ x, r }, 2, g));
    LAC_TRY(lac_keep(t, g[0], &m->gx));
    return lac_keep(t, g[1], &m->gr);
}

static void check_mixed(const lac_backend *b)
{
    float x[] = { 1.00390625f, -2, 0.5f, 3 }, r[] = { 0.001953125f, 0, 0, 1 }, ones[] = { 1, 1, 1, 1 }, zeros[4] = { 0 }, up[] = { 1, 0, 0, 0 };
    mixed m = { .x = { .ndim = 2, .dim = { 1, 4 }, .data = x }, .residual = { .ndim = 2, .dim = { 1, 4 }, .data = r }, .weight = { .ndim = 1, .dim = { 4 }, .data = ones },
                .bias = { .ndim = 1, .dim = { 4 }, .data = zeros }, .up = { .ndim = 2, .dim = { 1, 4 }, .data = up } };
    lac_tape *t;
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    LAC_CHECK_STATUS(lac_tape_run(t, "mixed", mixed_body, &m));
    const float *y = m.y->data, *gx = m.gx->data, *gr = m.gr->data;
    float mean = 0, squares = 0;
    for (int i = 0; i < 4; i++) {
        LAC_CHECK(((const float *)m.sum->data)[i] == x[i] + r[i]);
        mean += (x[i] + r[i]) / 4;
    }
    for (int i = 0; i < 4; i++)
        squares += (x[i] + r[i] - mean) * (x[i] + r[i] - mean) / 4;
    for (int i = 0; i < 4; i++) {
        const float v = (x[i] + r[i] - mean) / sqrtf(squares + 1e-5f), u = (x[0] + r[0] - mean) / sqrtf(squares + 1e-5f);
        const float slope = ((i == 0) - 0.25f - v * u / 4) / sqrtf(squares + 1e-5f);
        LAC_CHECK(fabsf(y[i] - v) < 4e-3f * fabsf(v) && fabsf(gx[i] - slope) < 1e-5f && fabsf(gr[i] - slope) < 4e-3f);
    }
    lac_tensor *const all[] = { m.y, m.sum, m.gx, m.gr };
    for (int i = 0; i < 4; i++)
        lac_tensor_free(all[i]);
    lac_tape_free(t);
}

LAC_TEST(layer_norm_narrows_for_a_branch)
{
    const lac_backend *cpu;
    const lac_layer_norm_attr narrow = { 1e-5f, true };
    lac_op_case k = AFTER(24, 3);
    k.attr = &narrow;
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 4e-3);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    check_mixed(cpu);
    check_mixed(lac_test_device());
}

LAC_TEST(layer_norm_passes_on_what_reaches_one_output_alone)
{
    for (unsigned without = 1; without <= 2; without++) {
        lac_op_case k = AFTER(10, 3);
        k.no_upstream = without;
        if (without == 2)
            LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 2e-6);
        else
            lac_op_check(&k);           /* the parameters' gradients are 0: nothing to divide by */
    }
}

LAC_TEST(layer_norm_agrees_with_pytorch)                /* tests/golden/ops.py; ln has a mean of 30 times its deviation */
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_layer_norm, &usual, "ops.safetensors", "ln") < 1e-5);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_layer_norm, &usual, "ops.safetensors", "ln_residual") < 1e-6);
}

LAC_TEST(layer_norm_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C), LAC_RANDOM(LAC_C), LAC_RANDOM(LAC_C)));
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N, LAC_H, LAC_C), LAC_RANDOM(LAC_C), LAC_RANDOM(LAC_C), LAC_RANDOM(LAC_N, LAC_H, LAC_C)));
    lac_op_check(&CASE(LAC_RANDOM(3, 2500), LAC_RANDOM(2500), LAC_RANDOM(2500), LAC_RANDOM(3, 2500)));
    lac_op_check(&CASE(LAC_RANDOM(2, 2560), LAC_RANDOM(2560), LAC_RANDOM(2560)));
}

LAC_TEST(layer_norm_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 6), LAC_RANDOM(5), LAC_RANDOM(6))), LAC_ERR_SHAPE, "weight [6] for x [2,6], got [5]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 6), LAC_RANDOM(6), LAC_RANDOM(1, 6))), LAC_ERR_SHAPE, "bias [6]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 6), LAC_RANDOM(6), LAC_RANDOM(6), LAC_RANDOM(6))), LAC_ERR_SHAPE, "residual is [6], x is [2,6]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 0), LAC_RANDOM(0), LAC_RANDOM(0))), LAC_ERR_SHAPE, "x [..., C], got [2,0]");
    lac_op_case k = PLAIN(6, 2);
    k.attr = &(const lac_layer_norm_attr){ 0 };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "eps above 0");
}
