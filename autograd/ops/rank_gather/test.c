#include "autograd/ops/rank_gather/rank_gather.h"
#include "tests/harness/op.h"

/* Over several ranks: tests/test_train_clip.c. */
LAC_TEST(rank_gather_of_one_rank_is_the_same)
{
    const lac_op_case k = { .op = LAC_OP_rank_gather, .ref = rank_gather_ref, .in = { LAC_RANDOM(3, 5) } },
                      ids = { .op = LAC_OP_rank_gather, .ref = rank_gather_ref, .in = { LAC_IDS(7, 9) } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) == 0 && lac_op_gradient_gap(&k, LAC_F32) < 1e-9);
    LAC_CHECK(lac_op_value_gap(&ids, LAC_F32) == 0 && lac_op_value_gap(&ids, LAC_BF16) == 0);      /* i32, i64 */
}

LAC_TEST(rank_gather_wants_rows) { LAC_CHECK_FAILS(lac_op_status(&(lac_op_case){ .op = LAC_OP_rank_gather, .in = { LAC_SCALAR } }), LAC_ERR_SHAPE, "wants rows, got []"); }

LAC_TEST(rank_gather_of_any_size) { lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_rank_gather, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_C) } }); }
