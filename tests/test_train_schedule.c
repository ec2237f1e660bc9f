/* Schedules against torch.optim.lr_scheduler (tests/golden/train.py) and against the formulas' corners. */
#include "core/file/weights.h"
#include "tests/harness/test.h"
#include "train/schedule.h"

#include <math.h>

/* Largest gap of n steps to a golden curve of that length. 1e-12: both are double; PyTorch's chains multiply step by step. */
static double gap_to(const char *name, const lac_schedule *s)
{
    lac_weights *w = NULL;
    double curve[60] = { 0 }, gap = 0;
    LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden("train_schedule.safetensors")));
    LAC_CHECK_STATUS(lac_weights_read(w, lac_weights_find(w, name), curve, sizeof curve));
    for (int i = 0; i < 60; i++)
        gap = fmax(gap, fabs(lac_schedule_at(s, i) - curve[i]));
    lac_weights_close(w);
    return gap;
}

LAC_TEST(schedules_agree_with_pytorch)
{
    int64_t milestones[] = { 5, 20, 21 };
    LAC_CHECK(gap_to("cosine", &(lac_schedule){ .kind = LAC_SCHEDULE_COSINE, .lr = 1, .final = 0.1, .total = 60 }) < 1e-12);
    LAC_CHECK(gap_to("linear", &(lac_schedule){ .kind = LAC_SCHEDULE_LINEAR, .lr = 1, .final = 0.25, .total = 40 }) < 1e-12);
    LAC_CHECK(gap_to("step", &(lac_schedule){ .kind = LAC_SCHEDULE_STEP, .lr = 1, .every = 13, .gamma = 0.5 }) < 1e-12);
    LAC_CHECK(gap_to("warm_cosine", &(lac_schedule){ .kind = LAC_SCHEDULE_COSINE, .lr = 1, .warmup = 10, .total = 60 }) < 1e-12);
    LAC_CHECK(gap_to("multistep", &(lac_schedule){ .kind = LAC_SCHEDULE_MULTISTEP, .lr = 1, .gamma = 0.3, .milestones = milestones, .n_milestones = 3 }) < 1e-12);
}

LAC_TEST(schedules_keep_their_ends)
{
    const lac_schedule cosine = { .kind = LAC_SCHEDULE_COSINE, .lr = 2, .final = 0.5, .warmup = 4, .total = 8 };
    LAC_CHECK(lac_schedule_at(&cosine, 0) == 0 && lac_schedule_at(&cosine, 1) == 0.5 && lac_schedule_at(&cosine, 4) == 2);
    LAC_CHECK(lac_schedule_at(&cosine, 8) == 0.5 && lac_schedule_at(&cosine, 1000000) == 0.5);
    const lac_schedule all_warm = { .kind = LAC_SCHEDULE_LINEAR, .lr = 1, .final = 0.25, .warmup = 4, .total = 4 };
    LAC_CHECK(lac_schedule_at(&all_warm, 3) == 0.75 && lac_schedule_at(&all_warm, 4) == 0.25);
    LAC_CHECK(lac_schedule_at(&(lac_schedule){ .lr = 3, .warmup = 0 }, 0) == 3);
}

static lac_status from_json(const char *text, lac_schedule *s)
{
    json_t *given = json_loads(text, 0, NULL), *resolved = NULL;
    lac_status status = lac_config_resolve(&resolved, lac_schedule_keys, given, NULL, NULL);
    if (status == LAC_OK)
        status = lac_schedule_from_config(s, resolved, 0);
    json_decref(given);
    json_decref(resolved);
    return status;
}

LAC_TEST(schedules_come_from_configs)
{
    lac_schedule s;
    LAC_CHECK_STATUS(from_json("{\"kind\":\"multistep\",\"milestones\":[2,4],\"lr\":8,\"gamma\":0.5,\"every\":3}", &s));
    LAC_CHECK(lac_schedule_at(&s, 1) == 8 && lac_schedule_at(&s, 2) == 4 && lac_schedule_at(&s, 4) == 2);
    lac_schedule_free(&s);
    LAC_CHECK_STATUS(from_json("{}", &s));
    LAC_CHECK(lac_schedule_at(&s, 12345) == 1e-4);
    lac_schedule_free(&s);
    LAC_CHECK_FAILS(from_json("{\"kind\":\"cosine\"}", &s), LAC_ERR_CONFIG, "'total'");
    LAC_CHECK_FAILS(from_json("{\"kind\":\"step\"}", &s), LAC_ERR_CONFIG, "'every'");
    LAC_CHECK_FAILS(from_json("{\"kind\":\"multistep\"}", &s), LAC_ERR_CONFIG, "'milestones'");
    LAC_CHECK_FAILS(from_json("{\"kind\":\"linear\",\"total\":3,\"warmup\":4}", &s), LAC_ERR_CONFIG, "warmup");
}
