#include "autograd/ops/max_pool/max_pool.h"
#include "tests/harness/op.h"

#include <math.h>

#define CASE(a, ...) (lac_op_case){ .op = LAC_OP_max_pool, .attr = &(const lac_max_pool_attr)a, .ref = max_pool_ref, .seed = 3, .in = { LAC_RANDOM(__VA_ARGS__) } }
#define POOL(k, s, p, c) { .kernel = k, .stride = s, .pad = p, .ceil = c }

LAC_TEST(max_pool_matches_its_formula_and_differences)
{
    const lac_op_case cases[] = {
        CASE(POOL(2, 2, 0, false), 2, 4, 5, 3), CASE(POOL(3, 2, 0, false), 1, 7, 6, 8), CASE(POOL(3, 2, 0, true), 1, 8, 6, 2),
        CASE(POOL(3, 2, 1, true), 2, 6, 5, 2), CASE(POOL(3, 1, 1, false), 1, 4, 3, 3), CASE(POOL(2, 3, 1, true), 1, 6, 7, 2), CASE(POOL(3, 2, 0, true), 1, 2, 5, 3), CASE(POOL(3, 2, 0, true), 1, 2, 2, 2),
    };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_F32) == 0);
        LAC_CHECK(lac_op_value_gap(&cases[i], LAC_BF16) == 0);
        LAC_CHECK(lac_op_gradient_gap(&cases[i], LAC_F32) < 1e-6);
    }
}

typedef struct pooled { lac_tensor *x, *y, *gx; } pooled;

static lac_status pool_and_back(lac_tape *t, void *context)
{
    pooled *p = context;
    lac_tensor *x = lac_tape_input(t, p->x, LAC_F32), *gx;
    lac_tape_watch(t, x);
    lac_tensor *y = lac_max_pool(t, x, &(lac_max_pool_attr)POOL(2, 2, 0, false));
    lac_tensor *gy = lac_tape_input(t, &(lac_tensor){ .dtype = LAC_F32, .ndim = 4, .dim = { 1, 1, 2, 1 }, .data = (float[]){ 1, 1 } }, LAC_F32);
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(lac_grad(t, &(lac_root){ .y = y, .gy = gy }, 1, &x, 1, &gx));
    LAC_TRY(lac_keep(t, y, &p->y));
    return lac_keep(t, gx, &p->gx);
}

/* As PyTorch: of equal ones the first, and NaN beats all. */
LAC_TEST(max_pool_gives_ties_to_the_first)
{
    float x[] = { 1, 5, 2, NAN, 5, 5, 2, 9 };
    lac_tensor in = { .dtype = LAC_F32, .ndim = 4, .dim = { 1, 2, 4, 1 }, .data = x };
    pooled p = { .x = &in };
    const lac_backend *b;
    lac_tape *t;
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    LAC_CHECK_STATUS(lac_tape_run(t, "pool", pool_and_back, &p));
    const float *y = p.y->data, *gx = p.gx->data;
    LAC_CHECK(y[0] == 5 && isnan(y[1]));
    for (int i = 0; i < 8; i++)
        LAC_CHECK(gx[i] == (i == 1 || i == 3));
    lac_tensor_free(p.y);
    lac_tensor_free(p.gx);
    lac_tape_free(t);
}

LAC_TEST(max_pool_of_any_size)
{
    lac_op_check_sizes(&CASE(POOL(3, 2, 1, true), LAC_N, LAC_H, LAC_W, LAC_C));
    lac_op_check_sizes(&CASE(POOL(2, 2, 0, true), LAC_N, LAC_H, LAC_W, LAC_C));
}

LAC_TEST(max_pool_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(POOL(3, 2, 0, false), 1, 2, 5, 1)), LAC_ERR_SHAPE, "no window of 3 x 3 fits into [1,2,5,1]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(POOL(3, 2, 0, true), 1, 1, 5, 1)), LAC_ERR_SHAPE, "no window of 3 x 3 fits into [1,1,5,1]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(POOL(2, 2, 2, false), 1, 4, 4, 1)), LAC_ERR_ARG, "half the kernel");
    LAC_CHECK_FAILS(lac_op_status(&CASE(POOL(16, 2, 0, false), 1, 20, 20, 1)), LAC_ERR_ARG, "kernel of 1 to 15");
    LAC_CHECK_FAILS(lac_op_status(&CASE(POOL(2, 0, 0, false), 1, 4, 4, 1)), LAC_ERR_ARG, "stride");
}
