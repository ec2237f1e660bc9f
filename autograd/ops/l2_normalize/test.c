#include "autograd/ops/l2_normalize/l2_normalize.h"
#include "autograd/ops/backend_cpu.h"
#include "tests/harness/device.h"
#include "tests/harness/op.h"

static const lac_l2_normalize_attr f32 = { LAC_F32 }, bf16 = { LAC_BF16 };

#define CASE(...) (lac_op_case){ .op = LAC_OP_l2_normalize, .attr = &f32, .ref = l2_normalize_ref, .in = { LAC_RANDOM(__VA_ARGS__) } }

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) < 1e-6);            /* y is f32 all the same */
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 4e-3);         /* gradients may be bf16 */
}

LAC_TEST(l2_normalize_matches_its_formula_and_differences)
{
    check(&CASE(3, 7));
    check(&CASE(2, 3, 40));
    check(&CASE(5));
    lac_op_case k = CASE(3, 7);
    k.attr = &bf16;
    LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 4e-3);           /* rounded to 8 bits */
}

typedef struct zeros { lac_tensor x, gy, *y, *gx; } zeros;

static lac_status body(lac_tape *t, void *context)
{
    zeros *z = context;
    lac_tensor *x = lac_tape_input(t, &z->x, LAC_F32), *gx = NULL;
    lac_tape_watch(t, x);
    lac_tensor *y = lac_l2_normalize(t, x, LAC_F32);
    LAC_TRY(lac_keep(t, y, &z->y));
    LAC_TRY(lac_grad(t, &(lac_root){ .y = y, .gy = lac_tape_input(t, &z->gy, LAC_F32) }, 1, &x, 1, &gx));
    return lac_keep(t, gx, &z->gx);
}

static void check_zeros(const lac_backend *b)
{
    float x[] = { 0, 0, 0, 3, 0, -4 }, gy[] = { 1, 2, 3, 0, 5, 0 };
    zeros z = { .x = { .ndim = 2, .dim = { 2, 3 }, .data = x }, .gy = { .ndim = 2, .dim = { 2, 3 }, .data = gy } };
    lac_tape *t;
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    LAC_CHECK_STATUS(lac_tape_run(t, "zeros", body, &z));
    const float *y = z.y->data, *gx = z.gx->data;
    LAC_CHECK(y[0] == 0 && y[1] == 0 && y[2] == 0 && gx[0] == 0 && gx[1] == 0 && gx[2] == 0);
    LAC_CHECK(y[3] == 0.6f && y[5] == -0.8f && gx[3] == 0 && gx[4] == 1);
    lac_tensor_free(z.y);
    lac_tensor_free(z.gx);
    lac_tape_free(t);
}

LAC_TEST(l2_normalize_of_a_row_of_zeros_is_zero_and_so_is_its_gradient)
{
    const lac_backend *cpu;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    check_zeros(cpu);
    check_zeros(lac_test_device());
}

LAC_TEST(l2_normalize_refuses_a_scalar)
{
    const lac_op_case k = { .op = LAC_OP_l2_normalize, .attr = &f32, .in = { LAC_SCALAR } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "x [..., C]");
}

LAC_TEST(l2_normalize_of_any_size) { lac_op_check_sizes(&CASE(LAC_N, LAC_H, LAC_C)); }
