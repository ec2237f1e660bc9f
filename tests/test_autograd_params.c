/* Parameters: initial values, layouts at the border, loading by name. */
#include "autograd/ops/backend_cpu.h"
#include "autograd/params.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static lac_params *new_params(lac_dtype d)
{
    lac_params *ps;
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_params_new(&ps, "net", b, d));
    return ps;
}

static lac_param *add(lac_params *ps, lac_role role, lac_init init, const char *name, int ndim, const int64_t *dim)
{
    lac_param *p;
    LAC_CHECK_STATUS(lac_param_new(ps, &p, role, ndim, dim, init, 0, "%s", name));
    return p;
}

static float *values(const lac_param *p)
{
    float *x;
    LAC_CHECK_STATUS(lac_malloc((void **)&x, (size_t)lac_numel(p->value) * sizeof *x));
    LAC_CHECK_STATUS(lac_param_get(p, x));
    return x;
}

typedef struct moments { double mean, variance, largest; } moments;

static moments measure(const lac_param *p)
{
    float *x = values(p);
    const int64_t n = lac_numel(p->value);
    moments m = { 0, 0, 0 };
    for (int64_t i = 0; i < n; i++) {
        m.mean += x[i] / (double)n;
        m.variance += (double)x[i] * x[i] / (double)n;
        m.largest = fmax(m.largest, fabs(x[i]));
    }
    free(x);
    return m;
}

/* Bounds of four standard errors: fixed seeds, so they hold for good or never. */
LAC_TEST(initial_values_have_the_published_moments)
{
    lac_params *ps = new_params(LAC_F32);
    lac_param *w = add(ps, LAC_ROLE_CONV, LAC_INIT_XAVIER, "w", 4, (int64_t[]){ 96, 3, 3, 48 });
    lac_param *l = add(ps, LAC_ROLE_LINEAR, LAC_INIT_XAVIER, "l", 2, (int64_t[]){ 200, 100 });
    lac_param *u = add(ps, LAC_ROLE_BUFFER, LAC_INIT_TRUNCATED, "u", 1, (int64_t[]){ 40000 });
    lac_param *zero = add(ps, LAC_ROLE_BIAS, LAC_INIT_ZERO, "b", 1, (int64_t[]){ 7 });
    lac_param *one = add(ps, LAC_ROLE_NORM, LAC_INIT_ONE, "g", 1, (int64_t[]){ 7 });
    LAC_CHECK_STATUS(lac_params_init(ps, 3));
    const double bound = sqrt(6.0 / (9 * (96 + 48))), dense = sqrt(6.0 / 300);
    moments m = measure(w);
    LAC_CHECK(m.largest <= bound && m.largest > 0.999 * bound && fabs(m.mean) < 4 * bound / sqrt(3 * 41472.0));
    LAC_CHECK(fabs(m.variance / (bound * bound / 3) - 1) < 4 * sqrt(0.8 / 41472));
    m = measure(l);
    LAC_CHECK(m.largest <= dense && m.largest > 0.999 * dense && fabs(m.variance / (dense * dense / 3) - 1) < 4 * sqrt(0.8 / 20000));
    m = measure(u);             /* truncated at 2: variance 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.774 */
    LAC_CHECK(m.largest < 2 && m.largest > 1.99 && fabs(m.mean) < 4 * 0.88 / 200 && fabs(m.variance - 0.7737) < 0.02);
    LAC_CHECK(measure(zero).largest == 0 && measure(one).mean > 0.999999 && measure(one).largest == 1);
    LAC_CHECK(lac_params_numel(ps) == 41472 + 20000 + 14);
    lac_params_free(ps);
}

LAC_TEST(initial_values_follow_names_not_order)
{
    static const char *const name[] = { "a.weight", "b.weight", "c.weight" };
    float *first[3];
    lac_params *ps = new_params(LAC_F32), *back = new_params(LAC_F32);
    for (int i = 0; i < 3; i++) {
        add(ps, LAC_ROLE_LINEAR, LAC_INIT_XAVIER, name[i], 2, (int64_t[]){ 5, 4 });
        add(back, LAC_ROLE_LINEAR, LAC_INIT_XAVIER, name[2 - i], 2, (int64_t[]){ 5, 4 });
    }
    LAC_CHECK_STATUS(lac_params_init(ps, 3));
    LAC_CHECK_STATUS(lac_params_init(back, 3));
    for (int i = 0; i < 3; i++) {
        first[i] = values(lac_params_find(ps, name[i]));
        float *x = values(lac_params_find(back, name[i]));
        LAC_CHECK(memcmp(first[i], x, 20 * sizeof *x) == 0);
        free(x);
    }
    LAC_CHECK(memcmp(first[0], first[1], 20 * sizeof **first) != 0);
    LAC_CHECK_STATUS(lac_params_init(back, 4));
    float *other = values(lac_params_find(back, "a.weight"));
    LAC_CHECK(memcmp(first[0], other, 20 * sizeof *other) != 0);
    free(other);
    for (int i = 0; i < 3; i++)
        free(first[i]);
    lac_params_free(ps);
    lac_params_free(back);
}

/* Two networks with parameters of the same name and shape, as VAEs and UNets have them, begin differently. */
LAC_TEST(networks_draw_initial_values_of_their_own)
{
    const lac_backend *b;
    float *x[2];
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    for (int i = 0; i < 2; i++) {
        lac_params *ps;
        LAC_CHECK_STATUS(lac_params_new(&ps, i == 0 ? "encoder" : "decoder", b, LAC_F32));
        const lac_param *w = add(ps, LAC_ROLE_CONV, LAC_INIT_XAVIER, "conv.weight", 4, (int64_t[]){ 4, 3, 3, 4 });
        LAC_CHECK_STATUS(lac_params_init(ps, 1));
        x[i] = values(w);
        lac_params_free(ps);
    }
    LAC_CHECK(memcmp(x[0], x[1], 144 * sizeof x[0][0]) != 0);
    free(x[0]), free(x[1]);
}

LAC_TEST(bf16_networks_keep_biases_and_norms_in_f32)
{
    lac_params *ps = new_params(LAC_BF16);
    lac_param *w = add(ps, LAC_ROLE_LINEAR, LAC_INIT_XAVIER, "w", 2, (int64_t[]){ 2, 2 }), *b = add(ps, LAC_ROLE_BIAS, LAC_INIT_ZERO, "b", 1, (int64_t[]){ 1 });
    const float third = 1.0f / 3;
    float got[4];
    LAC_CHECK_STATUS(lac_params_init(ps, 1));
    LAC_CHECK(w->value->dtype == LAC_BF16 && b->value->dtype == LAC_F32);
    const uint64_t version = w->value->version;
    LAC_CHECK_STATUS(lac_param_set(w, (float[]){ third, 1, -2, third }));
    LAC_CHECK_STATUS(lac_param_set(b, &third));
    LAC_CHECK_STATUS(lac_param_get(w, got));
    LAC_CHECK(w->value->version > version && got[0] == 0.333984375f && got[1] == 1 && got[2] == -2);       /* 8 bits of 1/3 */
    LAC_CHECK_STATUS(lac_param_get(b, got));
    LAC_CHECK(got[0] == third);
    lac_params_free(ps);
}

LAC_TEST(parameters_are_refused_twice_and_in_odd_dtypes)
{
    lac_params *ps = new_params(LAC_F32), *odd;
    lac_param *p;
    add(ps, LAC_ROLE_BIAS, LAC_INIT_ZERO, "conv1.bias", 1, (int64_t[]){ 3 });
    LAC_CHECK_FAILS(lac_param_new(ps, &p, LAC_ROLE_BIAS, 1, (int64_t[]){ 3 }, LAC_INIT_ZERO, 0, "conv%d.bias", 1), LAC_ERR_KEY, "two parameters 'conv1.bias'");
    LAC_CHECK_FAILS(lac_params_new(&odd, "net", ps->backend, LAC_F16), LAC_ERR_DTYPE, "'net' cannot work in f16");
    LAC_CHECK(lac_params_find(ps, "conv2.bias") == NULL);
    lac_params_free(ps);
}

/* Element [o, y, x, i] of ours is o y x i in digits. */
static void check_layout(lac_role role, const int64_t border_dim[4], const float border_start[4])
{
    const lac_shape ours = { 4, { 2, 3, 4, 5 } };
    float x[120], out[120], back[120];
    for (int i = 0; i < 120; i++)
        x[i] = (float)(i / 60 * 1000 + i / 20 % 3 * 100 + i / 5 % 4 * 10 + i % 5);
    const lac_shape b = lac_border_shape(role, &ours), inner = lac_inner_shape(role, &b);
    LAC_CHECK(memcmp(b.dim, border_dim, 4 * sizeof *border_dim) == 0 && memcmp(inner.dim, ours.dim, 4 * sizeof *ours.dim) == 0);
    lac_to_border(out, x, role, &ours);
    lac_from_border(back, out, role, &ours);
    LAC_CHECK(memcmp(x, back, sizeof x) == 0);
    const int64_t last = b.dim[3], plane = b.dim[2] * last;
    const float start[4] = { out[1], out[last], out[plane], out[b.dim[1] * plane] };       /* one step along each border axis, last first */
    LAC_CHECK(memcmp(start, border_start, sizeof start) == 0);
}

LAC_TEST(border_layouts_are_those_of_published_checkpoints)
{
    check_layout(LAC_ROLE_CONV, (int64_t[]){ 2, 5, 3, 4 }, (float[]){ 10, 100, 1, 1000 });              /* OIHW */
    check_layout(LAC_ROLE_CONV_TRANSPOSED, (int64_t[]){ 5, 2, 3, 4 }, (float[]){ 10, 100, 1000, 1 });   /* IOHW */
    check_layout(LAC_ROLE_OTHER, (int64_t[]){ 2, 3, 4, 5 }, (float[]){ 1, 10, 100, 1000 });
}

typedef struct entry { const char *name; int ndim; int64_t dim[4]; lac_dtype d; } entry;

static lac_weights *write_weights(const char *file, const entry *e, int n, const void *data)
{
    lac_weights_writer *w;
    lac_weights *r;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", lac_test_folder(), file);
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    for (int i = 0; i < n; i++)
        LAC_CHECK_STATUS(lac_weights_writer_add(w, e[i].name, e[i].d, e[i].ndim, e[i].dim, data));
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, path));
    lac_weights_writer_free(w);
    LAC_CHECK_STATUS(lac_weights_open(&r, path));
    return r;
}

LAC_TEST(what_does_not_fit_is_listed_and_nothing_is_written)
{
    const float x[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    const entry wrong[] = { { "g.a", 1, { 2 }, LAC_F32 }, { "g.b", 2, { 3, 2 }, LAC_F32 }, { "g.x", 1, { 2 }, LAC_F32 }, { "other", 1, { 1 }, LAC_F32 } };
    lac_params *ps = new_params(LAC_F32);
    lac_param *a = add(ps, LAC_ROLE_BIAS, LAC_INIT_ZERO, "a", 1, (int64_t[]){ 2 });
    add(ps, LAC_ROLE_LINEAR, LAC_INIT_ZERO, "b", 2, (int64_t[]){ 2, 3 });
    add(ps, LAC_ROLE_BIAS, LAC_INIT_ZERO, "c", 1, (int64_t[]){ 2 });
    LAC_CHECK_STATUS(lac_params_init(ps, 1));
    lac_weights *w = write_weights("wrong.safetensors", wrong, 4, x);
    int64_t n = -1;
    LAC_CHECK_FAILS(lac_params_load(ps, w, "g.", true, &n), LAC_ERR_KEY,
                    "3 keys do not fit: 'g.b' is [3,2] in the file, [2,3] in the model; 'g.c' is missing; 'g.x' is not in the model");
    LAC_CHECK(n == -1 && ((float *)a->value->data)[0] == 0);
    LAC_CHECK_STATUS(lac_params_load(ps, w, "g.", false, &n));
    LAC_CHECK(n == 1 && ((float *)a->value->data)[1] == 2);
    lac_weights_close(w);
    lac_params_free(ps);
}

LAC_TEST(the_first_twenty_misfits_are_listed)
{
    char name[16];
    const float x = 0;
    const entry other = { "zz", 0, { 0 }, LAC_F32 };
    lac_params *ps = new_params(LAC_F32);
    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof name, "p%02d", 24 - i);
        add(ps, LAC_ROLE_BIAS, LAC_INIT_ZERO, name, 1, (int64_t[]){ 1 });
    }
    LAC_CHECK_STATUS(lac_params_init(ps, 1));
    lac_weights *w = write_weights("other.safetensors", &other, 1, &x);
    LAC_CHECK_FAILS(lac_params_load(ps, w, "", true, NULL), LAC_ERR_KEY, "26 keys do not fit: 'p00' is missing; 'p01'");
    LAC_CHECK(strstr(lac_error_message(), "'p19' is missing; ...") != NULL && strstr(lac_error_message(), "p20") == NULL);
    lac_weights_close(w);
    lac_params_free(ps);
}

LAC_TEST(weights_with_nan_change_nothing)
{
    float x[4] = { 1, 2, 3, 4 };
    const entry e[] = { { "a", 1, { 2 }, LAC_F32 }, { "b", 1, { 4 }, LAC_F32 } };
    lac_params *ps = new_params(LAC_F32);
    lac_param *a = add(ps, LAC_ROLE_BIAS, LAC_INIT_ZERO, "a", 1, (int64_t[]){ 2 });
    add(ps, LAC_ROLE_BIAS, LAC_INIT_ZERO, "b", 1, (int64_t[]){ 4 });
    LAC_CHECK_STATUS(lac_params_init(ps, 1));
    x[3] = NAN;
    lac_weights *w = write_weights("nan.safetensors", e, 2, x);
    LAC_CHECK_FAILS(lac_params_load(ps, w, "", true, NULL), LAC_ERR_FORMAT, "'b' holds NaN");
    LAC_CHECK(((float *)a->value->data)[0] == 0);
    lac_weights_close(w);
    lac_params_free(ps);
}

LAC_TEST(names_stand_under_the_modules_entered)
{
    lac_params *ps;
    lac_param *p;
    const char *name;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_params_new(&ps, "net", b, LAC_F32));
    LAC_CHECK_STATUS(lac_params_enter(ps, "blocks.%d", 3));
    LAC_CHECK_STATUS(lac_params_enter(ps, "attn"));
    LAC_CHECK_STATUS(lac_param_new(ps, &p, LAC_ROLE_BIAS, 1, (int64_t[]){ 2 }, LAC_INIT_ZERO, 0, "%s.bias", "q"));
    LAC_CHECK(strcmp(p->name, "blocks.3.attn.q.bias") == 0);
    lac_params_leave(ps);
    LAC_CHECK_STATUS(lac_params_name(ps, &name, "conv1"));
    LAC_CHECK(strcmp(name, "blocks.3.conv1") == 0);
    lac_params_leave(ps);
    LAC_CHECK_STATUS(lac_params_name(ps, &name, "head"));
    LAC_CHECK(strcmp(name, "head") == 0);
    LAC_CHECK_FAILS(lac_param_new(ps, &p, LAC_ROLE_BIAS, 1, (int64_t[]){ 2 }, LAC_INIT_ZERO, 0, "%0300d", 1), LAC_ERR_ARG, "longer than 255 bytes");
    for (int i = 0; i < LAC_PARAM_DEPTH; i++)
        LAC_CHECK_STATUS(lac_params_enter(ps, "m"));
    LAC_CHECK_FAILS(lac_params_enter(ps, "m"), LAC_ERR_ARG, "16 deep");
    lac_params_free(ps);
}
