/* core/cuda/vector.cu, columns.cu and update.cu against the CPU's. */
#include "autograd/ops/backend_cpu.h"
#include "core/cuda/columns.h"
#include "core/philox.h"
#include "core/update.h"
#include "tests/harness/device.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

/* Values of many sizes, zero among them, rounded as d has it. */
static void fill(void *x, lac_dtype d, int64_t n, uint32_t seed)
{
    lac_stream s = lac_stream_at(seed, lac_purpose("vector test"), 0, 0);
    for (int64_t i = 0; i < n; i++) {
        const float v = i % 9 == 0 ? 0.0f : (lac_stream_uniform(&s) - 0.5f) * exp2f((float)(i % 30) - 15);
        lac_from_f32((char *)x + (size_t)i * lac_dtype_size(d), d, &v, 1);
    }
}

/* n elements that begin `off` elements into a block of 64-byte aligned memory. */
static void check_pair(lac_dtype a, lac_dtype b, int64_t n, int64_t off)
{
    _Alignas(64) static char to[2][16384], from[16384];
    lac_tensor x[2], y;
    fill(from, b, n + off, 1);
    lac_tensor_shape(&y, b, 1, &n);
    for (int k = 0; k < 2; k++) {
        const lac_backend *device = k ? lac_test_device() : cpu();
        memset(to[k], 0, sizeof to[k]);
        char *there = lac_test_move_in(device, to[k], sizeof to[k]), *source = lac_test_move_in(device, from, sizeof from);
        lac_tensor_shape(&x[k], a, 1, &n);
        x[k].data = there + (size_t)off * lac_dtype_size(a);
        y.data = source + (size_t)off * lac_dtype_size(b);
        LAC_CHECK_STATUS(device->convert(&x[k], &y));
        LAC_CHECK_STATUS(device->add(&x[k], &y));
        lac_test_move_out(device, to[k], there, sizeof to[k]);
        device->free(source, sizeof from);
    }
    LAC_CHECK(memcmp(to[0], to[1], sizeof to[0]) == 0);
}

LAC_TEST(conversion_and_addition_give_the_bits_of_the_cpu)
{
    static const int64_t sizes[] = { 0, 1, 7, 8, 64, 1000 };
    for (lac_dtype a = LAC_F32; a <= LAC_F64; a++)
        for (lac_dtype b = LAC_F32; b <= LAC_F64; b++)
            for (size_t k = 0; k < LAC_COUNT(sizes); k++)
                for (int64_t off = 0; off < 2; off++)
                    check_pair(a, b, sizes[k], off);
    lac_tensor x, y;
    lac_tensor_shape(&x, LAC_F32, 1, (int64_t[]){ 2 });
    lac_tensor_shape(&y, LAC_I32, 1, (int64_t[]){ 2 });
    LAC_CHECK_FAILS(lac_test_device()->convert(&x, &y), LAC_ERR_DTYPE, "i32");
    lac_tensor_shape(&y, LAC_F32, 1, (int64_t[]){ 3 });
    LAC_CHECK_FAILS(lac_test_device()->add(&x, &y), LAC_ERR_SHAPE, "[3]");
}

static bool all_finite(const void *x, lac_dtype d, int64_t from, int64_t n)
{
    const lac_backend *device = lac_test_device();
    const size_t element = lac_dtype_size(d), size = (size_t)LAC_MAX(from + n, 1) * element;
    char *there = lac_test_move_in(device, x, size);
    bool yes;
    LAC_CHECK_STATUS(device->all_finite(there + (size_t)from * element, d, n, &yes));
    device->free(there, size);
    return yes;
}

LAC_TEST(one_value_that_is_not_finite_is_found)
{
    float x[300] = { 0 };
    uint16_t b[300] = { 0 };
    for (int64_t n = 0; n <= 300; n += 100)
        LAC_CHECK(all_finite(x, LAC_F32, 0, n) && all_finite(b, LAC_BF16, 0, n));
    x[299] = INFINITY;
    b[131] = 0x7fc0;
    LAC_CHECK(!all_finite(x, LAC_F32, 0, 300));
    LAC_CHECK(all_finite(x, LAC_F32, 0, 299));
    LAC_CHECK(!all_finite(b, LAC_BF16, 1, 200));
}

static void check_columns(lac_dtype d, int64_t rows, int64_t columns)
{
    const size_t size = lac_dtype_size(d);
    float sums[64];
    char *x = aligned_alloc(64, ((size_t)(rows * columns) * size + 64) / 64 * 64), *workspace = malloc(lac_cuda_column_sums_workspace(rows, columns));
    fill(x, d, rows * columns, 2);
    for (int add = 0; add < 2; add++)
        LAC_CHECK_STATUS(lac_cuda_column_sums(sums, add, x, d, rows, columns, workspace));
    for (int64_t j = 0; j < columns; j++) {
        double sum = 0, all = 0;
        for (int64_t i = 0; i < rows; i++) {
            float v;
            lac_to_f32(&v, x + (size_t)(i * columns + j) * size, d, 1);
            sum += v;
            all += fabs(v);
        }
        LAC_CHECK(fabs(sums[j] - 2 * sum) <= 1e-6 * all);       /* twice, the second time added; f32 over some hundred rows */
    }
    free(x);
    free(workspace);
}

/* A call inside the backend: on a GPU bias gradients reach it (autograd/ops/conv2d/test.c). */
LAC_TEST(column_sums_are_those_in_double)
{
    for (lac_dtype d = LAC_F32; d <= LAC_BF16; d++) {
        check_columns(d, 0, 5);
        check_columns(d, 1, 1);
        check_columns(d, 700, 5);
        check_columns(d, 3001, 48);
        check_columns(d, 257, 64);
    }
}

/* Arenas of two optimizers that start alike, one per device. */
enum { SIZE = 20000, RANGES = 5 };
typedef struct arenas {
    float master[SIZE], m[SIZE], v[SIZE], ema[SIZE], grad[SIZE];
    uint16_t bf16[SIZE];
    lac_update_range range[RANGES];
    lac_update_scalars scalars;
    lac_update_state state;
    double partial[16];
    uint32_t bad;
    lac_update update;
} arenas;

static arenas *start(bool decoupled, bool ema)
{
    static const int64_t from[] = { 0, 8192 + 16, 8192 + 16 + 1000, 12001, 12001 }, n[] = { 8192 + 16, 1000, 3, 0, 7999 };
    arenas *a = aligned_alloc(64, (sizeof *a + 63) / 64 * 64);
    memset(a, 0, sizeof *a);
    fill(a->master, LAC_F32, SIZE, 3);
    fill(a->grad, LAC_F32, SIZE, 4);
    fill(a->m, LAC_F32, SIZE, 5);
    fill(a->ema, LAC_F32, SIZE, 6);
    for (int i = 0; i < SIZE; i++)
        a->v[i] = fabsf(a->m[i]) * 0.1f;
    for (int i = 0; i < RANGES; i++)
        a->range[i] = (lac_update_range){ .start = from[i], .n = n[i], .lr = 1 + (float)i, .decay = i % 2 ? 0.1f : 0, .clip_group = i % 3, .idle = i == 1 };
    a->range[0].bf16 = a->bf16;
    a->range[4].bounded = true;
    a->range[4].most = 0.5f;
    a->range[4].bf16 = a->bf16 + 10001;
    lac_update_scalars_set(&a->scalars, 1e-3, 0.5, 0.999, 3, false);
    a->scalars.keep = 0.9f;
    a->scalars.clip[1] = 10;
    a->update = (lac_update){ .pass = LAC_UPDATE_MEASURE | LAC_UPDATE_APPLY, .n_ranges = RANGES, .n_chunks = lac_update_lay_out(a->range, RANGES),
                              .range = a->range, .master = a->master, .m = a->m, .v = a->v, .ema = ema ? a->ema : NULL, .grad = a->grad, .beta1 = 0.5,
                              .beta2 = 0.999, .eps = 1e-8, .decoupled = decoupled, .scalars = &a->scalars, .state = &a->state, .partial = a->partial,
                              .bad = &a->bad };
    return a;
}

static void check_same(const arenas *a, const arenas *b)
{
    LAC_CHECK(lac_gap(a->master, b->master, SIZE) < 1e-6 && lac_gap(a->m, b->m, SIZE) < 1e-6);
    LAC_CHECK(lac_gap(a->v, b->v, SIZE) < 1e-6 && lac_gap(a->ema, b->ema, SIZE) < 1e-6);
    LAC_CHECK(a->bad == b->bad && a->state.applied == b->state.applied);
    int apart = 0;
    for (int i = 0; i < SIZE; i++)
        apart += a->bf16[i] != b->bf16[i];
    LAC_CHECK(apart < 3);                               /* clip factors may differ in the last bit, and so a rounding */
    for (int i = 0; i < LAC_CLIP_GROUPS; i++)
        LAC_CHECK(a->bad || fabs(a->state.square[i] - b->state.square[i]) <= 1e-12 * b->state.square[i]);
}

/* Arenas as they are, and a copy of them in the device's memory whose pointers are set over to it. */
static lac_status pass_on_device(arenas *a)
{
    const lac_backend *device = lac_test_device();
    static arenas moved;
    arenas *there;
    lac_update update;
    moved = *a;
    LAC_CHECK_STATUS(device->alloc((void **)&there, sizeof *there));
    for (int i = 0; i < RANGES; i++)
        if (a->range[i].bf16 != NULL)
            moved.range[i].bf16 = there->bf16 + (a->range[i].bf16 - a->bf16);
    LAC_CHECK_STATUS(device->copy(there, &moved, sizeof moved));
    update = a->update;
    update.range = there->range, update.master = there->master, update.m = there->m, update.v = there->v, update.grad = there->grad;
    update.ema = a->update.ema != NULL ? there->ema : NULL;
    update.scalars = &there->scalars, update.state = &there->state, update.partial = there->partial, update.bad = &there->bad;
    const lac_status s = device->update(&update);
    lac_test_move_out(device, &moved, there, sizeof moved);
    moved.update = a->update;
    memcpy(moved.range, a->range, sizeof moved.range);
    *a = moved;
    return s;
}

LAC_TEST(an_optimizer_pass_is_that_of_the_cpu)
{
    for (int k = 0; k < 4; k++) {
        arenas *a = start(k & 1, k & 2), *b = start(k & 1, k & 2), *before = start(k & 1, k & 2);
        LAC_CHECK_STATUS(pass_on_device(a));
        LAC_CHECK_STATUS(cpu()->update(&b->update));
        check_same(a, b);
        LAC_CHECK(a->state.applied == 1 && lac_gap(a->master, before->master, SIZE) > 0);
        LAC_CHECK(memcmp(a->master + 8208, before->master + 8208, 1000 * sizeof(float)) == 0);          /* the idle range */
        free(a);
        free(b);
        free(before);
    }
}

LAC_TEST(an_optimizer_stands_still_when_a_gradient_is_not_finite)
{
    arenas *a = start(true, true), *b = start(true, true);
    a->grad[15000] = b->grad[15000] = NAN;
    LAC_CHECK_STATUS(pass_on_device(a));
    LAC_CHECK(a->bad == 1 && a->state.applied == 0);
    LAC_CHECK(memcmp(a->master, b->master, sizeof a->master) == 0 && memcmp(a->ema, b->ema, sizeof a->ema) == 0);
    free(a);
    free(b);
}
