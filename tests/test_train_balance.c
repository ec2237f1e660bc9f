/* The recipe `balance` of the tests (harness/recipe_balance.c), step by step: what stands still, what gradients by lac_grad are, and what a loss's
 * scale does; called and replayed, in one piece and in micro-batches, on one rank and on two. */
#include "autograd/ops/backend_cpu.h"
#include "core/cpu/features.h"
#include "tests/harness/cuda_host_queue.h"
#include "tests/harness/device.h"
#include "tests/harness/nccl/nccl_host.h"
#include "tests/harness/ranks.h"
#include "tests/harness/sealed.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { STEPS = 4, LOSSES = LAC_TEST_LOSSES, LAMBDA = 6 };      /* d_real, d_fake, measured, hole, features, g_gan, lambda */

static lac_test_training t;

static void begin_on(const lac_backend *b, lac_dtype d, double gan, int micro, bool graph, lac_comm *comm)
{
    json_t *config = json_pack("{s:{s:{s:i},s:{s:i}},s:{s:f},s:{s:i},s:{s:b}}", "model", "generator", "cnum", 4, "discriminator", "width", 4, "loss", "gan", gan,
                               "batch", "micro", micro, "debug", "graph", graph);
    lac_test_begin(&t, "balance", config, b, d, comm);
}

static void begin(lac_dtype d, double gan, int micro)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    begin_on(b, d, gan, micro, true, NULL);
}

static lac_params *network(const char *name)
{
    lac_params *ps = lac_recipe_find_network(&t.trainer.recipe, name);
    LAC_CHECK(ps != NULL);
    return ps;
}

static lac_param *param(const char *of, const char *name)
{
    lac_param *p = lac_params_find(network(of), name);
    LAC_CHECK(p != NULL);
    return p;
}

/* The values of a network's parameters, one after another, as the network works with them. */
static float *values(const char *of, size_t *bytes)
{
    const lac_params *ps = network(of);
    float *x = malloc((size_t)lac_params_numel(ps) * sizeof *x), *at = x;
    LAC_CHECK(x != NULL);
    for (int64_t i = 0; i < ps->n; i++)
        if (ps->param[i]->role != LAC_ROLE_BUFFER) {
            LAC_CHECK_STATUS(lac_backend_read(ps->backend, ps->param[i]->value, at));
            at += lac_numel(ps->param[i]->value);
        }
    *bytes = (size_t)(at - x) * sizeof *x;
    return x;
}

static void check_moves(lac_dtype d)
{
    static const struct { const char *network; bool moves; } all[] = { { "features", false }, { "generator", true }, { "discriminator", true } };
    float *before[3];
    size_t bytes;
    begin(d, 0.5, 1);
    for (int i = 0; i < 3; i++)
        before[i] = values(all[i].network, &bytes);
    for (int k = 0; k < 3; k++)
        LAC_CHECK_STATUS(lac_test_step(&t, k, LAC_TEST_BATCH));
    for (int i = 0; i < 3; i++) {
        float *now = values(all[i].network, &bytes);
        LAC_CHECK((memcmp(before[i], now, bytes) != 0) == all[i].moves);
        free(now);
        free(before[i]);
    }
    const lac_param *w = param("features", "conv.weight");
    LAC_CHECK(w->grad == NULL && w->master == NULL && w->value->dtype == d);
    lac_test_end(&t);
}

LAC_TEST(a_frozen_network_stands_still_in_f32) { check_moves(LAC_F32); }
LAC_TEST(a_frozen_network_stands_still_in_bf16)
{
    if (!lac_cpu_has_avx512_bf16())
        skip();
    check_moves(LAC_BF16);
}

static double length(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* The reconstruction's gradient is what a step without the GAN leaves in the last layer's accumulator. Sums of two pictures in another order: a few units of the last place. */
static void check_gradients(int micro, const float *rec, int64_t n)
{
    const float *a = param("balance", "rec_grad")->value->data, *b = param("balance", "gan_grad")->value->data;
    double gap = 0, sum_of_gaps = 0, loss[LOSSES];
    lac_test_losses(&t, loss);
    for (int64_t i = 0; i < n; i++) {
        gap = LAC_MAX(gap, fabs((double)a[i] - (double)rec[i]));
        sum_of_gaps += fabs((double)a[i] - (double)b[i]);
    }
    if (!(gap < 1e-6 * length(rec, n)))
        fail_msg("micro-batches of %d: the gradient by lac_grad is %g off", micro, gap);
    LAC_CHECK(length(b, n) > 0 && fabs(loss[LAMBDA] / tanh(sum_of_gaps) - 1) < 1e-5);
}

LAC_TEST(gradients_by_lac_grad_are_the_whole_batches)
{
    begin(LAC_F32, 0, 1);
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    lac_params *ps = network("generator");
    const lac_param *p = lac_params_find(ps, "allconv17.weight");
    LAC_CHECK(p != NULL);
    const int64_t n = lac_numel(p->value);
    float *rec = malloc((size_t)n * sizeof *rec);
    LAC_CHECK(rec != NULL);
    memcpy(rec, p->grad, (size_t)n * sizeof *rec);
    lac_test_end(&t);
    for (int micro = 1; micro <= 2; micro++) {
        begin(LAC_F32, 0.5, micro);
        LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
        check_gradients(micro, rec, n);
        lac_test_end(&t);
    }
    free(rec);
}

/* Nothing moves between the measure and the generator's phase: that leaves what was measured of the reconstruction, and lambda times what was
 * measured of the GAN. */
LAC_TEST(a_scale_multiplies_the_gradient_and_not_the_log)
{
    double loss[LOSSES];
    begin(LAC_F32, 500, 1);
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    lac_test_losses(&t, loss);
    const lac_param *w = param("generator", "allconv17.weight");
    const float *a = param("balance", "rec_grad")->value->data, *b = param("balance", "gan_grad")->value->data;
    const int64_t n = lac_numel(w->value);
    double gap = 0;
    for (int64_t i = 0; i < n; i++)
        gap = LAC_MAX(gap, fabs((double)a[i] + loss[LAMBDA] * (double)b[i] - (double)w->grad[i]));
    LAC_CHECK(loss[LAMBDA] > 0 && loss[LAMBDA] < 0.99 && gap < 1e-6 * length(w->grad, n) && length(b, n) > 0.1 * length(a, n));
    LAC_CHECK(loss[2] == loss[3]);              /* measured without a gradient and trained on: the same pictures and weights */
    lac_test_end(&t);
}

/* On a device that works late: the sums over micro-batches are captured with the rest. */
static void late(bool graph, double loss[STEPS][LOSSES])
{
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    lac_cuda_host_late(graph);
    begin_on(lac_sealed_device(), LAC_F32, 0.5, 1, graph, NULL);
    for (int i = 0; i < STEPS; i++) {
        LAC_CHECK_STATUS(lac_test_step(&t, i, LAC_TEST_BATCH));
        lac_test_losses(&t, loss[i]);
    }
    lac_test_end(&t);
    lac_cuda_host_late(false);
}

static void check_near(double a[STEPS][LOSSES], double b[STEPS][LOSSES], double tolerance)
{
    for (int i = 0; i < STEPS * LOSSES; i++)
        if (!(fabs((&a[0][0])[i] - (&b[0][0])[i]) <= tolerance))
            fail_msg("step %d, number %d: %.9g and %.9g", i / LOSSES, i % LOSSES, (&a[0][0])[i], (&b[0][0])[i]);
}

LAC_TEST(replayed_steps_sum_as_called_ones_and_as_the_cpu)
{
    static double called[STEPS][LOSSES], replayed[STEPS][LOSSES], on_cpu[STEPS][LOSSES];
    const int64_t captures = lac_cuda_host_captures();
    late(false, called);
    LAC_CHECK(lac_test_on_gpu() || lac_cuda_host_captures() == captures);
    late(true, replayed);
    LAC_CHECK(lac_test_on_gpu() || lac_cuda_host_captures() - captures == 3);
    LAC_CHECK(called[0][LAMBDA] > 0 && memcmp(called, replayed, sizeof called) == 0);
    begin(LAC_F32, 0.5, 1);
    for (int i = 0; i < STEPS; i++) {
        LAC_CHECK_STATUS(lac_test_step(&t, i, LAC_TEST_BATCH));
        lac_test_losses(&t, on_cpu[i]);
    }
    lac_test_end(&t);
    check_near(on_cpu, called, 1e-5);           /* sums in another order, a few units of the last place a layer */
}

typedef struct seen { double loss[LAC_TEST_BATCH][STEPS][LOSSES]; } seen;

static int train_as_rank(lac_ranks_here *h)
{
    seen *all = h->context;
    WANT(h->opened == LAC_OK);
    lac_cuda_host_late(true);
    begin_on(lac_sealed_device(), LAC_F32, 0.5, 1, true, h->comm);
    for (int i = 0; i < STEPS; i++) {
        WANT(lac_test_step(&t, i, LAC_TEST_BATCH) == LAC_OK);
        lac_test_losses(&t, all->loss[h->launch.rank][i]);
    }
    lac_test_end(&t);
    return 0;
}

LAC_TEST(sums_are_over_the_ranks_too)
{
    static double alone[STEPS][LOSSES];
    if (lac_test_on_gpu())
        skip();
    seen *all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    LAC_CHECK(all != MAP_FAILED);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    lac_nccl_host_share();
    lac_play(train_as_rank, LAC_TEST_BATCH, 0, 60, lac_test_port(NULL), all);
    late(true, alone);
    LAC_CHECK(memcmp(all->loss[0], all->loss[1], sizeof all->loss[0]) == 0);
    check_near(all->loss[0], alone, 1e-5);
    munmap(all, sizeof *all);
}
