/* bench-gate: the gate of DeepFill v2 against copies of as many bytes, alternating.
 *
 * A copy reads and writes; the gate reads two halves and writes one (forward), or reads x and gy and writes gx (backward). Per round both
 * move their bytes once warm; what is printed is the median over rounds of the ratio of bytes per second, gate over copy. */
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/gate/gate.h"
#include "autograd/ops/ops.h"
#include "core/backend.h"
#include "core/clock.h"
#include "core/cpu/features.h"
#include "core/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 11, REPEATS = 5 };

static void copy(char *to, const char *from, size_t size)
{
    LAC_PARALLEL_BLOCKS(b, begin, end, (int64_t)size / 64)
        memcpy(to + begin * 64, from + begin * 64, (size_t)(end - begin) * 64);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x)
{
    qsort(x, ROUNDS, sizeof *x, by_size);
    return x[ROUNDS / 2];
}

/* Seconds of one call, the mean of REPEATS. */
static double time_kernel(lac_status (*run)(const lac_op_ctx *), const lac_op_ctx *c)
{
    const double start = lac_seconds();
    for (int i = 0; i < REPEATS; i++)
        if (run(c) != LAC_OK)
            exit(1);
    return (lac_seconds() - start) / REPEATS;
}

static double time_copy(char *to, const char *from, size_t size)
{
    const double start = lac_seconds();
    for (int i = 0; i < REPEATS; i++)
        copy(to, from, size);
    return (lac_seconds() - start) / REPEATS;
}

static void compare(const char *name, lac_status (*run)(const lac_op_ctx *), const lac_op_ctx *c, size_t moved, char *from, char *to)
{
    double ratio[ROUNDS], speed[ROUNDS];
    time_kernel(run, c);
    time_copy(to, from, moved / 2);
    for (int i = 0; i < ROUNDS; i++) {
        const double ours = time_kernel(run, c), theirs = time_copy(to, from, moved / 2);
        ratio[i] = theirs / ours;
        speed[i] = 1e-9 * (double)moved / ours;
    }
    printf("%-24s %6.1f GB/s  %4.2f of copy\n", name, median(speed), median(ratio));
}

static lac_tensor *random_map(int64_t size, int64_t channels, lac_dtype d)
{
    lac_tensor *x;
    if (lac_tensor_new(&x, d, 4, (int64_t[]){ 4, size, size, channels }) != LAC_OK)
        exit(1);
    for (int64_t i = 0; i < lac_numel(x); i++) {
        const float v = (float)rand() / (float)RAND_MAX * 4 - 2;
        lac_from_f32((char *)x->data + (size_t)i * lac_dtype_size(d), d, &v, 1);
    }
    return x;
}

static void bench(const lac_backend *b, int64_t size, int64_t channels, int upsample, lac_dtype d)
{
    const lac_gate_attr a = { .act = LAC_ACT_ELU, .upsample = upsample };
    lac_tensor *x = random_map(size, channels, d), *y = random_map(size * upsample, channels / 2, d), *gy = random_map(size * upsample, channels / 2, d);
    lac_tensor *gx = random_map(size, channels, d), *from = random_map(size * 2, channels, d), *to = random_map(size * 2, channels, d);
    const lac_op_ctx c = { .attr = &a, .in = { x }, .out = { y }, .gout = { gy }, .gin = { gx } };
    char name[64];
    snprintf(name, sizeof name, "%lld@%lld%s %s", (long long)channels, (long long)size, upsample == 2 ? " x2" : "", lac_dtype_name(d));
    printf("%s\n", name);
    compare("  forward", b->kernels[LAC_OP_gate].forward, &c, lac_bytes(x) + lac_bytes(y), from->data, to->data);
    compare("  backward", b->kernels[LAC_OP_gate].backward, &c, 2 * lac_bytes(x) + lac_bytes(y), from->data, to->data);
    lac_tensor *const all[] = { x, y, gy, gx, from, to };
    for (size_t i = 0; i < LAC_COUNT(all); i++)
        lac_tensor_free(all[i]);
}

int main(void)
{
    const lac_backend *b;
    if (lac_backend_cpu_register() != LAC_OK || lac_backend_get(&b, "cpu") != LAC_OK)
        return 1;
    printf("%s, %d threads, batch 4, elu\n", lac_cpu_model(), lac_threads());
    for (lac_dtype d = LAC_F32; d <= LAC_BF16; d++) {
        bench(b, 256, 48, 1, d);
        bench(b, 256, 24, 1, d);
        bench(b, 128, 96, 2, d);
        bench(b, 64, 192, 1, d);
    }
    return 0;
}
