/* What a convolution's workspace held before must not matter: small maps, where oneDNN's bf16 kernels leave gaps in their scratch. */
#include "core/cpu/dnn.h"
#include "core/cpu/features.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static void *normal_bf16(int64_t n, uint64_t seed)
{
    uint16_t *x;
    LAC_CHECK_STATUS(lac_aligned_alloc((void **)&x, (size_t)n * sizeof *x));
    for (int64_t i = 0; i < n; i++) {
        const float v = (float)((i * 2654435761u + seed * 40503u) % 2039) / 1019.5f - 1;
        lac_from_f32(&x[i], LAC_BF16, &v, 1);
    }
    return x;
}

/* gw with a workspace that was full of `byte`. */
static void gradient(const lac_conv *c, const void *x, const void *gy, int byte, float *gw)
{
    size_t size;
    void *workspace;
    LAC_CHECK_STATUS(lac_dnn_conv_workspace(c, LAC_CONV_GRAD_W, LAC_F32, false, &size));
    LAC_CHECK_STATUS(lac_aligned_alloc(&workspace, size));
    memset(workspace, byte, size);
    LAC_CHECK_STATUS(lac_dnn_conv_grad_w(c, x, gy, gw, false, NULL, false, workspace));
    free(workspace);
}

static bool depends_on_workspace(const lac_conv *c)
{
    const int64_t n = c->o * c->kh * c->kw * (c->c / c->groups);
    void *x = normal_bf16(c->n * c->h * c->w * c->c, 1), *gy = normal_bf16(c->n * lac_conv_out_h(c) * lac_conv_out_w(c) * c->o, 2);
    float *clean, *dirty;
    LAC_CHECK_STATUS(lac_malloc((void **)&clean, (size_t)n * sizeof *clean));
    LAC_CHECK_STATUS(lac_malloc((void **)&dirty, (size_t)n * sizeof *dirty));
    gradient(c, x, gy, 0, clean);
    gradient(c, x, gy, 0xff, dirty);        /* NaN, read as floats */
    const bool differs = memcmp(clean, dirty, (size_t)n * sizeof *clean) != 0;
    free(x);
    free(gy);
    free(clean);
    free(dirty);
    return differs;
}

static void check_map(int64_t k, int64_t w, int64_t stride, int64_t dilation, int64_t channels)
{
    const int64_t pad = dilation * (k - 1) / 2;
    const lac_conv c = { .n = 2, .h = 9, .w = w, .c = channels, .o = 24, .kh = k, .kw = k, .groups = 1, .stride = { stride, stride },
                         .dilation = { dilation, dilation }, .pad = { pad, pad, pad, pad }, .dtype = LAC_BF16 };
    if (depends_on_workspace(&c))
        fail_msg("gradient of a %dx%d kernel, stride %d, dilation %d, %d channels, width %d", (int)k, (int)k, (int)stride, (int)dilation,
                 (int)channels, (int)w);
}

LAC_TEST(bf16_weight_gradients_do_not_depend_on_what_the_workspace_held)
{
    static const int64_t widths[] = { 1, 2, 3, 5, 17 };
    if (!lac_cpu_has_avx512_bf16())
        skip();
    for (size_t i = 0; i < LAC_COUNT(widths); i++)
        for (int64_t k = 1; k <= 5; k += 2)
            for (int64_t variant = 0; variant < 8; variant++)
                check_map(k, widths[i], 1 + variant % 2, 1 + variant / 2 % 2, variant < 4 ? 3 : 40);
}
