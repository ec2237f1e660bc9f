/* A whole training on a device whose memory the host may not touch: the CUDA kernels compiled for the host, every block of their memory
 * sealed (no access) but while the backend itself is at work. What reads or writes it from outside dies here, not on somebody's GPU. */
#include "autograd/op.h"
#include "autograd/ops/backend_cpu.h"
#include "core/cpu/features.h"
#include "tests/harness/device.h"
#include "tests/harness/test.h"
#include "train/checkpoint.h"
#include "train/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { SIZE = 32, BATCH = 2, MAX_BLOCKS = 64, STEPS = 3, LOSSES = 5 };

static struct { void *p; size_t size; } block[MAX_BLOCKS];
static const lac_backend *inner;

static void set_access(int access)
{
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (block[i].p != NULL)
            LAC_CHECK(mprotect(block[i].p, block[i].size, access) == 0);
}

static int at_work;                             /* a kernel may call the backend */

static void unseal(void)
{
    if (at_work++ == 0)
        set_access(PROT_READ | PROT_WRITE);
}

static lac_status seal(lac_status s)
{
    if (--at_work == 0)
        set_access(PROT_NONE);
    return s;
}

static lac_status sealed_alloc(void **p, size_t size)
{
    int i = 0;
    while (i < MAX_BLOCKS && block[i].p != NULL)
        i++;
    LAC_CHECK(i < MAX_BLOCKS);
    block[i].size = (size + 4095) / 4096 * 4096;
    block[i].p = *p = mmap(NULL, block[i].size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    LAC_CHECK(*p != MAP_FAILED);
    memset(*p, 0xff, size);                     /* not numbers until they are written */
    LAC_CHECK(at_work == 0 && mprotect(*p, block[i].size, PROT_NONE) == 0);
    return LAC_OK;
}

static void sealed_free(void *p, size_t size)
{
    (void)size;
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (block[i].p == p) {
            munmap(p, block[i].size);
            block[i].p = NULL;
            return;
        }
    fail_msg("a block is freed that was not allocated");
}

static lac_status forward(const lac_op_ctx *c) { return unseal(), seal(inner->kernels[c->op].forward(c)); }
static lac_status backward(const lac_op_ctx *c) { return unseal(), seal(inner->kernels[c->op].backward(c)); }
static size_t workspace(const lac_op_ctx *c) { return inner->kernels[c->op].workspace == NULL ? 0 : inner->kernels[c->op].workspace(c); }
static lac_status copy(void *to, const void *from, size_t n) { return unseal(), seal(inner->copy(to, from, n)); }
static lac_status fill_zero(void *to, size_t n) { return unseal(), seal(inner->fill_zero(to, n)); }
static lac_status add(lac_tensor *to, const lac_tensor *x) { return unseal(), seal(inner->add(to, x)); }
static lac_status convert(lac_tensor *to, const lac_tensor *from) { return unseal(), seal(inner->convert(to, from)); }
static lac_status update(const lac_update *u) { return unseal(), seal(inner->update(u)); }
static lac_status all_finite(const void *x, lac_dtype d, int64_t n, bool *yes) { return unseal(), seal(inner->all_finite(x, d, n, yes)); }
static void forget(uint64_t uid) { inner->forget(uid); }

static const lac_backend *sealed_device(void)
{
    static lac_kernel kernels[LAC_N_OPS];
    static const lac_backend sealed = {
        .name = "sealed", .kernels = kernels, .n_kernels = LAC_N_OPS, .alloc = sealed_alloc, .free = sealed_free, .copy = copy,
        .fill_zero = fill_zero, .add = add, .convert = convert, .update = update, .all_finite = all_finite, .forget = forget,
    };
    inner = lac_test_device();
    for (int op = 0; op < LAC_N_OPS; op++)
        kernels[op] = (lac_kernel){ inner->kernels[op].forward ? forward : NULL, inner->kernels[op].backward ? backward : NULL, workspace };
    return &sealed;
}

/* A trainer on pictures of its own, and what it is fed with. */
typedef struct training {
    json_t *config;
    lac_stages stages;
    lac_comm *comm;
    lac_trainer trainer;
    uint8_t image[BATCH * SIZE * SIZE * 3], mask[BATCH * SIZE * SIZE];
    lac_batch batch;
} training;

static void begin(training *t, const lac_backend *b, lac_dtype d)
{
    *t = (training){ .batch = { .n = BATCH, .n_fields = 2, .field = { { .name = "image" }, { .name = "mask" } } } };
    t->config = json_pack("{s:s,s:s,s:i,s:{s:i,s:i},s:{s:{s:i}},s:{s:{s:i},s:{s:i}},s:{s:{s:f}}}", "name", "device", "recipe", "deepfill", "steps", 1,
                          "batch", "global", BATCH, "micro", 1, "data", "train", "size", SIZE, "model", "generator", "cnum", 8, "discriminator",
                          "width", 8, "optim", "generator", "ema", 0.9);
    LAC_CHECK(t->config != NULL);
    lac_tensor_shape(&t->batch.field[0].tensor, LAC_U8, 4, (int64_t[]){ BATCH, SIZE, SIZE, 3 });
    lac_tensor_shape(&t->batch.field[1].tensor, LAC_U8, 4, (int64_t[]){ BATCH, SIZE, SIZE, 1 });
    t->batch.field[0].tensor.data = t->image;
    t->batch.field[1].tensor.data = t->mask;
    for (int i = 0; i < (int)sizeof t->image; i++)
        t->image[i] = (uint8_t)(i * 7919 % 251);
    for (int i = 0; i < (int)sizeof t->mask; i++)
        t->mask[i] = i % SIZE > 8 && i % SIZE < 20 && i / SIZE % SIZE > 8 && i / SIZE % SIZE < 24;
    LAC_CHECK_STATUS(lac_stages_resolve(&t->stages, t->config, NULL, NULL));
    LAC_CHECK_STATUS(lac_comm_alone(&t->comm));
    const lac_stage *s = &t->stages.stage[0];
    LAC_CHECK_STATUS(lac_trainer_open(&t->trainer, s->recipe, s->config, "main", b, d, t->comm));
}

static void end(training *t)
{
    lac_trainer_close(&t->trainer);
    lac_comm_free(t->comm);
    lac_stages_free(&t->stages);
    json_decref(t->config);
}

static void step(training *t, int64_t at, double loss[LOSSES])
{
    const lac_batch *all[LAC_MAX_PHASES] = { &t->batch, &t->batch };
    int n = 0;
    LAC_CHECK_STATUS(lac_trainer_step(&t->trainer, at, all, NULL));
    for (int p = 0; p < t->trainer.recipe.n_phases; p++)
        for (int i = 0; i < t->trainer.recipe.phase[p].n_losses; i++)
            loss[n++] = t->trainer.loss[p][i];
    LAC_CHECK(n == LOSSES);
}

static void save(training *t, const char *path)
{
    lac_state s = { 0 };
    const lac_checkpoint about = { .step = 1, .stage = (char *)"main", .model = (char *)"deepfill", .config = (char *)"{}", .numbers = (char *)"{}", .code = (char *)"" };
    LAC_CHECK_STATUS(lac_trainer_state(&t->trainer, &s));
    LAC_CHECK_STATUS(lac_checkpoint_write(path, &about, &s));
    lac_trainer_state_end(&t->trainer);
    lac_state_free(&s);
}

static void load(training *t, const char *path)
{
    lac_state s = { 0 };
    LAC_CHECK_STATUS(lac_trainer_state(&t->trainer, &s));
    LAC_CHECK_STATUS(lac_checkpoint_load(path, "deepfill", &s));
    LAC_CHECK_STATUS(lac_trainer_restored(&t->trainer));
    lac_trainer_state_end(&t->trainer);
    lac_state_free(&s);
}

/* With the averaged weights, as a sample grid does it. */
static void paint(training *t, lac_image *made)
{
    lac_inpainter ip;
    lac_tape *tape;
    const json_t *network;
    const lac_recipe *r = &t->trainer.recipe;
    const lac_image image = { SIZE, SIZE, 3, t->image }, mask = { SIZE, SIZE, 1, t->mask };
    LAC_CHECK_STATUS(lac_trainer_swap_ema(&t->trainer));
    r->def->inpainter(r, t->stages.stage[0].config, &ip, &network);
    LAC_CHECK_STATUS(lac_tape_new(&tape, r->backend));
    LAC_CHECK_STATUS(lac_inpaint(&ip, tape, &image, &mask, made));
    lac_tape_free(tape);
    LAC_CHECK_STATUS(lac_trainer_swap_ema(&t->trainer));
}

/* The CPU's losses; the device's, to rounding; the device's after saving, loading and painting in between, to the bit. */
static void compare(lac_dtype d, double tolerance)
{
    const lac_backend *cpu, *device = sealed_device();
    double on_cpu[STEPS][LOSSES], whole[STEPS][LOSSES], resumed[LOSSES];
    char path[512];
    snprintf(path, sizeof path, "%s/device.h5", lac_test_folder());
    lac_image a = { 0 }, b = { 0 };
    static training t;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    begin(&t, cpu, d);
    for (int i = 0; i < STEPS; i++)
        step(&t, i, on_cpu[i]);
    paint(&t, &a);
    end(&t);
    begin(&t, device, d);
    for (int i = 0; i < STEPS; i++) {
        step(&t, i, whole[i]);
        if (i == STEPS - 2)
            save(&t, path);
    }
    paint(&t, &b);
    end(&t);
    begin(&t, device, d);
    load(&t, path);
    step(&t, STEPS - 1, resumed);
    end(&t);
    LAC_CHECK(memcmp(resumed, whole[STEPS - 1], sizeof resumed) == 0);
    for (int i = 0; i < STEPS * LOSSES; i++)
        if (!(fabs((&whole[0][0])[i] - (&on_cpu[0][0])[i]) <= tolerance))
            fail_msg("step %d, loss %d: %.9g on the device, %.9g on the CPU", i / LOSSES, i % LOSSES, (&whole[0][0])[i], (&on_cpu[0][0])[i]);
    for (int64_t i = 0; i < SIZE * SIZE * 3; i++)
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
