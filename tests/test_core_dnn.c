/* Convolutions of core/cpu/dnn.h against PyTorch, and the same bits whatever the number of threads. */
#include "core/cpu/dnn.h"
#include "core/cpu/features.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/threads.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A golden case, as f32. */
typedef struct golden {
    lac_conv c;
    float *x, *weight, *bias, *gy, *y, *gx, *gweight, *gbias;
} golden;

static float *read(const lac_weights *w, const char *name, const char *what, lac_shape *shape)
{
    char key[64];
    snprintf(key, sizeof key, "%s.%s", name, what);
    const int64_t i = lac_weights_find(w, key);
    LAC_CHECK(i >= 0);
    lac_shape s = lac_weights_shape(w, i);
    float *to;
    LAC_CHECK_STATUS(lac_aligned_alloc((void **)&to, (size_t)lac_shape_numel(&s) * sizeof *to));
    LAC_CHECK_STATUS(lac_weights_read_f32(w, i, to));
    if (shape)
        *shape = s;
    return to;
}

static void open_case(golden *g, const lac_weights *w, const char *name)
{
    lac_shape x, k;
    float *a = read(w, name, "attr", NULL);
    g->x = read(w, name, "x", &x);
    g->weight = read(w, name, "weight", &k);
    g->bias = read(w, name, "bias", NULL);
    g->gy = read(w, name, "gy", NULL);
    g->y = read(w, name, "y", NULL);
    g->gx = read(w, name, "gx", NULL);
    g->gweight = read(w, name, "gweight", NULL);
    g->gbias = read(w, name, "gbias", NULL);
    g->c = (lac_conv){ .n = x.dim[0], .h = x.dim[1], .w = x.dim[2], .c = x.dim[3], .o = k.dim[0], .kh = k.dim[1], .kw = k.dim[2],
                       .groups = (int64_t)a[8], .stride = { (int64_t)a[0], (int64_t)a[1] }, .dilation = { (int64_t)a[2], (int64_t)a[3] } };
    for (int i = 0; i < 4; i++)
        g->c.pad[i] = (int64_t)a[4 + i];
    free(a);
}

static void close_case(golden *g)
{
    float *all[] = { g->x, g->weight, g->bias, g->gy, g->y, g->gx, g->gweight, g->gbias };
    for (size_t i = 0; i < LAC_COUNT(all); i++)
        free(all[i]);
}

static int64_t n_x(const lac_conv *c) { return c->n * c->h * c->w * c->c; }
static int64_t n_y(const lac_conv *c) { return c->n * lac_conv_out_h(c) * lac_conv_out_w(c) * c->o; }
static int64_t n_w(const lac_conv *c) { return c->o * c->kh * c->kw * (c->c / c->groups); }

static void *fresh(int64_t n)
{
    void *p;
    LAC_CHECK_STATUS(lac_aligned_alloc(&p, (size_t)n * sizeof(float)));
    memset(p, 0x7f, (size_t)n * sizeof(float));         /* what was there must not matter */
    return p;
}

static void *as(const float *x, lac_dtype d, int64_t n)
{
    void *p = fresh(n);
    lac_from_f32(p, d, x, n);
    return p;
}

static double gap(const void *x, lac_dtype d, const float *truth, int64_t n)
{
    float *wide = fresh(n);
    lac_to_f32(wide, x, d, n);
    const double g = lac_gap(wide, truth, n);
    free(wide);
    return g;
}

static void *workspace(const lac_conv *c, lac_conv_pass pass, lac_dtype dx, bool packed)
{
    size_t size;
    void *p;
    LAC_CHECK_STATUS(lac_dnn_conv_workspace(c, pass, dx, packed, &size));
    LAC_CHECK_STATUS(lac_aligned_alloc(&p, size));
    return p;
}

static void check_forward(const golden *g, lac_dtype d, double tolerance)
{
    lac_conv c = g->c;
    c.dtype = d;
    void *x = as(g->x, d, n_x(&c)), *w = as(g->weight, d, n_w(&c)), *y = fresh(n_y(&c)), *ws = workspace(&c, LAC_CONV_FORWARD, d, false);
    LAC_CHECK_STATUS(lac_dnn_conv_forward(&c, x, &(lac_dnn_weight){ .data = w }, g->bias, NULL, y, ws));
    LAC_CHECK(gap(y, d, g->y, n_y(&c)) < tolerance);
    free(x), free(w), free(y), free(ws);
}

static void check_grad_x(const golden *g, lac_dtype d, lac_dtype dx, double tolerance)
{
    lac_conv c = g->c;
    c.dtype = d;
    void *gy = as(g->gy, d, n_y(&c)), *w = as(g->weight, d, n_w(&c)), *gx = fresh(n_x(&c)), *ws = workspace(&c, LAC_CONV_GRAD_X, dx, false);
    LAC_CHECK_STATUS(lac_dnn_conv_grad_x(&c, gy, &(lac_dnn_weight){ .data = w }, gx, dx, false, ws));
    LAC_CHECK(gap(gx, dx, g->gx, n_x(&c)) < tolerance);
    LAC_CHECK_STATUS(lac_dnn_conv_grad_x(&c, gy, &(lac_dnn_weight){ .data = w }, gx, dx, true, ws));
    float *twice = fresh(n_x(&c));
    for (int64_t i = 0; i < n_x(&c); i++)
        twice[i] = 2 * g->gx[i];
    LAC_CHECK(gap(gx, dx, twice, n_x(&c)) < tolerance);
    free(gy), free(w), free(gx), free(ws), free(twice);
}

static void check_grad_w(const golden *g, lac_dtype d, double tolerance)
{
    lac_conv c = g->c;
    c.dtype = d;
    void *x = as(g->x, d, n_x(&c)), *gy = as(g->gy, d, n_y(&c)), *ws = workspace(&c, LAC_CONV_GRAD_W, d, false);
    float *gw = fresh(n_w(&c)), *gb = fresh(c.o);
    LAC_CHECK_STATUS(lac_dnn_conv_grad_w(&c, x, gy, gw, false, gb, false, ws));
    LAC_CHECK(lac_gap(gw, g->gweight, n_w(&c)) < tolerance);
    LAC_CHECK(lac_gap(gb, g->gbias, c.o) < tolerance);
    LAC_CHECK_STATUS(lac_dnn_conv_grad_w(&c, x, gy, gw, true, NULL, false, ws));
    for (int64_t i = 0; i < n_w(&c); i++)
        gw[i] /= 2;
    LAC_CHECK(lac_gap(gw, g->gweight, n_w(&c)) < tolerance);
    free(x), free(gy), free(ws), free(gw), free(gb);
}

static const char *const cases[] = { "plain", "first5", "down", "down5", "dilated4", "rgb", "uneven", "groups", "one", "valid", "gap", "tiles", "row7", "column7" };

static void check_all(lac_dtype d, double tolerance)
{
    lac_weights *w;
    LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden("conv2d.safetensors")));
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        golden g;
        open_case(&g, w, cases[i]);
        check_forward(&g, d, tolerance);
        check_grad_x(&g, d, d, tolerance);
        check_grad_x(&g, d, LAC_F32, tolerance);
        check_grad_w(&g, d, tolerance);
        close_case(&g);
    }
    lac_weights_close(w);
}

/* f32: sums of at most 225 products of order 1. */
LAC_TEST(conv_agrees_with_pytorch_in_f32) { check_all(LAC_F32, 2e-6); }

/* bf16: the inputs are exact, the result is rounded to 8 bits: 2^-9 at most, 2e-3 on average. */
LAC_TEST(conv_agrees_with_pytorch_in_bf16)
{
    if (!lac_cpu_has_avx512_bf16())
        skip();
    check_all(LAC_BF16, 4e-3);
}

static void fill(void *to, lac_dtype d, int64_t n, uint32_t salt)
{
    for (int64_t i = 0; i < n; i++) {
        const uint32_t r = (uint32_t)(i * 2654435761u) ^ salt * 0x9e3779b9u;
        const float v = (float)((r ^ r >> 15) % 2001) / 1000.0f - 1.0f;
        lac_from_f32((char *)to + i * (int64_t)lac_dtype_size(d), d, &v, 1);
    }
}

/* y, gx, gw and gb of one shape at a number of threads. */
typedef struct results { void *y, *gx; float *gw, *gb; } results;

static results run(const lac_conv *c, int threads)
{
    lac_threads_set(threads);
    const lac_dtype d = c->dtype;
    results r = { fresh(n_y(c)), fresh(n_x(c)), fresh(n_w(c)), fresh(c->o) };
    void *x = fresh(n_x(c)), *w = fresh(n_w(c)), *gy = fresh(n_y(c));
    float *bias = fresh(c->o);
    fill(x, d, n_x(c), 1), fill(w, d, n_w(c), 2), fill(gy, d, n_y(c), 3), fill(bias, LAC_F32, c->o, 4);
    void *ws = workspace(c, LAC_CONV_FORWARD, d, false), *residual = fresh(n_y(c));
    fill(residual, d, n_y(c), 5);
    LAC_CHECK_STATUS(lac_dnn_conv_forward(c, x, &(lac_dnn_weight){ .data = w }, bias, c->residual ? residual : NULL, r.y, ws));
    free(ws), free(residual);
    ws = workspace(c, LAC_CONV_GRAD_X, d, false);
    LAC_CHECK_STATUS(lac_dnn_conv_grad_x(c, gy, &(lac_dnn_weight){ .data = w }, r.gx, d, false, ws));
    free(ws);
    ws = workspace(c, LAC_CONV_GRAD_W, d, false);
    LAC_CHECK_STATUS(lac_dnn_conv_grad_w(c, x, gy, r.gw, false, r.gb, false, ws));
    free(ws), free(x), free(w), free(gy), free(bias);
    return r;
}

/* Against direct summation, which the golden file has checked. Rounding of F(4, 3) at our points is about 1e-6, at the usual 1 and 2
 * up to 6e-6; forty layers on top of each other must stay below 1e-5. */
static void near_direct(const lac_conv *c)
{
    lac_conv plain = *c;
    plain.direct = true;
    results fast = run(c, 2), slow = run(&plain, 2);
    LAC_CHECK(lac_gap(fast.y, slow.y, n_y(c)) < 2e-6);
    LAC_CHECK(lac_gap(fast.gx, slow.gx, n_x(c)) < 2e-6);
    LAC_CHECK(lac_gap(fast.gw, slow.gw, n_w(c)) < 2e-6);
    LAC_CHECK(lac_gap(fast.gb, slow.gb, c->o) < 2e-6);
    free(fast.y), free(fast.gx), free(fast.gw), free(fast.gb), free(slow.y), free(slow.gx), free(slow.gw), free(slow.gb);
}

LAC_TEST(winograd_is_near_direct_summation)
{
    static const struct { int64_t n, h, w, c, o, k, s, d, pad[4]; } shape[] = {
        { 2, 16, 16, 16, 32, 3, 1, 1, { 1, 1, 1, 1 } }, { 1, 13, 18, 24, 24, 3, 1, 1, { 1, 1, 1, 1 } }, { 1, 10, 9, 20, 17, 3, 1, 1, { 0, 2, 1, 0 } },
        { 2, 24, 19, 48, 33, 3, 1, 2, { 2, 2, 2, 2 } }, { 1, 64, 64, 16, 16, 3, 1, 16, { 16, 16, 16, 16 } }, { 1, 21, 30, 16, 192, 3, 1, 4, { 4, 4, 3, 5 } },
        { 2, 32, 32, 32, 64, 5, 2, 1, { 1, 2, 1, 2 } }, { 1, 35, 38, 40, 33, 5, 2, 1, { 2, 2, 2, 2 } }, { 1, 37, 40, 32, 48, 5, 2, 1, { 0, 1, 3, 4 } },
        { 3, 35, 35, 48, 64, 5, 1, 1, { 2, 2, 2, 2 } }, { 2, 29, 26, 33, 40, 5, 1, 1, { 0, 3, 4, 1 } },
        { 1, 30, 29, 260, 264, 3, 1, 1, { 1, 1, 1, 1 } }, { 2, 15, 21, 330, 258, 3, 1, 1, { 0, 2, 1, 0 } }, { 1, 7, 8, 272, 256, 3, 1, 1, { 1, 1, 1, 1 } },
        { 2, 9, 6, 288, 300, 3, 1, 1, { 1, 0, 1, 1 } },                     /* from here few tiles of many channels */
    };
    for (size_t i = 0; i < LAC_COUNT(shape); i++) {
        lac_conv c = { .n = shape[i].n, .h = shape[i].h, .w = shape[i].w, .c = shape[i].c, .o = shape[i].o, .kh = shape[i].k, .kw = shape[i].k,
                       .groups = 1, .stride = { shape[i].s, shape[i].s }, .dilation = { shape[i].d, shape[i].d } };
        memcpy(c.pad, shape[i].pad, sizeof c.pad);
        near_direct(&c);
        if (shape[i].c >= 256) {
            c.residual = true;
            c.act = lac_act_of(LAC_ACT_LEAKY);
            near_direct(&c);
        }
    }
}

/* The forward pass of a kernel along one axis: the formula in double, where it lies alone and between others. */
static double value_at(const lac_conv *c, const float *x, const float *w, int64_t pixel, int64_t o)
{
    const int64_t oh = lac_conv_out_h(c), ow = lac_conv_out_w(c);
    double sum = 0;
    for (int64_t tap = 0; tap < c->kh * c->kw; tap++) {
        const int64_t y = pixel / ow % oh - c->pad[0] + tap / c->kw, at = pixel % ow - c->pad[2] + tap % c->kw;
        for (int64_t i = 0; i < c->c && y >= 0 && y < c->h && at >= 0 && at < c->w; i++)
            sum += (double)x[((pixel / (oh * ow) * c->h + y) * c->w + at) * c->c + i] * w[(o * c->kh * c->kw + tap) * c->c + i];
    }
    return sum;
}

static void check_line(const lac_conv *c)
{
    char algorithm[80];
    lac_conv one = *c;
    one.n = 1;
    const int64_t last = (c->n - 1) * c->h * c->w * c->c;
    float *x = fresh(n_x(c)), *w = fresh(n_w(c)), *y = fresh(n_y(c)), *alone = fresh(n_y(&one)), *exact = fresh(n_y(c)), *bias = fresh(c->o), *residual = fresh(n_y(c));
    void *ws = workspace(c, LAC_CONV_FORWARD, LAC_F32, false), *ws_one = workspace(&one, LAC_CONV_FORWARD, LAC_F32, false);
    fill(x, LAC_F32, n_x(c), 1), fill(w, LAC_F32, n_w(c), 2), fill(bias, LAC_F32, c->o, 3), fill(residual, LAC_F32, n_y(c), 4);
    LAC_CHECK_STATUS(lac_dnn_conv_algorithm(c, LAC_CONV_FORWARD, algorithm, sizeof algorithm));
    LAC_CHECK(strstr(algorithm, "of a line") != NULL);
    LAC_CHECK_STATUS(lac_dnn_conv_forward(c, x, &(lac_dnn_weight){ .data = w }, bias, c->residual ? residual : NULL, y, ws));
    for (int64_t i = 0; i < n_y(c); i++) {
        const double sum = value_at(c, x, w, i / c->o, i % c->o) + bias[i % c->o] + (c->residual ? residual[i] : 0);
        exact[i] = lac_act_value(c->act, (float)sum);
    }
    LAC_CHECK(lac_gap(y, exact, n_y(c)) < 2e-6);
    LAC_CHECK_STATUS(lac_dnn_conv_forward(&one, x + last, &(lac_dnn_weight){ .data = w }, bias, c->residual ? residual + n_y(c) - n_y(&one) : NULL, alone, ws_one));
    LAC_CHECK(memcmp(alone, y + n_y(c) - n_y(&one), (size_t)n_y(&one) * sizeof *y) == 0);
    free(x), free(w), free(y), free(alone), free(exact), free(bias), free(residual), free(ws), free(ws_one);
}

LAC_TEST(winograd_along_one_axis_is_the_formula_in_double)
{
    static const struct { int64_t n, h, w, c, o, kh, kw, pad[4]; } shape[] = {
        { 4, 8, 8, 384, 384, 1, 3, { 0, 0, 1, 1 } },   { 3, 9, 10, 70, 35, 3, 1, { 0, 2, 1, 0 } },     { 5, 13, 11, 32, 50, 3, 1, { 1, 1, 0, 0 } },
        { 4, 17, 17, 128, 192, 1, 7, { 0, 0, 3, 3 } }, { 1, 17, 17, 192, 160, 7, 1, { 3, 3, 0, 0 } }, { 3, 5, 19, 33, 47, 1, 7, { 0, 0, 3, 3 } },
        { 2, 19, 5, 50, 33, 7, 1, { 3, 3, 0, 0 } },    { 3, 9, 8, 40, 70, 1, 7, { 0, 0, 6, 1 } },     { 5, 14, 8, 65, 32, 7, 1, { 0, 0, 0, 0 } },
        { 2, 7, 16, 35, 100, 1, 7, { 1, 2, 0, 4 } },   { 2, 8, 7, 36, 81, 7, 1, { 7, 2, 3, 1 } },
    };
    for (size_t i = 0; i < LAC_COUNT(shape); i++)
        for (lac_act act = LAC_ACT_NONE; act <= LAC_ACT_LEAKY; act += LAC_ACT_LEAKY - LAC_ACT_NONE) {
            lac_conv c = { .n = shape[i].n, .h = shape[i].h, .w = shape[i].w, .c = shape[i].c, .o = shape[i].o, .kh = shape[i].kh, .kw = shape[i].kw, .groups = 1,
                           .stride = { 1, 1 }, .dilation = { 1, 1 }, .bias = true, .residual = act != LAC_ACT_NONE, .act = lac_act_of(act) };
            memcpy(c.pad, shape[i].pad, sizeof c.pad);
            check_line(&c);
        }
}

/* Maps that are too small to be cut by rows: slices of channels, and the weight gradient as a product. In double. */
static double sum_at(const lac_conv *c, const void *x, const void *gy, int64_t o, int64_t ky, int64_t kx, int64_t i)
{
    const int64_t oh = lac_conv_out_h(c), ow = lac_conv_out_w(c), e = (int64_t)lac_dtype_size(c->dtype);
    double sum = 0;
    for (int64_t p = 0; p < c->n * oh * ow; p++) {
        const int64_t y = p / ow % oh * c->stride[0] - c->pad[0] + ky * c->dilation[0], at = p % ow * c->stride[1] - c->pad[2] + kx * c->dilation[1];
        if (y < 0 || y >= c->h || at < 0 || at >= c->w)
            continue;
        float a, b;
        lac_to_f32(&a, (const char *)x + (((p / (oh * ow) * c->h + y) * c->w + at) * c->c + i) * e, c->dtype, 1);
        lac_to_f32(&b, (const char *)gy + (p * c->o + o) * e, c->dtype, 1);
        sum += (double)a * b;
    }
    return sum;
}

static void check_small_map(const lac_conv *c)
{
    void *x = fresh(n_x(c)), *gy = fresh(n_y(c)), *ws = workspace(c, LAC_CONV_GRAD_W, c->dtype, false);
    float *gw = fresh(n_w(c)), *gb = fresh(c->o);
    char algorithm[80];
    fill(x, c->dtype, n_x(c), 1), fill(gy, c->dtype, n_y(c), 3);
    LAC_CHECK_STATUS(lac_dnn_conv_algorithm(c, LAC_CONV_GRAD_W, algorithm, sizeof algorithm));
    LAC_CHECK(strncmp(algorithm, "product", 7) == 0);
    LAC_CHECK_STATUS(lac_dnn_conv_grad_w(c, x, gy, gw, false, gb, false, ws));
    LAC_CHECK_STATUS(lac_dnn_conv_grad_w(c, x, gy, gw, true, gb, true, ws));
    for (int64_t k = 0; k < n_w(c); k += 7919) {
        const int64_t i = k % c->c, kx = k / c->c % c->kw, ky = k / (c->c * c->kw) % c->kh, o = k / (c->c * c->kw * c->kh);
        LAC_CHECK(fabs(gw[k] - 2 * sum_at(c, x, gy, o, ky, kx, i)) < 1e-3);
    }
    for (int64_t o = 0; o < c->o; o++) {
        double sum = 0;
        for (int64_t p = 0; p < n_y(c) / c->o; p++) {
            float v;
            lac_to_f32(&v, (const char *)gy + (p * c->o + o) * (int64_t)lac_dtype_size(c->dtype), c->dtype, 1);
            sum += v;
        }
        LAC_CHECK(fabs(gb[o] - 2 * sum) < 1e-3);
    }
    free(x), free(gy), free(ws), free(gw), free(gb);
}

LAC_TEST(weight_gradients_of_small_maps_are_those_in_double)
{
    static const struct { int64_t n, h, w, c, o, k, s, d, pad[4]; } shape[] = {
        { 1, 8, 8, 320, 384, 3, 1, 1, { 1, 1, 1, 1 } }, { 2, 5, 7, 330, 356, 3, 1, 1, { 1, 1, 1, 1 } }, { 1, 9, 8, 256, 512, 3, 2, 1, { 0, 1, 1, 0 } },
        { 3, 4, 4, 1024, 1040, 1, 1, 1, { 0, 0, 0, 0 } }, { 1, 9, 9, 384, 320, 3, 1, 2, { 2, 2, 2, 2 } }, { 2, 8, 8, 256, 170, 5, 2, 1, { 1, 2, 1, 2 } },
    };
    for (int d = LAC_F32; d <= (lac_cpu_has_avx512_bf16() ? LAC_BF16 : LAC_F32); d++)
        for (size_t i = 0; i < LAC_COUNT(shape); i++) {
            lac_conv c = { .n = shape[i].n, .h = shape[i].h, .w = shape[i].w, .c = shape[i].c, .o = shape[i].o, .kh = shape[i].k, .kw = shape[i].k,
                           .groups = 1, .stride = { shape[i].s, shape[i].s }, .dilation = { shape[i].d, shape[i].d }, .dtype = (lac_dtype)d };
            memcpy(c.pad, shape[i].pad, sizeof c.pad);
            check_small_map(&c);
        }
}

/* Cut by channels, or as a product on tiles, a map gives what it gives beside others, which are neither; adding and a residual too. */
static void check_parts(const lac_conv *c)
{
    lac_conv two = *c;
    two.n = 7;
    char algorithm[80];
    for (int pass = LAC_CONV_FORWARD; pass <= LAC_CONV_GRAD_X; pass++) {
        LAC_CHECK_STATUS(lac_dnn_conv_algorithm(c, (lac_conv_pass)pass, algorithm, sizeof algorithm));
        LAC_CHECK(strstr(algorithm, "4 slices") != NULL || strstr(algorithm, "on tiles") != NULL);
        LAC_CHECK_STATUS(lac_dnn_conv_algorithm(&two, (lac_conv_pass)pass, algorithm, sizeof algorithm));
        LAC_CHECK(strstr(algorithm, "4 slices") == NULL && strstr(algorithm, "on tiles") == NULL);
    }
    void *x = fresh(n_x(&two)), *gy = fresh(n_y(&two)), *w = fresh(n_w(c)), *y[2], *gx[2];
    float *bias = fresh(c->o), *wide = fresh(LAC_MAX(n_x(&two), n_y(&two)));
    fill(x, c->dtype, n_x(&two), 1), fill(gy, c->dtype, n_y(&two), 2), fill(w, c->dtype, n_w(c), 3), fill(bias, LAC_F32, c->o, 4);
    for (int k = 0; k < 2; k++) {
        const lac_conv *of = k ? &two : c;
        void *ws = workspace(of, LAC_CONV_FORWARD, c->dtype, false);
        y[k] = fresh(n_y(&two)), gx[k] = fresh(n_x(&two));
        LAC_CHECK_STATUS(lac_dnn_conv_forward(of, x, &(lac_dnn_weight){ .data = w }, bias, c->residual ? gy : NULL, y[k], ws));
        free(ws);
        fill(gx[k], c->dtype, n_x(&two), 5);
        ws = workspace(of, LAC_CONV_GRAD_X, c->dtype, false);
        LAC_CHECK_STATUS(lac_dnn_conv_grad_x(of, gy, &(lac_dnn_weight){ .data = w }, gx[k], c->dtype, c->residual, ws));
        free(ws);
    }
    const double tolerance = c->dtype == LAC_BF16 ? 4e-3 : 2e-6;
    lac_to_f32(wide, y[1], c->dtype, n_y(c));
    LAC_CHECK(gap(y[0], c->dtype, wide, n_y(c)) < tolerance);
    lac_to_f32(wide, gx[1], c->dtype, n_x(c));
    LAC_CHECK(gap(gx[0], c->dtype, wide, n_x(c)) < tolerance);
    free(x), free(gy), free(w), free(bias), free(y[0]), free(y[1]), free(gx[0]), free(gx[1]), free(wide);
}

LAC_TEST(one_small_map_cut_by_channels_agrees_with_whole_ones)
{
    for (int d = LAC_F32; d <= (lac_cpu_has_avx512_bf16() ? LAC_BF16 : LAC_F32); d++)
        for (int how = 0; how < 6; how++) {
            const int64_t s = how % 3 == 2 ? 2 : 1;
            const lac_conv c = { .n = 1, .h = s == 1 ? 6 : 16, .w = 7 * s, .c = 384, .o = how % 3 == 1 ? 2752 : s == 2 ? 704 : 320, .kh = how % 3 == 1 ? 1 : 3, .kw = how % 3 == 1 ? 1 : 3,
                                 .groups = 1, .stride = { s, s }, .dilation = { 1, 1 }, .pad = { how % 3 != 1, how % 3 != 1, how % 3 != 1, how % 3 != 1 },
                                 .dtype = (lac_dtype)d, .residual = how >= 3, .act = lac_act_of(how >= 3 ? LAC_ACT_ELU : LAC_ACT_NONE) };
            if (s == 1 || d == LAC_BF16)        /* f32: gx of 16 rows is cut by rows */
                check_parts(&c);
        }
}

static void drop(results *r) { free(r->y), free(r->gx), free(r->gw), free(r->gb); }

static void same_bits(const lac_conv *c)
{
    const int before = lac_threads();
    results one = run(c, 1), two = run(c, 2), three = run(c, 3);
    lac_threads_set(before);
    const size_t e = lac_dtype_size(c->dtype);
    for (results *r = &two; r; r = r == &two ? &three : NULL) {
        LAC_CHECK(memcmp(one.y, r->y, (size_t)n_y(c) * e) == 0);
        LAC_CHECK(memcmp(one.gx, r->gx, (size_t)n_x(c) * e) == 0);
        LAC_CHECK(memcmp(one.gw, r->gw, (size_t)n_w(c) * sizeof(float)) == 0);
        LAC_CHECK(memcmp(one.gb, r->gb, (size_t)c->o * sizeof(float)) == 0);
    }
    drop(&one), drop(&two), drop(&three);
}

/* Every kind of layer of DeepFill v2 and its discriminator, on smaller maps. */
static void all_same_bits(lac_dtype d)
{
    static const struct { int64_t n, size, c, o, k, s, d; } shape[] = {
        { 2, 64, 5, 48, 5, 1, 1 }, { 4, 64, 3, 48, 5, 1, 1 }, { 1, 64, 24, 96, 3, 2, 1 }, { 2, 32, 48, 96, 3, 1, 1 }, { 1, 32, 96, 192, 3, 1, 1 },
        { 4, 16, 96, 192, 3, 1, 2 }, { 1, 64, 96, 192, 3, 1, 16 }, { 3, 33, 24, 24, 3, 1, 1 }, { 2, 64, 12, 3, 3, 1, 1 }, { 8, 32, 4, 64, 5, 2, 1 },
        { 8, 8, 64, 128, 5, 2, 1 }, { 2, 16, 64, 48, 1, 1, 1 }, { 1, 8, 320, 384, 3, 1, 1 }, { 1, 16, 320, 384, 3, 2, 1 }, { 1, 8, 1024, 1088, 1, 1, 1 },
        { 2, 20, 256, 272, 3, 1, 1 }, { 2, 20, 48, 64, 5, 1, 1 },
    };
    for (size_t i = 0; i < LAC_COUNT(shape); i++) {
        const int64_t size = shape[i].size, k = shape[i].k, s = shape[i].s;
        const int64_t out = (size + s - 1) / s, total = LAC_MAX((out - 1) * s + (k - 1) * shape[i].d + 1 - size, 0);
        lac_conv c = { .n = shape[i].n, .h = size, .w = size, .c = shape[i].c, .o = shape[i].o, .kh = k, .kw = k, .groups = 1, .stride = { s, s },
                       .dilation = { shape[i].d, shape[i].d }, .pad = { total / 2, total - total / 2, total / 2, total - total / 2 }, .dtype = d };
        same_bits(&c);
        if (d == LAC_F32 && k == 3 && s == 1) {
            c.direct = true;
            same_bits(&c);
        }
        if (shape[i].n == 2) {
            c.residual = true;
            c.act = lac_act_of(k == 3 ? LAC_ACT_LEAKY : LAC_ACT_ELU);
            same_bits(&c);
        }
    }
    same_bits(&(lac_conv){ .n = 3, .h = 17, .w = 12, .c = 48, .o = 56, .kh = 1, .kw = 7, .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 }, .pad = { 0, 0, 3, 3 }, .dtype = d });
}

LAC_TEST(conv_gives_the_same_bits_at_any_number_of_threads_in_f32) { all_same_bits(LAC_F32); }

LAC_TEST(conv_gives_the_same_bits_at_any_number_of_threads_in_bf16)
{
    if (!lac_cpu_has_avx512_bf16())
        skip();
    all_same_bits(LAC_BF16);
}

/* What is no number stays none, whoever activates: the library (whose own relu makes 0 of it), Winograd or we. */
LAC_TEST(conv_keeps_nan_through_every_activation)
{
    for (int how = 0; how < (lac_cpu_has_avx512_bf16() ? 12 : 8); how++)
        for (lac_act act = LAC_ACT_NONE; act <= LAC_ACT_LEAKY; act++) {
            const lac_conv c = { .n = 1, .h = 12, .w = 12, .c = 16, .o = 32, .kh = 3, .kw = 3, .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 },
                                 .pad = { 1, 1, 1, 1 }, .dtype = how >= 8 ? LAC_BF16 : LAC_F32, .direct = how >= 4, .residual = how % 2, .act = lac_act_of(act) };
            float *x = fresh(n_x(&c)), *w = fresh(n_w(&c)), *y = fresh(n_y(&c)), *residual = fresh(n_y(&c)), nan = NAN, found[2];
            fill(x, c.dtype, n_x(&c), 1), fill(w, c.dtype, n_w(&c), 2), fill(residual, c.dtype, n_y(&c), 3);
            lac_from_f32(how % 4 < 2 ? (void *)x : (void *)w, c.dtype, &nan, 1);        /* the first pixel of x, or a weight of the first filter */
            void *ws = workspace(&c, LAC_CONV_FORWARD, c.dtype, false);
            LAC_CHECK_STATUS(lac_dnn_conv_forward(&c, x, &(lac_dnn_weight){ .data = w }, NULL, c.residual ? residual : NULL, y, ws));
            lac_to_f32(found, (char *)y + 13 * 32 * lac_dtype_size(c.dtype), c.dtype, 2);       /* pixel (1, 1) reads both */
            LAC_CHECK(isnan(found[0]));
            free(x), free(w), free(y), free(residual), free(ws);
        }
}

/* The packed copy follows the version, and forgetting drops it: the result follows the weight each time. */
LAC_TEST(packed_weights_follow_the_version)
{
    lac_conv c = { .n = 1, .h = 8, .w = 8, .c = 16, .o = 16, .kh = 3, .kw = 3, .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 },
                   .pad = { 1, 1, 1, 1 } };
    float *x = fresh(n_x(&c)), *w = fresh(n_w(&c)), *y = fresh(n_y(&c)), *again = fresh(n_y(&c));
    fill(x, LAC_F32, n_x(&c), 1), fill(w, LAC_F32, n_w(&c), 2);
    void *ws = workspace(&c, LAC_CONV_FORWARD, LAC_F32, false);
    const lac_dnn_weight first = { w, 1u << 30, 1 }, second = { w, 1u << 30, 2 };
    LAC_CHECK_STATUS(lac_dnn_conv_forward(&c, x, &first, NULL, NULL, y, ws));
    for (int64_t i = 0; i < n_w(&c); i++)
        w[i] *= 2;
    LAC_CHECK_STATUS(lac_dnn_conv_forward(&c, x, &first, NULL, NULL, again, ws));
    LAC_CHECK(memcmp(y, again, (size_t)n_y(&c) * sizeof *y) == 0);         /* same version: the copy */
    LAC_CHECK_STATUS(lac_dnn_conv_forward(&c, x, &second, NULL, NULL, again, ws));
    LAC_CHECK(fabsf(again[100] - 2 * y[100]) < 1e-5f);
    lac_dnn_forget(first.uid);
    LAC_CHECK_STATUS(lac_dnn_conv_forward(&c, x, &first, NULL, NULL, y, ws));
    LAC_CHECK(memcmp(y, again, (size_t)n_y(&c) * sizeof *y) == 0);
    free(x), free(w), free(y), free(again), free(ws);
}

static double product_gap(const lac_product *p, const float *a, const float *b, const float *bias, const void *c)
{
    double error = 0, norm = 0;
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            double sum = bias ? bias[j] : 0;
            for (int64_t k = 0; k < p->k; k++)
                sum += (double)a[i * p->a_row + k * p->a_col] * b[k * p->b_row + j * p->b_col];
            float got;
            lac_to_f32(&got, (const char *)c + (i * p->c_row + j) * (int64_t)lac_dtype_size(p->c_dtype), p->c_dtype, 1);
            error += (got - sum) * (got - sum);
            norm += sum * sum;
        }
    return sqrt(error / norm);
}

static void check_product(lac_product p, double tolerance)
{
    const int64_t na = p.m * p.k, nb = p.k * p.n, nc = p.m * p.n;
    float *a = fresh(na), *b = fresh(nb), *bias = fresh(p.n);
    fill(a, LAC_F32, na, 1), fill(b, LAC_F32, nb, 2), fill(bias, LAC_F32, p.n, 3);
    void *da = as(a, p.dtype, na), *db = as(b, p.dtype, nb), *c = fresh(nc), *other = fresh(nc), *ws;
    lac_to_f32(a, da, p.dtype, na), lac_to_f32(b, db, p.dtype, nb);
    size_t size;
    LAC_CHECK_STATUS(lac_dnn_matmul_workspace(&p, false, &size));
    LAC_CHECK_STATUS(lac_aligned_alloc(&ws, size * 4));
    LAC_CHECK_STATUS(lac_dnn_matmul(&p, da, &(lac_dnn_weight){ .data = db }, p.bias ? bias : NULL, c, ws));
    LAC_CHECK(product_gap(&p, a, b, p.bias ? bias : NULL, c) < tolerance);
    const int before = lac_threads();
    lac_threads_set(before == 1 ? 2 : 1);
    LAC_CHECK_STATUS(lac_dnn_matmul(&p, da, &(lac_dnn_weight){ .data = db }, p.bias ? bias : NULL, other, ws));
    lac_threads_set(before);
    LAC_CHECK(memcmp(c, other, (size_t)nc * lac_dtype_size(p.c_dtype)) == 0);
    const lac_dnn_product *h;
    p.batch = 1;
    LAC_CHECK_STATUS(lac_dnn_product_get(&p, &h));
    void *scratch = fresh((int64_t)lac_dnn_product_scratch(h) + 64);
    LAC_CHECK_STATUS(lac_dnn_product_run(h, da, db, bias, other, scratch));
    LAC_CHECK(product_gap(&p, a, b, p.bias ? bias : NULL, other) < tolerance);
    lac_dnn_product_put(h);
    free(a), free(b), free(bias), free(da), free(db), free(c), free(other), free(ws), free(scratch);
}

/* Packed copies go by the weight's name: a square one, its transpose and parts of equal shape are different things. */
static void check_kept(int64_t first, bool transposed)
{
    enum { M = 20, N = 16 };
    float *a = fresh(M * N), *w = fresh(N * 3 * N), *c[2] = { fresh(M * N), fresh(M * N) };
    const lac_product p = { .batch = 1, .m = M, .n = N, .k = N, .a_row = N, .a_col = 1, .b_row = transposed ? 1 : 3 * N, .b_col = transposed ? 3 * N : 1, .c_row = N };
    void *ws;
    size_t size;
    fill(a, LAC_F32, M * N, 1), fill(w, LAC_F32, N * 3 * N, 2);
    LAC_CHECK_STATUS(lac_dnn_matmul_workspace(&p, false, &size));
    LAC_CHECK_STATUS(lac_aligned_alloc(&ws, size));
    for (int kept = 0; kept < 2; kept++)
        LAC_CHECK_STATUS(lac_dnn_matmul(&p, a, &(lac_dnn_weight){ w + first, kept ? UINT64_MAX : 0, 1, first }, NULL, c[kept], ws));
    LAC_CHECK(memcmp(c[0], c[1], M * N * sizeof(float)) == 0);
    free(a), free(w), free(c[0]), free(c[1]), free(ws);
}

LAC_TEST(products_keep_each_view_of_a_weight_apart)
{
    for (int i = 0; i < 6; i++)
        check_kept(i / 2 * 16, i % 2);
    lac_dnn_forget(UINT64_MAX);
}

static void check_products(lac_dtype d, lac_dtype dc, double tolerance)
{
    static const int64_t size[][3] = { { 1, 1, 300 }, { 77, 48, 96 }, { 200, 33, 17 }, { 16, 640, 64 }, { 3, 768, 700 }, { 70, 768, 700 }, { 70, 640, 820 },    /* two are cut by columns */
                                       { 40, 70, 2100 },                                       /* along k */
                                       { 78, 24, 63 }, { 144, 17, 63 }, { 17, 80, 63 } };      /* of rows that oneDNN's AMX kernels die of */
    for (size_t i = 0; i < LAC_COUNT(size); i++) {
        const int64_t m = size[i][0], n = size[i][1], k = size[i][2];
        lac_product p = { .batch = 1, .m = m, .n = n, .k = k, .a_row = k, .a_col = 1, .b_row = 1, .b_col = k, .c_row = n, .dtype = d, .c_dtype = dc, .bias = true };
        check_product(p, tolerance);                                                        /* A B^T + bias */
        p.bias = false, p.b_row = n, p.b_col = 1;
        check_product(p, tolerance);                                                        /* A B */
        p.a_row = 1, p.a_col = m;
        check_product(p, tolerance);                                                        /* A^T B */
    }
}

LAC_TEST(products_agree_with_plain_sums_in_f32) { check_products(LAC_F32, LAC_F32, 1e-6); }

LAC_TEST(products_agree_with_plain_sums_in_bf16)
{
    if (!lac_cpu_has_avx512_bf16())
        skip();
    check_products(LAC_BF16, LAC_BF16, 4e-3);       /* the result is rounded to 8 bits */
    check_products(LAC_BF16, LAC_F32, 1e-6);
}
