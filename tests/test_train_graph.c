/* Steps that are captured and replayed (train/replay.h) on a device that works late (tests/harness/cuda_host_queue.h): the bits of steps whose calls
 * are made each time, whatever comes between them, and what is promised when a gradient is not finite. */
#include "autograd/ops/backend_cpu.h"
#include "core/file/atomic.h"
#include "core/queue.h"
#include "tests/harness/cuda_host_queue.h"
#include "tests/harness/device.h"
#include "tests/harness/sealed.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { D, G };

static lac_test_training t;

static void begin(bool graph, bool late)
{
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    lac_cuda_host_late(late);
    lac_test_begin_deepfill(&t, lac_sealed_device(), LAC_F32, json_pack("{s:b}", "graph", graph), NULL);
}

static void end(void)
{
    lac_test_end(&t);
    lac_cuda_host_late(false);
}

static void steps(int from, int to, int64_t n)
{
    for (int i = from; i < to; i++)
        LAC_CHECK_STATUS(lac_test_step(&t, i, n));
}

static void check_same_file(const char *a, const char *b)
{
    char *x, *y;
    size_t n, m;
    LAC_CHECK_STATUS(lac_file_read(a, 1 << 28, &x, &n));
    LAC_CHECK_STATUS(lac_file_read(b, 1 << 28, &y, &m));
    LAC_CHECK(n == m && memcmp(x, y, n) == 0);
    free(x), free(y);
}

/* Steps of two pictures, one of one picture, a painting, and on; never waiting where nothing asks for it. */
static void train(const char *path, double last[LAC_TEST_LOSSES])
{
    lac_image made = { 0 };
    steps(0, 3, 2);
    steps(3, 5, 1);
    lac_test_paint(&t, &made);
    steps(5, 7, 2);
    steps(7, 8, 1);
    lac_test_losses(&t, last);
    lac_test_save(&t, path);
    lac_image_free(&made);
}

LAC_TEST(replayed_steps_have_the_bits_of_steps_whose_calls_are_made)
{
    double called[LAC_TEST_LOSSES], replayed[LAC_TEST_LOSSES];
    char a[512], b[512];
    snprintf(a, sizeof a, "%s/called.h5", lac_test_folder());
    snprintf(b, sizeof b, "%s/replayed.h5", lac_test_folder());
    begin(false, false);
    train(a, called);
    end();
    const int64_t captures = lac_cuda_host_captures(), replays = lac_cuda_host_replays();
    begin(true, true);
    train(b, replayed);
    end();
    LAC_CHECK(memcmp(called, replayed, sizeof called) == 0);
    check_same_file(a, b);
    if (lac_test_on_gpu())
        return;
    LAC_CHECK(lac_cuda_host_captures() - captures == 4);        /* two phases, of two pictures and of one */
    LAC_CHECK(lac_cuda_host_replays() - replays == 2 * (4 + 2));
}

/* One picture at once, then two, then one: the tape's memory and the pictures' grow, and what was captured has to follow. */
static void train_growing(const char *path)
{
    t.trainer.micro = 2;
    steps(0, 3, 1);
    steps(3, 6, 2);
    steps(6, 8, 1);
    lac_test_save(&t, path);
}

LAC_TEST(captured_work_is_captured_again_when_memory_moves)
{
    char a[512], b[512];
    snprintf(a, sizeof a, "%s/called.h5", lac_test_folder());
    snprintf(b, sizeof b, "%s/replayed.h5", lac_test_folder());
    begin(false, false);
    train_growing(a);
    end();
    const int64_t captures = lac_cuda_host_captures();
    begin(true, true);
    train_growing(b);
    end();
    check_same_file(a, b);
    LAC_CHECK(lac_test_on_gpu() || lac_cuda_host_captures() - captures == 6);
}

enum { MOVES = 5 };

/* How far the generator's last weights move in each step: the first ones hardly do, their gradients are below Adam's eps. */
static void measure_moves(double moved[MOVES])
{
    const lac_params *ps = t.trainer.recipe.phase[G].trains.ps[0];
    const lac_param *p = ps->param[ps->n - 1]->role == LAC_ROLE_BIAS ? ps->param[ps->n - 2] : ps->param[ps->n - 1];
    const int64_t n = lac_numel(p->value);
    float *x = malloc((size_t)n * sizeof *x), *before = malloc((size_t)n * sizeof *before);
    LAC_CHECK(x != NULL && before != NULL);
    LAC_CHECK_STATUS(lac_param_get(p, before));
    for (int i = 0; i < MOVES; i++) {
        steps(i, i + 1, 2);
        LAC_CHECK_STATUS(lac_trainer_settle(&t.trainer));
        LAC_CHECK_STATUS(lac_param_get(p, x));
        moved[i] = 0;
        for (int64_t k = 0; k < n; k++) {
            moved[i] += pow((double)x[k] - (double)before[k], 2);
            before[k] = x[k];
        }
    }
    free(x), free(before);
}

/* As far as on the CPU, where no step is replayed: the learning rate warms up and Adam's powers fall, each by more than a tenth a step; rounding
 * turns the sign of a gradient near 0 here and there. */
LAC_TEST(a_replay_reads_the_scalars_of_its_step)
{
    const lac_backend *cpu;
    double on_cpu[MOVES], replayed[MOVES];
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    lac_test_begin_deepfill(&t, cpu, LAC_F32, json_object(), NULL);
    measure_moves(on_cpu);
    lac_test_end(&t);
    begin(true, true);
    measure_moves(replayed);
    end();
    for (int i = 1; i < MOVES; i++)
        if (!(on_cpu[i] > 0 && fabs(replayed[i] / on_cpu[i] - 1) < 0.01))
            fail_msg("step %d moves the weights by the root of %g, on the CPU of %g", i + 1, replayed[i], on_cpu[i]);
}

/* What a phase trains, as it lies: masters, moments, EMA, buffers. */
static float *contents(int phase, size_t *size)
{
    lac_state s = { 0 };
    char *text = NULL;
    FILE *f = open_memstream(&text, size);
    LAC_CHECK_STATUS(lac_trainer_state(&t.trainer, &s));
    LAC_CHECK_STATUS(lac_state_sort(&s));
    for (int64_t i = 0; i < s.n; i++) {
        const void *bytes;
        void *copy;
        if (strncmp(s.array[i].name, t.trainer.recipe.phase[phase].trains.ps[0]->name, strlen(t.trainer.recipe.phase[phase].trains.ps[0]->name)) != 0)
            continue;
        LAC_CHECK_STATUS(lac_state_bytes(&s.array[i], &bytes, &copy));
        fwrite(bytes, 1, lac_state_size(&s.array[i]), f);
        free(copy);
    }
    fclose(f);
    lac_trainer_state_end(&t.trainer);
    lac_state_free(&s);
    return (float *)(void *)text;
}

/* The steps begun after the bad one do nothing; whoever looks next is told which it was. */
static void go_bad(bool graph, bool late)
{
    size_t size[3];
    begin(graph, late);
    steps(0, 3, 2);
    float *d = contents(D, &size[0]), *g = contents(G, &size[1]);
    t.trainer.recipe.phase[G].loss[0].weight = 1e300;            /* infinite as a float: the gradient's seed */
    LAC_CHECK_STATUS(lac_test_step(&t, 3, 2));
    t.trainer.recipe.phase[G].loss[0].weight = 1;
    LAC_CHECK_STATUS(lac_test_step(&t, 4, 2));
    LAC_CHECK_FAILS(lac_test_step(&t, 5, 2), LAC_ERR_NONFINITE, "step 4, phase g: ");
    LAC_CHECK(strstr(lac_error_message(), "gradient of") != NULL);      /* the first of them, found by watching */
    float *d_after = contents(D, &size[2]);
    LAC_CHECK(size[2] == size[0] && memcmp(d, d_after, size[0]) != 0);  /* its phase came before, and was good: once */
    free(d_after);
    float *g_after = contents(G, &size[2]);
    LAC_CHECK(size[2] == size[1] && memcmp(g, g_after, size[1]) == 0);
    free(g_after), free(d), free(g);
    end();
}

LAC_TEST(a_gradient_that_is_not_finite_changes_nothing_in_replays) { go_bad(true, true); }
LAC_TEST(a_gradient_that_is_not_finite_changes_nothing_in_calls) { go_bad(false, true); }

/* The discriminator's buffers are new in both phases: none of them is taken over once something was bad. */
LAC_TEST(buffers_stand_still_once_something_was_bad)
{
    size_t size, again;
    begin(true, true);
    steps(0, 3, 2);
    float *d = contents(D, &size);
    t.trainer.recipe.phase[D].loss[0].weight = 1e300;
    LAC_CHECK_STATUS(lac_test_step(&t, 3, 2));
    LAC_CHECK_FAILS(lac_trainer_settle(&t.trainer), LAC_ERR_NONFINITE, "step 4, phase d: ");
    float *after = contents(D, &again);
    LAC_CHECK(size == again && memcmp(d, after, size) == 0);
    free(d), free(after);
    end();
}

/* On the CPU nothing is late: the step itself fails, and its later phases are not begun. */
LAC_TEST(on_the_cpu_the_bad_step_itself_fails)
{
    const lac_backend *cpu;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    lac_test_begin_deepfill(&t, cpu, LAC_F32, json_object(), NULL);
    steps(0, 2, 2);
    t.trainer.recipe.phase[D].loss[1].weight = 1e300;
    LAC_CHECK_FAILS(lac_test_step(&t, 2, 2), LAC_ERR_NONFINITE, "step 3, phase d: ");
    lac_test_end(&t);
}

/* Captured work may not wait, ask for memory or read back: each is an error that says so, and the device goes on. */
LAC_TEST(captured_work_that_asks_for_the_host_is_refused)
{
    const lac_backend *b = lac_sealed_device();
    const lac_queue *q = b->queue;
    float *x, here = 1;
    void *more;
    bool finite;
    lac_graph *g = NULL;
    LAC_CHECK_STATUS(b->alloc((void **)&x, 64));
    LAC_CHECK_STATUS(b->fill_zero(x, 64));
    LAC_CHECK_STATUS(q->begin());
    LAC_CHECK_FAILS(b->alloc(&more, 64), LAC_ERR_STATE, "captured work asks for 64 bytes");
    LAC_CHECK_FAILS(b->all_finite(x, LAC_F32, 4, &finite), LAC_ERR_STATE, "inside captured work");
    LAC_CHECK_FAILS(b->copy(&here, x, sizeof here), LAC_ERR_STATE, "a copy of 4 bytes from or to the host inside captured work");
    LAC_CHECK_STATUS(q->end(NULL));
    LAC_CHECK_STATUS(q->begin());
    LAC_CHECK_STATUS(b->copy(x + 1, x, sizeof *x));
    LAC_CHECK_STATUS(q->end(&g));
    LAC_CHECK_STATUS(b->copy(x, &here, sizeof here));
    LAC_CHECK_STATUS(q->replay(g));
    here = 0;
    LAC_CHECK_STATUS(b->copy(&here, x + 1, sizeof here));
    LAC_CHECK(here == 1);
    q->drop(g);
    b->free(x, 64);
}

LAC_TEST(ranges_follow_the_modules)
{
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    lac_test_begin_deepfill(&t, lac_sealed_device(), LAC_F32, json_pack("{s:b}", "ranges", true), NULL);
    const size_t before = strlen(lac_cuda_host_ranges());
    const int64_t captures = lac_cuda_host_captures();
    steps(0, 3, 2);
    LAC_CHECK_STATUS(lac_trainer_settle(&t.trainer));
    lac_test_end(&t);
    if (lac_test_on_gpu())
        return;
    const char *said = lac_cuda_host_ranges() + before;
    int depth = 0, deepest = 0;
    for (const char *c = said; *c != '\0'; c++) {
        depth += *c == '{' ? 1 : *c == '}' ? -1 : 0;
        deepest = LAC_MAX(deepest, depth);
        LAC_CHECK(depth >= 0);
    }
    LAC_CHECK(depth == 0 && deepest >= 3 && lac_cuda_host_captures() == captures);
    LAC_CHECK(strstr(said, "generator{composite{}conv1{conv2d{}gate{}}conv2_downsample{") != NULL);
    LAC_CHECK(strstr(said, "conv2_downsample{gate{}conv2d{}}conv1{gate{}conv2d{}}}") != NULL);      /* and back */
}
