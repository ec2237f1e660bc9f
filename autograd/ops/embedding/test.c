#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/backend_cpu.h"
#include "tests/harness/device.h"
#include "tests/harness/op.h"

#include <math.h>

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) == 0);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) == 0);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 4e-3);         /* gradients in bf16 */
}

#define CASE(...) (lac_op_case){ .op = LAC_OP_embedding, .ref = embedding_ref, .in = { __VA_ARGS__ } }

LAC_TEST(embedding_chooses_rows_and_adds_up_their_gradients)
{
    check(&CASE(LAC_RANDOM(5, 3), LAC_IDS(5, 2, 7)));           /* rows that are chosen often */
    check(&CASE(LAC_RANDOM(300, 8), LAC_IDS(300, 20)));         /* and hardly: ids of two bytes */
    check(&CASE(LAC_RANDOM(3, 130), LAC_IDS(3, 2, 1, 2, 3)));
    check(&CASE(LAC_RANDOM(1, 4), LAC_IDS(1, 6)));
}

LAC_TEST(embedding_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(2, 5, 3), LAC_IDS(5, 4))), LAC_ERR_SHAPE, "table [V, C], got [2,5,3]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(5, 3), LAC_IDS(5, 1, 1, 1, 1, 1, 1))), LAC_ERR_SHAPE, "at most 5 dims");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(5, 3), LAC_IDS(500, 40))), LAC_ERR_ARG, "of [40] is not in [0, 5)");
}

typedef struct rows { lac_tensor table, ids, *y; } rows;

static lac_status body(lac_tape *t, void *context)
{
    rows *r = context;
    return lac_keep(t, lac_embedding(t, lac_tape_input(t, &r->table, LAC_F32), lac_tape_input(t, &r->ids, LAC_I32)), &r->y);
}

/* On a device no id is mistaken for another: what has no row is no number. */
LAC_TEST(embedding_of_an_id_that_has_no_row_is_no_number)
{
    float table[] = { 1, 2, 3, 4 };
    int32_t ids[] = { 1, 2, -1, 0 };
    rows r = { .table = { .ndim = 2, .dim = { 2, 2 }, .data = table }, .ids = { .dtype = LAC_I32, .ndim = 1, .dim = { 4 }, .data = ids } };
    lac_tape *t;
    LAC_CHECK_STATUS(lac_tape_new(&t, lac_test_device()));
    LAC_CHECK_STATUS(lac_tape_run(t, "ids", body, &r));
    const float *y = r.y->data;
    LAC_CHECK(y[0] == 3 && y[1] == 4 && isnan(y[2]) && isnan(y[3]) && isnan(y[4]) && y[6] == 1 && y[7] == 2);
    lac_tensor_free(r.y);
    lac_tape_free(t);
    LAC_CHECK_STATUS(lac_embedding_check(&(lac_tensor){ .dtype = LAC_I32, .ndim = 1, .dim = { 2 }, .data = (int32_t[]){ 1, 0 } }, 2, "ids"));
    LAC_CHECK_FAILS(lac_embedding_check(&r.ids, 2, "input_ids"), LAC_ERR_ARG, "input_ids: id 2 at 1 of [4] is not in [0, 2)");
}

LAC_TEST(embedding_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_O, LAC_C), LAC_IDS(LAC_O, LAC_N, LAC_H)));
}
