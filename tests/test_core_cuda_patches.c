/* Convolutions as patches and products (core/cuda/patches.h), their kernels run on the host, against oneDNN's. */
#include "core/cpu/dnn.h"
#include "core/cuda/patches.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

/* n, h, w, c, o, kh, kw, groups, stride, dilation, pad */
static const int64_t shapes[][15] = {
    { 2, 9, 7, 5, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },    { 1, 8, 8, 4, 8, 5, 5, 1, 2, 2, 1, 1, 2, 1, 2 },
    { 2, 7, 9, 6, 9, 3, 2, 3, 1, 2, 1, 0, 2, 1, 0 },    { 1, 12, 12, 3, 5, 3, 3, 1, 1, 1, 4, 4, 4, 4, 4 },
    { 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },    { 2, 10, 5, 8, 8, 3, 3, 8, 2, 3, 1, 1, 1, 0, 2 },
};

static lac_conv conv_of(const int64_t *s, lac_dtype d)
{
    return (lac_conv){ .n = s[0], .h = s[1], .w = s[2], .c = s[3], .o = s[4], .kh = s[5], .kw = s[6], .groups = s[7], .stride = { s[8], s[9] },
                       .dilation = { s[10], s[10] }, .pad = { s[11], s[12], s[13], s[14] }, .dtype = d, .direct = true };
}

/* n numbers in [-1, 1), in f32 as the dtype holds them, and in that dtype. */
static float *numbers(int64_t n, lac_dtype d, uint64_t seed, void **typed)
{
    void *p;
    LAC_CHECK_STATUS(lac_aligned_alloc(&p, (size_t)n * sizeof(float)));
    LAC_CHECK_STATUS(lac_aligned_alloc(typed, (size_t)n * sizeof(float)));
    float *f = p;
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        f[i] = (float)(int32_t)(seed >> 32) / 2147483648.0f;
    }
    lac_from_f32(*typed, d, f, n);
    lac_to_f32(f, *typed, d, n);
    return f;
}

static void *scratch(size_t size)
{
    void *p;
    LAC_CHECK_STATUS(lac_aligned_pages(&p, (size + 255) / 256 * 256 + 256, 256));
    return p;
}

typedef struct tensors {
    int64_t n_x, n_w, n_y;
    float *x, *w, *y, *before, *expected;           /* before: what a gradient is added to */
    void *tx, *tw, *ty;
} tensors;

static tensors make(const lac_conv *c, lac_dtype d)
{
    tensors t = { .n_x = c->n * c->h * c->w * c->c, .n_w = c->o * c->kh * c->kw * (c->c / c->groups), .n_y = c->n * lac_conv_out_h(c) * lac_conv_out_w(c) * c->o };
    void *unused;
    t.x = numbers(t.n_x, d, 1, &t.tx);
    t.w = numbers(t.n_w, d, 2, &t.tw);
    t.y = numbers(t.n_y, d, 3, &t.ty);
    t.before = numbers(LAC_MAX(t.n_x, t.n_w), LAC_F32, 4, &unused);
    free(unused);
    t.expected = scratch((size_t)(t.n_x + t.n_w + t.n_y) * sizeof(float));
    return t;
}

static void drop(tensors *t)
{
    free(t->x), free(t->w), free(t->y), free(t->before), free(t->expected), free(t->tx), free(t->tw), free(t->ty);
}

/* The same in f32 by oneDNN; gradients added to `before` or not. */
static void expect(const lac_conv *c, lac_conv_pass pass, tensors *t, bool add)
{
    lac_conv f32 = *c;
    size_t size;
    f32.dtype = LAC_F32;
    LAC_CHECK_STATUS(lac_dnn_conv_workspace(&f32, pass, LAC_F32, false, &size));
    void *workspace = scratch(size);
    memcpy(t->expected, t->before, (size_t)LAC_MAX(t->n_x, t->n_w) * sizeof(float));
    const lac_dnn_weight w = { .data = t->w };
    LAC_CHECK_STATUS(pass == LAC_CONV_FORWARD ? lac_dnn_conv_forward(&f32, t->x, &w, NULL, NULL, t->expected, workspace)
                     : pass == LAC_CONV_GRAD_X ? lac_dnn_conv_grad_x(&f32, t->y, &w, t->expected, LAC_F32, add, workspace)
                                               : lac_dnn_conv_grad_w(&f32, t->x, t->y, t->expected, add, NULL, false, workspace));
    free(workspace);
}

/* The gap of one pass; dg: dtype of the gradient. */
static double gap(const lac_conv *c, lac_conv_pass pass, lac_dtype dg, bool add)
{
    tensors t = make(c, c->dtype);
    const int64_t n = pass == LAC_CONV_FORWARD ? t.n_y : pass == LAC_CONV_GRAD_X ? t.n_x : t.n_w;
    size_t size;
    expect(c, pass, &t, add);
    LAC_CHECK_STATUS(lac_cuda_patches_workspace(c, pass, &size));
    void *workspace = scratch(size), *result = scratch((size_t)n * sizeof(float));
    memset(workspace, 0xff, size);
    lac_from_f32(result, dg, t.before, pass == LAC_CONV_FORWARD ? 0 : n);
    LAC_CHECK_STATUS(pass == LAC_CONV_FORWARD ? lac_cuda_patches_forward(c, t.tx, t.tw, result, workspace)
                     : pass == LAC_CONV_GRAD_X ? lac_cuda_patches_grad_x(c, t.ty, t.tw, result, dg, add, workspace)
                                               : lac_cuda_patches_grad_w(c, t.tx, t.ty, result, dg, add, workspace));
    float *found = scratch((size_t)n * sizeof(float));
    lac_to_f32(found, result, dg, n);
    const double g = lac_gap(found, t.expected, n);
    free(found), free(result), free(workspace);
    drop(&t);
    return g;
}

LAC_TEST(cuda_patches_agree_with_onednn_in_f32)
{
    for (size_t i = 0; i < LAC_COUNT(shapes); i++) {
        const lac_conv c = conv_of(shapes[i], LAC_F32);
        LAC_CHECK(gap(&c, LAC_CONV_FORWARD, LAC_F32, false) < 1e-6);
        for (int add = 0; add < 2; add++) {
            LAC_CHECK(gap(&c, LAC_CONV_GRAD_X, LAC_F32, add) < 1e-6);
            LAC_CHECK(gap(&c, LAC_CONV_GRAD_W, LAC_F32, add) < 1e-6);
        }
    }
}

/* 1e-2: what is stored has eight bits. */
LAC_TEST(cuda_patches_agree_with_onednn_in_bf16)
{
    for (size_t i = 0; i < LAC_COUNT(shapes); i++) {
        const lac_conv c = conv_of(shapes[i], LAC_BF16);
        LAC_CHECK(gap(&c, LAC_CONV_FORWARD, LAC_BF16, false) < 1e-2);
        for (int add = 0; add < 2; add++) {
            LAC_CHECK(gap(&c, LAC_CONV_GRAD_X, LAC_BF16, add) < 1e-2 && gap(&c, LAC_CONV_GRAD_X, LAC_F32, add) < 1e-2);
            LAC_CHECK(gap(&c, LAC_CONV_GRAD_W, LAC_BF16, add) < 1e-2 && gap(&c, LAC_CONV_GRAD_W, LAC_F32, add) < 1e-2);
        }
    }
}
