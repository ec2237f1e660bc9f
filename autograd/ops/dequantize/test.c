#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/dequantize/dequantize.h"
#include "tests/harness/device.h"
#include "tests/harness/op.h"

#include <math.h>

typedef struct bytes { lac_tensor x; lac_tensor *y; lac_dtype dtype; } bytes;

static lac_status body(lac_tape *t, void *context)
{
    bytes *b = context;
    const lac_dequantize_attr a = { 1 / 127.5f, -1, b->dtype };
    return lac_keep(t, lac_dequantize(t, lac_tape_input(t, &b->x, LAC_F32), &a), &b->y);
}

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

static float worst(lac_dtype d, const lac_backend *device)
{
    uint8_t all[256];
    bytes b = { .dtype = d };
    lac_tape *t;
    float gap = 0;
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    lac_tensor_shape(&b.x, LAC_U8, 2, (int64_t[]){ 16, 16 });
    b.x.data = all;
    LAC_CHECK_STATUS(lac_tape_new(&t, device));
    LAC_CHECK_STATUS(lac_tape_run(t, "bytes", body, &b));
    for (int i = 0; i < 256; i++)
        gap = fmaxf(gap, fabsf(((float *)b.y->data)[i] - (float)(i / 127.5 - 1)));
    lac_tensor_free(b.y);
    lac_tape_free(t);
    return gap;
}

LAC_TEST(dequantize_gives_the_formula)      /* one unit in the last place at 1; bf16 has 8 bits */
{
    for (int k = 0; k < 2; k++) {
        LAC_CHECK(worst(LAC_F32, k ? lac_test_device() : cpu()) < 1.3e-7f);
        LAC_CHECK(worst(LAC_BF16, k ? lac_test_device() : cpu()) < 2.0e-3f);
    }
}

LAC_TEST(dequantize_refuses_floats)
{
    lac_tape *t;
    LAC_CHECK_STATUS(lac_tape_new(&t, cpu()));
    LAC_CHECK_STATUS(lac_tape_begin(t, "floats", true));
    lac_tensor *x = lac_tape_tensor(t, LAC_F32, 1, (int64_t[]){ 4 });
    LAC_CHECK(lac_dequantize(t, x, &(lac_dequantize_attr){ 1, 0, LAC_F32 }) == NULL);
    LAC_CHECK_FAILS(lac_tape_end(t), LAC_ERR_DTYPE, "f32");
    lac_tape_free(t);
}

LAC_TEST(dequantize_of_any_size)
{
    for (int k = 0; k < 2; k++)
        lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_dequantize, .attr = &(lac_dequantize_attr){ 1 / 127.5f, -1, k ? LAC_BF16 : LAC_F32 }, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C) } });
}
