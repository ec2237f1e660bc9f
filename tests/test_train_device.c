/* A whole training on a device whose memory the host may not touch (tests/harness/sealed.h), that works late and replays what it captured. */
#include "autograd/ops/backend_cpu.h"
#include "core/cpu/features.h"
#include "tests/harness/cuda_host_queue.h"
#include "tests/harness/nccl/nccl_host.h"
#include "tests/harness/ranks.h"
#include "tests/harness/device.h"
#include "tests/harness/sealed.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { STEPS = 4, LOSSES = LAC_TEST_LOSSES, SIDE = LAC_TEST_SIDE, BATCH = LAC_TEST_BATCH };

static void step(lac_test_training *t, int64_t at, double loss[LOSSES])
{
    LAC_CHECK_STATUS(lac_test_step(t, at, BATCH));
    lac_test_losses(t, loss);
}

/* The CPU's losses; the device's, to rounding; the device's after saving, loading and painting in between, to the bit. */
static void compare(lac_dtype d, double tolerance)
{
    const lac_backend *cpu, *device = lac_sealed_device();
    double on_cpu[STEPS][LOSSES], whole[STEPS][LOSSES], resumed[LOSSES];
    char path[512];
    snprintf(path, sizeof path, "%s/device.h5", lac_test_folder());
    lac_image a = { 0 }, b = { 0 };
    static lac_test_training t;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    lac_cuda_host_late(true);
    lac_test_begin_deepfill(&t, cpu, d, json_object(), NULL);
    for (int i = 0; i < STEPS; i++)
        step(&t, i, on_cpu[i]);
    lac_test_paint(&t, &a);
    lac_test_end(&t);
    lac_test_begin_deepfill(&t, device, d, json_object(), NULL);
    for (int i = 0; i < STEPS; i++) {
        step(&t, i, whole[i]);
        if (i == STEPS - 2)
            lac_test_save(&t, path);
    }
    lac_test_paint(&t, &b);
    lac_test_end(&t);
    lac_test_begin_deepfill(&t, device, d, json_object(), NULL);
    lac_test_load(&t, path);
    step(&t, STEPS - 1, resumed);
    lac_test_end(&t);
    lac_cuda_host_late(false);
    LAC_CHECK(memcmp(resumed, whole[STEPS - 1], sizeof resumed) == 0);
    for (int i = 0; i < STEPS * LOSSES; i++)
        if (!(fabs((&whole[0][0])[i] - (&on_cpu[0][0])[i]) <= tolerance))
            fail_msg("step %d, loss %d: %.9g on the device, %.9g on the CPU", i / LOSSES, i % LOSSES, (&whole[0][0])[i], (&on_cpu[0][0])[i]);
    for (int64_t i = 0; i < SIDE * SIDE * 3; i++)
        LAC_CHECK(abs(a.pixels[i] - b.pixels[i]) <= (d == LAC_F32 ? 1 : 4));
    lac_image_free(&a);
    lac_image_free(&b);
}

/* f32: sums in another order, a few units of the last place a layer. bf16: 2^-9 a layer, losses near 1. */
LAC_TEST(deepfill_trains_on_sealed_memory_in_f32) { compare(LAC_F32, 1e-5); }
LAC_TEST(deepfill_trains_on_sealed_memory_in_bf16)
{
    if (!lac_cpu_has_avx512_bf16())
        skip();
    compare(LAC_BF16, 5e-3);
}

/* Losses of the ranks, in memory that they share with the test. */
typedef struct seen { double loss[BATCH][STEPS][LOSSES]; } seen;

static int train_as_rank(lac_ranks_here *h)
{
    seen *all = h->context;
    static lac_test_training t;
    WANT(h->opened == LAC_OK);
    h->comm->bucket = 20000;                        /* dozens of them */
    lac_cuda_host_late(true);
    lac_test_begin_deepfill(&t, lac_sealed_device(), LAC_F32, json_object(), h->comm);
    for (int i = 0; i < STEPS; i++)
        step(&t, i, all->loss[h->launch.rank][i]);
    lac_test_end(&t);
    WANT(lac_nccl_here.collectives > STEPS * 10 && lac_nccl_here.aborted == 0 && lac_cuda_host_replays() > 0);
    return 0;
}

/* Each has one of the two pictures. f32 sums of two in another order: a few units of the last place a layer. */
LAC_TEST(two_ranks_on_sealed_memory_train_as_one)
{
    double alone[STEPS][LOSSES];
    static lac_test_training t;
    if (lac_test_on_gpu())
        skip();
    seen *all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    LAC_CHECK(all != MAP_FAILED);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    lac_nccl_host_share();
    lac_play(train_as_rank, BATCH, 0, 60, lac_test_port(NULL), all);
    lac_test_begin_deepfill(&t, lac_sealed_device(), LAC_F32, json_object(), NULL);
    for (int i = 0; i < STEPS; i++)
        step(&t, i, alone[i]);
    lac_test_end(&t);
    LAC_CHECK(memcmp(all->loss[0], all->loss[1], sizeof all->loss[0]) == 0);
    for (int i = 0; i < STEPS * LOSSES; i++)
        if (!(fabs((&all->loss[0][0][0])[i] - (&alone[0][0])[i]) <= 1e-5))
            fail_msg("step %d, loss %d: %.9g on two ranks, %.9g on one", i / LOSSES, i % LOSSES, (&all->loss[0][0][0])[i], (&alone[0][0])[i]);
    munmap(all, sizeof *all);
}
