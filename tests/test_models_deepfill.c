/* DeepFill v2's networks on the reference run of the specification (deepfillv2.md 1.9): data from an integer hash, exact in f32;
 * values printed to six digits, made by the authors' layer table in another framework. */
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "autograd/tape_internal.h"
#include "models/deepfill/generator.h"
#include "models/deepfill/sn_patchgan.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Half a unit of the last of six printed decimals, and as much for f32 sums in another order. */
#define PRINTED 1e-6

static uint32_t mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static float r(int64_t i, uint32_t salt) { return (float)(mix((uint32_t)i + 0x9e3779b9u * (salt + 1)) >> 8) / 8388608.0f - 1; }

static lac_tensor *filled(int ndim, const int64_t *dim, uint32_t salt)
{
    lac_tensor *x;
    LAC_CHECK_STATUS(lac_tensor_new(&x, LAC_F32, ndim, dim));
    for (int64_t i = 0; i < lac_numel(x); i++)
        ((float *)x->data)[i] = r(i, salt);
    return x;
}

/* Ones in rows [top, bottom], columns [left, right]. */
static lac_tensor *box(int64_t h, int64_t w, int64_t top, int64_t bottom, int64_t left, int64_t right)
{
    lac_tensor *m;
    LAC_CHECK_STATUS(lac_tensor_new(&m, LAC_F32, 4, (int64_t[]){ 1, h, w, 1 }));
    for (int64_t i = 0; i < h * w; i++)
        ((float *)m->data)[i] = i / w >= top && i / w <= bottom && i % w >= left && i % w <= right;
    return m;
}

/* The hash counts kernels as [kh, kw, in, out]; ours lie as [out, kh, kw, in]. */
static void set_kernel(lac_param *p, uint32_t salt, float scale)
{
    const int64_t o = p->value->dim[0], rest = lac_numel(p->value) / o;
    float *w;
    LAC_CHECK_STATUS(lac_malloc((void **)&w, (size_t)(o * rest) * sizeof *w));
    for (int64_t i = 0; i < o * rest; i++)
        w[i] = r(i % rest * o + i / rest, salt) * scale;
    LAC_CHECK_STATUS(lac_param_set(p, w));
    free(w);
}

static void set_vector(lac_param *p, uint32_t salt, float scale)
{
    float v[256];
    LAC_CHECK(lac_numel(p->value) <= 256);
    for (int64_t i = 0; i < lac_numel(p->value); i++)
        v[i] = r(i, salt) * scale;
    LAC_CHECK_STATUS(lac_param_set(p, v));
}

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

static void near(const lac_tensor *x, int64_t at, const double *want, int n, double tolerance)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(((const float *)x->data)[at + i] - want[i]) < tolerance))
            fail_msg("[%d] is %.9g, expected %.9g", (int)(at + i), ((const float *)x->data)[at + i], want[i]);
}

static void means(const lac_tensor *x, double mean, double mean_abs, double tolerance)
{
    double sum = 0, abs_sum = 0;
    for (int64_t i = 0; i < lac_numel(x); i++) {
        sum += ((const float *)x->data)[i];
        abs_sum += fabs(((const float *)x->data)[i]);
    }
    LAC_CHECK(fabs(sum / (double)lac_numel(x) - mean) < tolerance && fabs(abs_sum / (double)lac_numel(x) - mean_abs) < tolerance);
}

/* ---- activations inside a network: what the tape recorded last at a module path, so the network must be in training */

typedef struct layer_values { const char *path; double mean, mean_abs; } layer_values;

static lac_status keep_at(lac_tape *t, const char *path, int output, lac_tensor **copy)
{
    char where[512];
    for (int64_t i = t->n_nodes - 1; i >= 0; i--) {
        tape_where(t->nodes[i].where, where, sizeof where);
        if (strcmp(where, path) == 0 && t->nodes[i].kind == NODE_OP)
            return lac_keep(t, t->known[t->nodes[i].out[output]].x, copy);
    }
    return LAC_FAIL(LAC_ERR_STATE, "nothing was recorded at '%s'", path);
}

static lac_status keep_layers(lac_tape *t, const layer_values *layer, int n, lac_tensor **copies)
{
    for (int i = 0; i < n; i++)
        LAC_TRY(keep_at(t, layer[i].path, 0, &copies[i]));
    return LAC_OK;
}

static void check_layers(const layer_values *layer, int n, lac_tensor **copies)
{
    for (int i = 0; i < n; i++) {
        print_message("%s\n", layer[i].path);
        means(copies[i], layer[i].mean, layer[i].mean_abs, PRINTED);
        lac_tensor_free(copies[i]);
    }
}

/* Keys that some query looks at; those in the hole have weight 0 for all. attention: [1, queries, keys]. */
static int keys_in_use(const lac_tensor *attention, bool *used)
{
    const int64_t keys = attention->dim[2];
    int n = 0;
    for (int64_t q = 0; q < keys; q++) {
        bool any = false;
        for (int64_t p = 0; p < attention->dim[1] && !any; p++)
            any = ((const float *)attention->data)[p * keys + q] > 0;
        n += any;
        if (used != NULL)
            used[q] = any;
    }
    return n;
}

/* ---- generator */

static const layer_values generator_layers[] = {
    { "/generator/conv1", 0.068063, 0.362022 },
    { "/generator/conv2_downsample", 0.088100, 0.304546 },
    { "/generator/conv4_downsample", 0.011533, 0.178067 },
    { "/generator/conv6", 0.017294, 0.114886 },
    { "/generator/conv10_atrous", -0.000506, 0.025645 },
    { "/generator/conv13_upsample", -0.001375, 0.037383 },
    { "/generator/conv16", 0.012373, 0.033427 },
    { "/generator/conv17", -0.030521, 0.135988 },               /* before tanh */
    { "/generator/xconv2_downsample", 0.038765, 0.229425 },
    { "/generator/xconv10_atrous", -0.000521, 0.028981 },
    { "/generator/pmconv4_downsample", 0.019776, 0.144045 },
    { "/generator/pmconv6", 0.056510, 0.056510 },
    { "/generator/attention", 0.052334, 0.052334 },
    { "/generator/pmconv10", -0.006700, 0.050293 },
    { "/generator/allconv11", 0.002997, 0.040283 },
    { "/generator/allconv16", 0.014715, 0.036755 },
    { "/generator/allconv17", 0.113284, 0.113941 },             /* before tanh */
};
enum { N_LAYERS = LAC_COUNT(generator_layers) };

typedef struct picture { lac_deepfill g; lac_tensor *image, *mask, *x1, *x2, *attention, *layer[N_LAYERS]; bool layers_too; } picture;

static lac_status paint(lac_tape *t, void *context)
{
    picture *p = context;
    if (p->layers_too)
        lac_tape_train(t, p->g.params);
    const lac_deepfill_out y = lac_deepfill_forward(t, &p->g, lac_tape_input(t, p->image, LAC_F32), lac_tape_input(t, p->mask, LAC_F32));
    LAC_TRY(lac_tape_status(t));
    if (p->layers_too) {
        LAC_TRY(keep_layers(t, generator_layers, N_LAYERS, p->layer));
        LAC_TRY(keep_at(t, "/generator/attention", 1, &p->attention));
    }
    LAC_TRY(lac_keep(t, y.x1, &p->x1));
    return lac_keep(t, y.x2, &p->x2);
}

static void run_generator(picture *p)
{
    lac_tape *t;
    LAC_CHECK_STATUS(lac_tape_new(&t, p->g.params->backend));
    LAC_CHECK_STATUS(lac_tape_run(t, "paint", paint, p));
    lac_tape_free(t);
}

static void open_generator(picture *p, int64_t width, bool fuse, bool layers_too)
{
    const lac_deepfill_config c = { .mode = LAC_MODE_TF, .conv = LAC_CONV_GATED, .cnum = 48, .input_aux = true, .fuse = fuse, .softmax_scale = 10 };
    lac_params *ps;
    *p = (picture){ .image = filled(4, (int64_t[]){ 1, 64, width, 3 }, 5000), .mask = box(64, width, 16, 39, 20, 51), .layers_too = layers_too };
    LAC_CHECK_STATUS(lac_params_new(&ps, "generator", cpu(), LAC_F32));
    LAC_CHECK_STATUS(lac_deepfill_init(&p->g, ps, &c));
    LAC_CHECK_STATUS(lac_params_init(ps, 0));
    for (int i = 0; i < LAC_DEEPFILL_LAYERS; i++) {
        const lac_conv_block *b = &p->g.layer[i];
        const double fan = (double)(lac_numel(b->weight->value) / b->weight->value->dim[0]);
        set_kernel(b->weight, (uint32_t)i, (float)(1.8 * sqrt(3 / fan)));
        set_vector(b->bias, 1000 + (uint32_t)i, 0.1f);
    }
    run_generator(p);
}

static void close_generator(picture *p)
{
    lac_tensor_free(p->attention);
    lac_tensor_free(p->image);
    lac_tensor_free(p->mask);
    lac_tensor_free(p->x1);
    lac_tensor_free(p->x2);
    lac_params_free(p->g.params);
}

static int64_t pixel(int64_t row, int64_t column, int64_t width) { return (row * width + column) * 3; }

/* The first weights in the order of the hash: [kh, kw, in, out], so those of four filters. */
static void check_first_weights(const lac_tensor *w)
{
    static const double want[] = { -0.2745241, 0.0682188, -0.2622493, -0.2449890 };
    for (int o = 0; o < 4; o++)
        near(w, o * (lac_numel(w) / w->dim[0]), &want[o], 1, 1e-7);
}

LAC_TEST(generator_gives_the_printed_values)
{
    picture p;
    open_generator(&p, 64, true, false);
    check_first_weights(p.g.layer[0].weight->value);
    near(p.g.layer[0].bias->value, 0, (double[]){ -0.0993012, 0.0397736, -0.0615025 }, 3, 1e-7);
    means(p.x1, -0.029085, 0.133990, PRINTED);
    near(p.x1, pixel(20, 30, 64), (double[]){ 0.119984, -0.252952, 0.015953 }, 3, PRINTED);
    near(p.x1, pixel(0, 0, 64), (double[]){ 0.038180, -0.106044, 0.115091 }, 3, PRINTED);
    near(p.x1, pixel(63, 63, 64), (double[]){ 0.077196, -0.159627, -0.023947 }, 3, PRINTED);
    means(p.x2, 0.111939, 0.112595, PRINTED);
    near(p.x2, pixel(20, 30, 64), (double[]){ 0.215971, 0.028037, 0.073046 }, 3, PRINTED);
    near(p.x2, pixel(0, 0, 64), (double[]){ 0.113272, -0.002180, -0.001888 }, 3, PRINTED);
    near(p.x2, pixel(63, 63, 64), (double[]){ 0.095258, 0.069011, 0.045423 }, 3, PRINTED);
    close_generator(&p);
}

LAC_TEST(every_printed_layer_of_the_generator_has_the_printed_means)
{
    picture p;
    open_generator(&p, 64, true, true);
    check_layers(generator_layers, N_LAYERS, p.layer);
    LAC_CHECK(p.attention->dim[2] == 64 && keys_in_use(p.attention, NULL) == 39);
    close_generator(&p);
}

LAC_TEST(generator_gives_the_printed_values_on_an_oblong_picture)
{
    picture p;
    open_generator(&p, 96, true, false);
    double mean = 0;
    for (int64_t i = 0; i < lac_numel(p.x2); i++)
        mean += ((float *)p.x2->data)[i] / (double)lac_numel(p.x2);
    LAC_CHECK(fabs(mean - 0.111761) < PRINTED);
    near(p.x2, pixel(20, 30, 96), (double[]){ 0.218942, 0.020765, 0.080535 }, 3, PRINTED);
    close_generator(&p);
}

LAC_TEST(fuse_changes_the_second_stage_as_printed)
{
    picture with, without;
    double most = 0;
    open_generator(&with, 64, true, false);
    open_generator(&without, 64, false, false);
    for (int64_t i = 0; i < lac_numel(with.x2); i++)
        most = fmax(most, fabs(((float *)with.x2->data)[i] - ((float *)without.x2->data)[i]));
    LAC_CHECK(fabs(most - 0.0343) < 1e-4);      /* four decimals are printed */
    close_generator(&with);
    close_generator(&without);
}

/* ---- discriminator */

static const layer_values discriminator_layers[LAC_SN_CONVS] = {
    { "/discriminator/conv1", 0.130953, 0.192133 },
    { "/discriminator/conv2", 0.090615, 0.136734 },
    { "/discriminator/conv3", 0.070829, 0.098382 },
    { "/discriminator/conv4", 0.047835, 0.069597 },
    { "/discriminator/conv5", 0.028920, 0.044823 },
    { "/discriminator/conv6", 0.023502, 0.034008 },
};

typedef struct judge { lac_sn_patchgan d; lac_tensor *real, *fake, *mask, *logits, *sigma[LAC_SN_CONVS], *layer[LAC_SN_CONVS]; bool layers_too; } judge;

static lac_status look(lac_tape *t, void *context)
{
    judge *j = context;
    if (j->layers_too)
        lac_tape_train(t, j->d.params);
    lac_tensor *real = lac_tape_input(t, j->real, LAC_F32), *fake = lac_tape_input(t, j->fake, LAC_F32), *mask = lac_tape_input(t, j->mask, LAC_F32);
    lac_tensor *complete = lac_composite(t, fake, real, mask, &(lac_composite_attr){ .append_mask = true, .dtype = LAC_F32 });
    lac_tensor *pair[2] = { lac_composite(t, NULL, real, mask, &(lac_composite_attr){ .whole = true, .append_mask = true, .dtype = LAC_F32 }), complete };
    const lac_sn_patchgan_out y = lac_sn_patchgan_forward(t, &j->d, lac_concat(t, pair, 2, 0));
    LAC_TRY(lac_tape_status(t));
    lac_sn_patchgan_commit(t, &j->d, &y);
    if (j->layers_too)
        LAC_TRY(keep_layers(t, discriminator_layers, LAC_SN_CONVS, j->layer));
    LAC_TRY(lac_keep(t, y.logits, &j->logits));
    for (int i = 0; i < LAC_SN_CONVS; i++)
        LAC_TRY(lac_keep(t, y.sigma[i], &j->sigma[i]));
    return LAC_OK;
}

static void drop_results(judge *j)
{
    lac_tensor_free(j->logits);
    j->logits = NULL;
    for (int i = 0; i < LAC_SN_CONVS; i++) {
        lac_tensor_free(j->sigma[i]);
        j->sigma[i] = NULL;
    }
}

static void forwards(judge *j, lac_tape *t, int n)
{
    for (int i = 0; i < n; i++) {
        drop_results(j);
        LAC_CHECK_STATUS(lac_tape_run(t, "look", look, j));
        LAC_CHECK_STATUS(lac_params_commit(j->d.params, &(uint32_t){ 0 }));
    }
}

static void open_judge(judge *j)
{
    const lac_sn_patchgan_config c = { .mode = LAC_MODE_TF, .kind = LAC_DISC_PATCH, .width = 64 };
    lac_params *ps;
    *j = (judge){ .real = filled(4, (int64_t[]){ 1, 64, 64, 3 }, 5000), .fake = filled(4, (int64_t[]){ 1, 64, 64, 3 }, 5001),
                  .mask = box(64, 64, 16, 39, 20, 51) };
    LAC_CHECK_STATUS(lac_params_new(&ps, "discriminator", cpu(), LAC_F32));
    LAC_CHECK_STATUS(lac_sn_patchgan_init(&j->d, ps, &c));
    LAC_CHECK_STATUS(lac_params_init(ps, 0));
    for (uint32_t i = 0; i < LAC_SN_CONVS; i++) {
        const lac_sn_layer *l = &j->d.layer[i];
        set_kernel(l->conv.weight, 2000 + i, (float)sqrt(3 / (25.0 * (double)l->conv.weight->value->dim[3])));
        set_vector(l->conv.bias, 2100 + i, 0.1f);
        set_vector(l->u, 2200 + i, 1);
    }
}

static void check_sigma(const judge *j, const double *want)
{
    for (int i = 0; i < LAC_SN_CONVS; i++)
        near(j->sigma[i], 0, &want[i], 1, 2e-6);        /* above 1 an f32 is exact to 1e-7; six decimals are printed */
}

static void check_losses(const judge *j)
{
    const float *y = j->logits->data;
    const int64_t n = lac_numel(j->logits) / 2;
    double pos = 0, neg = 0, d = 0;
    for (int64_t i = 0; i < n; i++) {
        pos += y[i] / (double)n;
        neg += y[n + i] / (double)n;
        d += 0.5 * (fmax(0, 1 - y[i]) + fmax(0, 1 + y[n + i])) / (double)n;
    }
    LAC_CHECK(fabs(pos - 0.0236524) < 1e-7 && fabs(neg - 0.0233513) < 1e-7 && fabs(d - 0.9998493) < 2e-7);     /* seven decimals; g_loss = -neg */
}

static void close_judge(judge *j)
{
    drop_results(j);
    lac_tensor_free(j->real);
    lac_tensor_free(j->fake);
    lac_tensor_free(j->mask);
    lac_params_free(j->d.params);
}

LAC_TEST(every_layer_of_the_discriminator_has_the_printed_means)
{
    judge j;
    lac_tape *t;
    open_judge(&j);
    j.layers_too = true;
    LAC_CHECK_STATUS(lac_tape_new(&t, j.d.params->backend));
    forwards(&j, t, 1);
    check_layers(discriminator_layers, LAC_SN_CONVS, j.layer);
    lac_tape_free(t);
    close_judge(&j);
}

LAC_TEST(discriminator_gives_the_printed_values)
{
    judge j;
    lac_tape *t;
    open_judge(&j);
    LAC_CHECK_STATUS(lac_tape_new(&t, j.d.params->backend));
    forwards(&j, t, 1);
    check_sigma(&j, (double[]){ 1.369069, 1.020444, 1.057377, 1.003511, 1.023515, 1.019809 });
    means(j.logits, 0.023502, 0.034008, PRINTED);
    check_losses(&j);
    forwards(&j, t, 1);
    check_sigma(&j, (double[]){ 1.541551, 1.079918, 1.119873, 1.042767, 1.058656, 1.054048 });
    forwards(&j, t, 50);
    check_sigma(&j, (double[]){ 1.740691, 1.261967, 1.277840, 1.184518, 1.193837, 1.192075 });
    lac_tape_free(t);
    close_judge(&j);
}

/* ---- attention alone */

typedef struct lookup { lac_tensor *f, *mask, *g, *y, *attention, *gf; bool fuse; } lookup;

static lac_status attend(lac_tape *t, void *context)
{
    lookup *a = context;
    const lac_contextual_attention_attr attr = { .ksize = 3, .rate = 2, .fuse = a->fuse, .softmax_scale = 10 };
    lac_tensor *f = lac_tape_input(t, a->f, LAC_F32), *gf;
    lac_tape_watch(t, f);
    lac_tensor *y = lac_contextual_attention(t, f, NULL, lac_tape_input(t, a->mask, LAC_F32), &attr);
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(lac_keep(t, y, &a->y));
    LAC_TRY(keep_at(t, "", 1, &a->attention));
    LAC_TRY(lac_grad(t, &(lac_root){ .y = y, .gy = lac_tape_input(t, a->g, LAC_F32) }, 1, &f, 1, &gf));
    return lac_keep(t, gf, &a->gf);
}

static void open_lookup(lookup *a, lac_tensor *mask, bool fuse)
{
    lac_tape *t;
    *a = (lookup){ .f = filled(4, (int64_t[]){ 1, 8, 8, 4 }, 7000), .g = filled(4, (int64_t[]){ 1, 8, 8, 4 }, 7001), .mask = mask, .fuse = fuse };
    for (int64_t i = 0; i < lac_numel(a->f); i++)
        ((float *)a->f->data)[i] = fmaxf(((float *)a->f->data)[i], 0);
    LAC_CHECK_STATUS(lac_tape_new(&t, cpu()));
    LAC_CHECK_STATUS(lac_tape_run(t, "attend", attend, a));
    lac_tape_free(t);
}

static void close_lookup(lookup *a)
{
    lac_tensor *all[] = { a->f, a->mask, a->g, a->y, a->attention, a->gf };
    for (size_t i = 0; i < LAC_COUNT(all); i++)
        lac_tensor_free(all[i]);
}

static double dot(const lac_tensor *x, const lac_tensor *y)
{
    double sum = 0;
    for (int64_t i = 0; i < lac_numel(x); i++)
        sum += (double)((float *)x->data)[i] * (y ? ((float *)y->data)[i] : 1);
    return sum;
}

LAC_TEST(attention_gives_the_printed_values)
{
    lookup a;
    open_lookup(&a, box(8, 8, 2, 4, 3, 6), true);
    LAC_CHECK(fabs(dot(a.y, NULL) - 45.527672) < 1e-5 && fabs(dot(a.y, a.g) + 1.619876) < 2e-6);       /* sums of 256 */
    near(a.y, 0, (double[]){ 0.126750, 0, 0, 0.108966 }, 4, PRINTED);
    near(a.y, (3 * 8 + 4) * 4, (double[]){ 0.046647, 0.514291, 0.136455, 0.223428 }, 4, PRINTED);
    near(a.gf, (6 * 8 + 1) * 4, (double[]){ 0.126762, -0.169360, 0.178000, -0.084307 }, 4, PRINTED);
    /* In double these are 0.3827185, -0.0212844, -0.0915051, 0.3630031: the printed f32 run is up to 1.1e-6 off, ours as much. */
    near(a.gf, 0, (double[]){ 0.382718, -0.021284, -0.091504, 0.363002 }, 4, 3e-6);
    close_lookup(&a);
}

/* The one masked cell is (1, 2) of 4 x 4, so of rows 0 to 2 only column 0 is out of its reach. */
LAC_TEST(attention_uses_the_printed_keys)
{
    static const bool printed[16] = { 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1 };
    bool used[16];
    lookup a;
    open_lookup(&a, box(8, 8, 2, 4, 3, 6), true);
    LAC_CHECK(lac_numel(a.attention) == 16 * 16 && keys_in_use(a.attention, used) == 7);
    LAC_CHECK(memcmp(used, printed, sizeof used) == 0);
    close_lookup(&a);
}

LAC_TEST(attention_without_fuse_gives_the_printed_values)
{
    lookup a;
    open_lookup(&a, box(8, 8, 2, 4, 3, 6), false);
    LAC_CHECK(fabs(dot(a.y, NULL) - 46.343830) < 1e-5 && fabs(dot(a.y, a.g) + 1.332541) < 2e-6);
    near(a.y, (3 * 8 + 4) * 4, (double[]){ 0.040860, 0.319714, 0.074415, 0.188184 }, 4, PRINTED);
    near(a.gf, (6 * 8 + 1) * 4, (double[]){ 0.210374, -0.247863, 0.143820, -0.055244 }, 4, PRINTED);
    close_lookup(&a);
}

LAC_TEST(attention_gives_nothing_where_everything_is_a_hole)
{
    lookup a;
    open_lookup(&a, box(8, 8, 0, 7, 0, 7), true);
    means(a.y, 0, 0, 1e-30);
    close_lookup(&a);
}
