/* Every convolution that DeepFill v2 trains with, and odd ones, planned by cuDNN for an H100 from its description: no GPU, no driver. Engines that
 * cuDNN compiles ask for the driver's library before they begin: the toolkit's stub of it will do, but loads no code, so that a plan that was
 * compiled and could not be loaded counts as one. */
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/conv2d/shape.h"
#include "autograd/ops/ops.h"
#include "core/cuda/cudnn.h"
#include "core/cuda/library.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "tests/harness/test.h"
#include "train/run.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdlib.h>

enum { MOST = 512 };
static lac_cudnn_graph graphs[MOST];
static int n_graphs;

static void note(const lac_conv *c, lac_conv_pass pass)
{
    const lac_cudnn_graph g = { *c, pass, c->dtype };
    for (int i = 0; i < n_graphs; i++)
        if (lac_cudnn_same(&graphs[i], &g))
            return;
    LAC_CHECK(n_graphs < MOST);
    graphs[n_graphs++] = g;
}

/* A backend that runs nothing: what the tape asks workspace for while it plans a step is what will run. */
static lac_status listen(const lac_op_ctx *c, size_t *size)
{
    const lac_conv s = lac_conv2d_shape(c), sums = lac_conv_sums(&s);
    if (!c->backward) {
        note(&s, LAC_CONV_FORWARD);
        note(&sums, LAC_CONV_FORWARD);
    }
    if (c->backward && c->gin[0] != NULL)
        note(&sums, LAC_CONV_GRAD_X);
    if (c->backward && (c->gin[1] != NULL || c->gin[2] != NULL))
        note(&sums, LAC_CONV_GRAD_W);
    *size = 0;
    return LAC_OK;
}

static void plan_step(const lac_backend *b, lac_dtype d, int cnum)
{
    lac_stages stages;
    lac_trainer t;
    lac_comm *comm;
    lac_plan_stats step;
    json_t *config = json_pack("{s:s,s:s,s:i,s:{s:i,s:i},s:{s:{s:i}},s:{s:{s:i}}}", "name", "plans", "recipe", "deepfill", "steps", 1, "batch", "global", 16,
                               "micro", 16, "data", "train", "size", 256, "model", "generator", "cnum", cnum);
    LAC_CHECK(config != NULL);
    LAC_CHECK_STATUS(lac_stages_resolve(&stages, config, NULL, NULL));
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    LAC_CHECK_STATUS(lac_trainer_open(&t, stages.stage[0].recipe, stages.stage[0].config, "main", b, d, comm));
    LAC_CHECK_STATUS(lac_trainer_cost(&t, &step));
    lac_trainer_close(&t);
    lac_comm_free(comm);
    lac_stages_free(&stages);
    json_decref(config);
}

static void collect_deepfill(void)
{
    const lac_backend *cpu;
    static lac_kernel kernels[LAC_N_OPS];
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    memcpy(kernels, cpu->kernels, sizeof kernels);
    kernels[LAC_OP_conv2d].workspace = listen;
    lac_backend b = *cpu;
    b.kernels = kernels;
    n_graphs = 0;
    for (int cnum = 24; cnum <= 48; cnum += 24) {
        plan_step(&b, LAC_F32, cnum);
        plan_step(&b, LAC_BF16, cnum);
    }
}

/* The driver's library by its own name, or the toolkit's stub in its place; false: neither. */
static bool has_driver_library(void)
{
    return dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL) != NULL || dlopen(LAC_CUDA_LIBRARIES "/stubs/libcuda.so", RTLD_NOW | RTLD_GLOBAL) != NULL;
}

static void *h100(void)
{
    const lac_cudnn *calls;
    char path[512], *json;
    size_t size;
    void *device;
    if (lac_cudnn_open(&calls) != LAC_OK || !has_driver_library())
        skip();                             /* headers without the libraries */
    snprintf(path, sizeof path, "%s/tests/cuda/h100.json", lac_test_source());
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &json, &size));
    LAC_CHECK_STATUS(lac_cudnn_device_new(&device, json));
    free(json);
    return device;
}

static const char *words(const lac_cudnn_graph *g)
{
    static const char *const passes[] = { "forward", "grad_x", "grad_w" };
    static char text[256];
    const lac_conv *c = &g->conv;
    snprintf(text, sizeof text, "%s%s%s act %d %s [%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "] to %" PRId64 ", %" PRId64 "x%" PRId64 ", groups %" PRId64
             ", stride %" PRId64 ", dilation %" PRId64 ", pad %" PRId64 " %" PRId64, passes[g->pass], c->bias ? " + bias" : "", c->residual ? " + residual" : "", (int)c->act.kind, lac_dtype_name(c->dtype), c->n, c->h, c->w,
             c->c, c->o, c->kh, c->kw, c->groups, c->stride[0], c->dilation[0], c->pad[0], c->pad[1]);
    return text;
}

/* A kernel compiled for graph i serves the pattern of operations, whatever the map: each takes a second, so patterns already seen are passed over. */
static bool is_seen(int i)
{
    const lac_conv *c = &graphs[i].conv;
    for (int k = 0; k < i && lac_cudnn_fuses(&graphs[i]); k++) {
        const lac_conv *b = &graphs[k].conv;
        if (lac_cudnn_fuses(&graphs[k]) && b->dtype == c->dtype && b->kh == c->kh && b->stride[0] == c->stride[0] && b->dilation[0] == c->dilation[0] &&
            b->bias == c->bias && b->residual == c->residual && lac_act_same(b->act, c->act) && b->c % 8 == c->c % 8 && b->o % 8 == c->o % 8)
            return true;
    }
    return false;
}

/* Graphs without a plan, each named; the largest workspace in *most. One plan is enough of what may be compiled. */
static int plan_all(void *device, size_t *most)
{
    static lac_cudnn_plans p;
    int without = 0, compiled = 0, passed = 0;
    *most = 0;
    for (int i = 0; i < n_graphs; i++) {
        if (is_seen(i)) {
            passed++;
            continue;
        }
        LAC_CHECK_STATUS(lac_cudnn_propose(&p, &graphs[i], device, NULL, lac_cudnn_fuses(&graphs[i]) ? 1 : LAC_CUDNN_PLANS));
        if (p.n + p.n_unloaded == 0) {
            print_message("no plan: %s\n", words(&graphs[i]));
            without++;
        }
        compiled += p.n_unloaded > 0;
        for (int k = 0; k < p.n; k++)
            *most = LAC_MAX(*most, p.plan[k].workspace);
        lac_cudnn_plans_free(&p);
    }
    print_message("%d graphs, %d compiled, %d of a pattern already seen, %d without a plan, workspaces up to %.1f MiB\n", n_graphs, compiled, passed, without, (double)*most / (1 << 20));
    return without;
}

LAC_TEST(cudnn_has_a_plan_for_every_convolution_of_deepfill)
{
    size_t most;
    void *device = h100();
    collect_deepfill();
    LAC_CHECK(n_graphs > 100);              /* two widths, two dtypes, some thirty shapes, three passes */
    LAC_CHECK(plan_all(device, &most) == 0);
    lac_cudnn_device_free(device);
}

/* n, h, w, c, o, kh, kw, groups, stride, dilation, pad: what nobody tunes an engine for. */
static const int64_t odd[][14] = {
    { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },       { 3, 33, 17, 7, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1 },
    { 2, 31, 29, 6, 6, 3, 5, 2, 2, 1, 0, 1, 2, 3 },     { 1, 8, 8, 16, 16, 3, 3, 16, 1, 1, 1, 1, 1, 1 },
    { 1, 64, 64, 3, 64, 7, 7, 1, 2, 1, 3, 3, 3, 3 },    { 16, 64, 64, 640, 320, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
    { 1, 9, 11, 5, 3, 4, 2, 1, 3, 2, 0, 5, 1, 0 },      { 2, 16, 16, 32, 64, 3, 3, 4, 1, 16, 16, 16, 16, 16 },
};

LAC_TEST(cudnn_plans_odd_convolutions_or_leaves_them_to_patches)
{
    size_t most;
    void *device = h100();
    n_graphs = 0;
    for (size_t i = 0; i < LAC_COUNT(odd); i++)
        for (int d = 0; d < 2; d++)
            for (int pass = 0; pass < 3; pass++) {
                const int64_t *o = odd[i];
                lac_conv c = { 0 };
                c.n = o[0], c.h = o[1], c.w = o[2], c.c = o[3], c.o = o[4], c.kh = o[5], c.kw = o[6], c.groups = o[7];
                c.stride[0] = c.stride[1] = o[8], c.dilation[0] = c.dilation[1] = o[9];
                memcpy(c.pad, o + 10, sizeof c.pad);
                c.dtype = d == 0 ? LAC_F32 : LAC_BF16;
                note(&c, (lac_conv_pass)pass);
            }
    plan_all(device, &most);
    lac_cudnn_device_free(device);
}

/* What a plan file says is found again: by its text, alone. */
LAC_TEST(cudnn_plan_is_found_by_its_name)
{
    static lac_cudnn_plans all, one;
    void *device = h100();
    lac_cudnn_graph g = { .conv = { .n = 16, .h = 64, .w = 64, .c = 96, .o = 192, .kh = 3, .kw = 3, .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 },
                                    .pad = { 1, 1, 1, 1 }, .dtype = LAC_BF16 }, .pass = LAC_CONV_FORWARD, .result = LAC_BF16 };
    LAC_CHECK_STATUS(lac_cudnn_propose(&all, &g, device, NULL, LAC_CUDNN_PLANS));
    LAC_CHECK(all.n > 1);
    LAC_CHECK_STATUS(lac_cudnn_propose(&one, &g, device, all.plan[1].text, 1));
    LAC_CHECK(one.n == 1 && strcmp(one.plan[0].text, all.plan[1].text) == 0 && one.plan[0].workspace == all.plan[1].workspace);
    lac_cudnn_plans_free(&one);
    LAC_CHECK_STATUS(lac_cudnn_propose(&one, &g, device, "engine 100000", 1));
    LAC_CHECK(one.n == 0);
    lac_cudnn_plans_free(&one);
    lac_cudnn_plans_free(&all);
    lac_cudnn_device_free(device);
}

LAC_TEST(cudnn_bias_is_part_of_an_f32_convolution)
{
    static lac_cudnn_plans p;
    void *device = h100();
    lac_cudnn_graph g = { .conv = { .n = 2, .h = 32, .w = 32, .c = 24, .o = 48, .kh = 3, .kw = 3, .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 },
                                    .pad = { 1, 1, 1, 1 }, .dtype = LAC_F32, .bias = true }, .pass = LAC_CONV_FORWARD, .result = LAC_F32 };
    LAC_CHECK_STATUS(lac_cudnn_propose(&p, &g, device, NULL, LAC_CUDNN_PLANS));
    LAC_CHECK(p.n > 0 && p.n_refused > 0);          /* cuDNN proposes TF32 too, and is not listened to */
    lac_cudnn_plans_free(&p);
    lac_cudnn_device_free(device);
}

/* Every mixture of bias, residual and activation in bf16; in f32 those that cuDNN has ready. */
LAC_TEST(cudnn_has_a_plan_for_all_that_follows_a_convolution)
{
    size_t most;
    void *device = h100();
    n_graphs = 0;
    for (int i = 1; i < 16; i++)
        for (int d = 0; d < 2; d++) {
            const lac_conv c = { .n = 16, .h = 64, .w = 64, .c = 128, .o = 256, .kh = 3, .kw = 3, .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 },
                                 .pad = { 1, 1, 1, 1 }, .dtype = d == 0 ? LAC_F32 : LAC_BF16, .bias = i & 1, .residual = i & 2, .act = lac_act_of((lac_act)(i >> 2)) };
            if (d == 1 || (c.bias && (c.act.kind == LAC_ACT_NONE || c.act.kind == LAC_ACT_RELU)))
                note(&c, LAC_CONV_FORWARD);
        }
    LAC_CHECK(n_graphs == 19);
    LAC_CHECK(plan_all(device, &most) == 0);
    lac_cudnn_device_free(device);
}

LAC_TEST(cudnn_has_a_fused_attention_for_every_size_of_a_unet)
{
    static const lac_cudnn_attention of[] = { { 2, 8, 4096, 4096, 40 }, { 2, 8, 4096, 77, 40 }, { 2, 8, 1024, 1024, 80 }, { 2, 8, 256, 256, 160 },
                                              { 2, 16, 258, 258, 64 }, { 1, 5, 4096, 64, 64 }, { 1, 8, 64, 64, 128 } };
    static lac_cudnn_plans p;
    void *device = h100();
    for (size_t i = 0; i < LAC_COUNT(of); i++) {
        const lac_cudnn_graph g = { .attention = of[i] };
        LAC_CHECK_STATUS(lac_cudnn_propose(&p, &g, device, NULL, 1));
        LAC_CHECK(p.n + p.n_unloaded > 0);
        lac_cudnn_plans_free(&p);
    }
    lac_cudnn_device_free(device);
}

LAC_TEST(cudnn_plan_is_made_from_its_text_again)
{
    static lac_cudnn_plans all, one;
    char *text;
    void *device = h100();
    lac_cudnn_graph g = { .conv = { .n = 2, .h = 32, .w = 32, .c = 24, .o = 48, .kh = 3, .kw = 3, .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 },
                                    .pad = { 1, 1, 1, 1 }, .dtype = LAC_F32, .bias = true }, .pass = LAC_CONV_FORWARD, .result = LAC_F32 };
    LAC_CHECK_STATUS(lac_cudnn_propose(&all, &g, device, NULL, 1));
    LAC_CHECK_STATUS(lac_cudnn_write(&all, 0, &text));
    LAC_CHECK_STATUS(lac_cudnn_read(&one, &g, device, "kept", text));
    LAC_CHECK(one.n == 1 && strcmp(one.plan[0].text, "kept") == 0 && one.plan[0].workspace == all.plan[0].workspace);
    lac_cudnn_plans_free(&one);
    LAC_CHECK(lac_cudnn_read(&one, &g, device, "kept", "{}") == LAC_ERR_LIBRARY && one.n == 0 && one.n_pieces == 0);
    free(text);
    lac_cudnn_plans_free(&all);
    lac_cudnn_device_free(device);
}

LAC_TEST(cudnn_refuses_a_device_that_is_no_description)
{
    void *device = h100(), *none;
    LAC_CHECK(lac_cudnn_device_new(&none, "no json") == LAC_ERR_LIBRARY && none == NULL && strstr(lac_error_message(), "cuDNN: ") == lac_error_message());
    lac_cudnn_device_free(device);
}
