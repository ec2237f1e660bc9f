#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "autograd/ops/backend_cpu.h"
#include "core/threads.h"
#include "tests/harness/op.h"

#include <math.h>

static const lac_contextual_attention_attr usual = { .ksize = 3, .rate = 2, .softmax_scale = 10, .fuse = true };

/* A scale of 10 on scores of this size would make every softmax a maximum, and hide its gradient. */
static void check(lac_contextual_attention_attr a, lac_op_input f, lac_op_input b, lac_op_input mask)
{
    a.softmax_scale = 0.3f;
    const lac_op_case k = { .op = LAC_OP_contextual_attention, .attr = &a, .ref = contextual_attention_ref, .in = { f, b, mask } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 2e-6);
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-5);         /* products of L terms, four in a row */
    LAC_CHECK(lac_op_value_gap(&k, LAC_BF16) < 4e-3);           /* y in bf16 */
    LAC_CHECK(lac_op_gradient_gap(&k, LAC_BF16) < 8e-3);        /* gradients in bf16, and gy of the bf16 y */
}

LAC_TEST(contextual_attention_matches_its_equations_and_differences)
{
    const lac_op_input none = { 0 }, f = LAC_RANDOM(2, 6, 8, 2), b = LAC_RANDOM(2, 6, 8, 2), mask = LAC_SPARSE_MASK(2, 6, 8, 1);
    lac_contextual_attention_attr a = usual;
    check(a, f, none, mask);
    a.torch = a.exact_overlap = a.exclude_masked = a.mask_max = true;
    check(a, f, b, (lac_op_input)LAC_SPARSE_MASK(1, 6, 8, 1));
    a = (lac_contextual_attention_attr){ .ksize = 1, .rate = 3, .fuse = true, .exact_overlap = true };
    check(a, (lac_op_input)LAC_RANDOM(1, 9, 3, 3), none, (lac_op_input)LAC_SPARSE_MASK(1, 9, 3, 1));
    a = (lac_contextual_attention_attr){ .ksize = 5, .rate = 1 };
    check(a, (lac_op_input)LAC_RANDOM(1, 6, 7, 1), (lac_op_input)LAC_RANDOM(1, 6, 7, 1), (lac_op_input)LAC_SPARSE_MASK(1, 6, 7, 1));
}

LAC_TEST(contextual_attention_streams_to_the_same_result)       /* strips of one grid row up to all; wraps at both ends */
{
    for (int rows = 1; rows <= 6; rows++)
        for (int fuse = 0; fuse < 2; fuse++) {
            lac_contextual_attention_attr a = usual;
            a.strip_rows = rows;
            a.fuse = fuse;
            a.softmax_scale = 0.3f;
            const lac_op_case k = { .op = LAC_OP_contextual_attention, .attr = &a, .ref = contextual_attention_ref,
                                    .in = { LAC_RANDOM(1, 10, 8, 1), { 0 }, LAC_SPARSE_MASK(1, 10, 8, 1) } };
            LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 2e-6);
        }
}

/* Data that any program can make exactly: a number of [-1, 1) from an index and a salt. */
static float known(uint32_t i, uint32_t salt)
{
    uint32_t x = i + 0x9E3779B9u * (salt + 1);
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return (float)(x >> 8) / 8388608.0f - 1.0f;
}

typedef struct known_run {
    lac_contextual_attention_attr a;
    lac_tensor *f, *mask, *g, *y, *gf;
    lac_dtype dtype;
} known_run;

static lac_status known_region(lac_tape *t, void *context)
{
    known_run *r = context;
    lac_tensor *f = lac_tape_input(t, r->f, r->dtype), *gf;
    lac_tape_watch(t, f);
    lac_tensor *y = lac_contextual_attention(t, f, NULL, lac_tape_input(t, r->mask, LAC_F32), &r->a);
    const lac_root root = { .y = y, .gy = lac_tape_input(t, r->g, r->dtype) };
    LAC_TRY(lac_grad(t, &root, 1, &f, 1, &gf));
    LAC_TRY(lac_keep(t, gf, &r->gf));
    return lac_keep(t, y, &r->y);
}

static lac_tensor *map_of(int64_t channels)
{
    lac_tensor *x;
    LAC_CHECK_STATUS(lac_tensor_new(&x, LAC_F32, 4, (int64_t[]){ 1, 8, 8, channels }));
    return x;
}

static void run_known(known_run *r)
{
    const lac_backend *b;
    lac_tape *t;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    LAC_CHECK_STATUS(lac_tape_run(t, "known answer", known_region, r));
    lac_tape_free(t);
}

static known_run known_answer(bool fuse, bool all_masked, lac_dtype dtype)
{
    known_run r = { .a = usual, .dtype = dtype, .f = map_of(4), .mask = map_of(1), .g = map_of(4) };
    r.a.fuse = fuse;
    for (uint32_t i = 0; i < 256; i++) {
        ((float *)r.f->data)[i] = fmaxf(known(i, 7000), 0);
        ((float *)r.g->data)[i] = known(i, 7001);
        if (i < 64)
            ((float *)r.mask->data)[i] = all_masked || (i / 8 >= 2 && i / 8 <= 4 && i % 8 >= 3 && i % 8 <= 6);
    }
    run_known(&r);
    return r;
}

static void free_known(known_run *r)
{
    lac_tensor_free(r->f);
    lac_tensor_free(r->mask);
    lac_tensor_free(r->g);
    lac_tensor_free(r->y);
    lac_tensor_free(r->gf);
}

/* Six decimals are published; scores of some tens in f32 leave 1e-6 of a gradient open. */
static void check_pixel(const lac_tensor *x, int row, int col, const double *want)
{
    for (int k = 0; k < 4; k++)
        LAC_CHECK(fabs(((const float *)x->data)[(row * 8 + col) * 4 + k] - want[k]) < 4e-6);
}

static void check_sums(const known_run *r, double sum, double product)
{
    double s = 0, p = 0;
    for (int i = 0; i < 256; i++) {
        s += ((const float *)r->y->data)[i];
        p += (double)((const float *)r->y->data)[i] * ((const float *)r->g->data)[i];
    }
    LAC_CHECK(fabs(s - sum) < 1e-5 && fabs(p - product) < 1e-5);
}

LAC_TEST(contextual_attention_gives_the_known_answers)
{
    known_run r = known_answer(true, false, LAC_F32);
    check_sums(&r, 45.527672, -1.619876);
    check_pixel(r.y, 0, 0, (double[]){ 0.126750, 0, 0, 0.108966 });
    check_pixel(r.y, 3, 4, (double[]){ 0.046647, 0.514291, 0.136455, 0.223428 });
    check_pixel(r.gf, 6, 1, (double[]){ 0.126762, -0.169360, 0.178000, -0.084307 });
    check_pixel(r.gf, 0, 0, (double[]){ 0.382718, -0.021284, -0.091504, 0.363002 });
    free_known(&r);
    r = known_answer(false, false, LAC_F32);
    check_sums(&r, 46.343830, -1.332541);
    check_pixel(r.y, 3, 4, (double[]){ 0.040860, 0.319714, 0.074415, 0.188184 });
    check_pixel(r.gf, 6, 1, (double[]){ 0.210374, -0.247863, 0.143820, -0.055244 });
    free_known(&r);
    r = known_answer(true, true, LAC_F32);
    check_sums(&r, 0, 0);
    free_known(&r);
}

/* 1024 cells, so that the products fall into several blocks. */
static known_run large_run(int threads, lac_dtype dtype)
{
    known_run r = { .a = usual, .dtype = dtype };
    lac_threads_set(threads);
    LAC_CHECK_STATUS(lac_tensor_new(&r.f, LAC_F32, 4, (int64_t[]){ 2, 64, 64, 3 }));
    LAC_CHECK_STATUS(lac_tensor_new(&r.g, LAC_F32, 4, (int64_t[]){ 2, 64, 64, 3 }));
    LAC_CHECK_STATUS(lac_tensor_new(&r.mask, LAC_F32, 4, (int64_t[]){ 1, 64, 64, 1 }));
    r.a.softmax_scale = 0.3f;
    for (uint32_t i = 0; i < 2 * 64 * 64 * 3; i++) {
        ((float *)r.f->data)[i] = known(i, 1);
        ((float *)r.g->data)[i] = known(i, 2);
    }
    for (uint32_t i = 0; i < 64 * 64; i++)
        ((float *)r.mask->data)[i] = i / 64 >= 20 && i / 64 < 40 && i % 64 >= 10 && i % 64 < 30;
    run_known(&r);
    return r;
}

LAC_TEST(contextual_attention_gives_the_same_bits_on_one_thread_and_two)
{
    const int before = lac_threads();
    for (int k = 0; k < 2; k++) {
        known_run one = large_run(1, k ? LAC_BF16 : LAC_F32), two = large_run(2, k ? LAC_BF16 : LAC_F32);
        LAC_CHECK(memcmp(one.y->data, two.y->data, lac_bytes(one.y)) == 0);
        LAC_CHECK(memcmp(one.gf->data, two.gf->data, lac_bytes(one.gf)) == 0);
        free_known(&one);
        free_known(&two);
    }
    lac_threads_set(before);
}

LAC_TEST(contextual_attention_of_a_large_picture_stays_below_one_gigabyte)      /* 1920 x 1080: features of 270 x 480; planned only */
{
    const lac_backend *b;
    lac_tape *t;
    lac_plan_stats stats;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    LAC_CHECK_STATUS(lac_tape_begin(t, "large", true));
    lac_tensor *f = lac_tape_tensor(t, LAC_F32, 4, (int64_t[]){ 1, 270, 480, 96 });
    lac_contextual_attention(t, f, NULL, lac_tape_tensor(t, LAC_F32, 4, (int64_t[]){ 1, 270, 480, 1 }), &usual);
    LAC_CHECK_STATUS(lac_tape_end(t));
    LAC_CHECK_STATUS(lac_tape_plan_stats(t, "large", &stats));
    LAC_CHECK(stats.peak_bytes < (int64_t)1 << 30);
    lac_tape_free(t);
}

LAC_TEST(contextual_attention_names_what_does_not_fit)
{
    lac_contextual_attention_attr a = usual;
    lac_op_case k = { .op = LAC_OP_contextual_attention, .attr = &a, .in = { LAC_RANDOM(1, 6, 7, 2), { 0 }, LAC_MASK(1, 6, 7, 1) } };
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "rate 2");
    a.rate = 1;
    a.ksize = 2;
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_ARG, "ksize");
    a.ksize = 3;
    k.in[2].shape.dim[2] = 6;
    LAC_CHECK_FAILS(lac_op_status(&k), LAC_ERR_SHAPE, "mask [1,6,6,1]");
}

/* No sample, one cell, two groups of wide rows, a whole batch at once; and strips, with and without fusing. */
LAC_TEST(contextual_attention_of_any_size)
{
    lac_contextual_attention_attr a = { .ksize = 3, .rate = 2, .softmax_scale = 0.3f, .fuse = true };
    lac_op_case k = { .op = LAC_OP_contextual_attention, .attr = &a, .library = true };
    const lac_op_input none = { 0 }, x = LAC_RANDOM(3, 10, 14, 8), strips = LAC_RANDOM(2, 8, 10, 8);
    const lac_op_case of[] = {
        { .in = { LAC_RANDOM(0, 4, 6, 2), none, LAC_MASK(1, 4, 6, 1) } }, { .in = { LAC_RANDOM(1, 2, 2, 1), none, LAC_MASK(1, 2, 2, 1) } },
        { .in = { x, x, LAC_SPARSE_MASK(3, 10, 14, 1) } },
    };
    for (size_t i = 0; i < LAC_COUNT(of); i++) {
        memcpy(k.in, of[i].in, sizeof k.in);
        lac_op_check(&k);
    }
    memcpy(k.in, (lac_op_input[LAC_MAX_IN]){ strips, none, LAC_SPARSE_MASK(1, 8, 10, 1) }, sizeof k.in);
    for (a.strip_rows = 1; a.strip_rows <= 4; a.strip_rows++) {
        a.fuse = a.strip_rows % 2;
        lac_op_check(&k);
    }
}
