/* Work is timed as it is asked for: warmed up, and where there is a queue captured once and replayed. */
#include "core/queue.h"
#include "core/stopwatch.h"
#include "tests/harness/cuda_host_queue.h"
#include "tests/harness/device.h"
#include "tests/harness/test.h"

typedef struct work { const lac_backend *b; float *x; int calls, fails_at; } work;

static lac_status move(void *context)
{
    work *w = context;
    if (++w->calls == w->fails_at)
        return LAC_FAIL(LAC_ERR_STATE, "the work fails");
    return w->b->copy(w->x + 1, w->x, sizeof *w->x);
}

LAC_TEST(work_on_a_device_is_captured_once_and_replayed)
{
    const float ones[2] = { 1, 0 };
    float back[2];
    double seconds = 0;
    work w = { .b = lac_test_device() };
    w.x = lac_test_move_in(w.b, ones, sizeof ones);
    const int64_t captures = lac_cuda_host_captures();
    LAC_CHECK_STATUS(lac_stopwatch(w.b, move, &w, 1, &seconds));
    LAC_CHECK(seconds > 0 && w.calls == 3);
    LAC_CHECK(lac_test_on_gpu() || lac_cuda_host_captures() - captures == 1);
    lac_test_move_out(w.b, back, w.x, sizeof back);
    LAC_CHECK(back[1] == 1);
}

LAC_TEST(work_that_fails_while_it_is_captured_leaves_no_capture)
{
    const float ones[2] = { 1, 0 };
    float back[2];
    double seconds;
    for (int at = 1; at <= 3; at++) {
        work w = { .b = lac_test_device(), .fails_at = at };
        w.x = lac_test_move_in(w.b, ones, sizeof ones);
        LAC_CHECK_FAILS(lac_stopwatch(w.b, move, &w, 1, &seconds), LAC_ERR_STATE, "the work fails");
        LAC_CHECK(w.calls == at);
        lac_test_move_out(w.b, back, w.x, sizeof back);         /* refused inside a capture */
    }
}
