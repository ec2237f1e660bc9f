#include "cli/bench_ops.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/attention/attention.h"
#include "autograd/ops/avg_pool/avg_pool.h"
#include "autograd/ops/batch_norm/batch_norm.h"
#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "autograd/ops/dequantize/dequantize.h"
#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/gan_loss/gan_loss.h"
#include "autograd/ops/exp_scale/exp_scale.h"
#include "autograd/ops/find_token/find_token.h"
#include "autograd/ops/gate/gate.h"
#include "autograd/ops/gaussian/gaussian.h"
#include "autograd/ops/group_norm/group_norm.h"
#include "autograd/ops/l1_loss/l1_loss.h"
#include "autograd/ops/layer_norm/layer_norm.h"
#include "autograd/ops/l2_normalize/l2_normalize.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/lpips_distance/lpips_distance.h"
#include "autograd/ops/match_std/match_std.h"
#include "autograd/ops/max_pool/max_pool.h"
#include "autograd/ops/ops.h"
#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "autograd/ops/pad2d/pad2d.h"
#include "autograd/ops/repeat/repeat.h"
#include "autograd/ops/resize/resize.h"
#include "autograd/ops/slice/slice.h"
#include "autograd/ops/spectral_norm/spectral_norm.h"
#include "autograd/ops/timestep_embedding/timestep_embedding.h"
#include "autograd/ops/vector_quantize/vector_quantize.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/stopwatch.h"
#include "core/update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SETS = 32 };
#define BEYOND_CACHES (256e6)           /* an H100 caches 50 MB, a server's CPU some more */

lac_status lac_bench_machine(const lac_backend *b, lac_dtype d, lac_peaks *p)
{
    char text[512];
    LAC_TRY(lac_peaks_measure(b, d, p));
    lac_device_words(b, text, sizeof text);
    printf("%s: copies %.1f GB/s, %s %.0f GFLOP/s\n", text, p->copy_gbs, p->of, p->gflops);
    return LAC_OK;
}

void lac_bench_heading(void)
{
    printf("%-22s %-8s %-40s %10s %7s %8s %8s %9s %8s\n", "op", "", "", "ms", "share", "GB/s", "of copy", "GFLOP/s", "of peak");
}

void lac_bench_row_print(const lac_bench_row *r, const lac_peaks *p)
{
    const double gbs = 1e-9 * (double)r->bytes / r->seconds, gflops = 1e-9 * (double)r->flops / r->seconds;
    char share[16] = "";
    if (r->total > 0)
        snprintf(share, sizeof share, "%.1f%%", 100 * r->seconds / r->total);
    printf("%-22s %-8s %-40s %10.3f %7s %8.1f %7.1f%%", r->name, r->way, r->shape, 1e3 * r->seconds, share,
           gbs, 100 * gbs / p->copy_gbs);
    if (r->flops > 0)
        printf(" %9.1f %7.1f%%", gflops, 100 * gflops / p->gflops);
    printf("\n");
}

/* An op at one shape: its attribute and its inputs. A letter says what an input is:
 *     x  the dtype asked for, with a gradient          f  f32, with a gradient       m  f32, a box of ones, no gradient
 *     w  the same, its gradient f32 (a weight)         c  f32, no gradient           u  bytes                          -  left out
 *     i  i32, places along the first input's first dim */
typedef struct op_case {
    lac_op op;
    const void *attr;
    const char *about, *inputs;
    lac_shape in[LAC_MAX_IN];
} op_case;

#define CONV(...) &(const lac_conv2d_attr){ .groups = 1, __VA_ARGS__ }
#define SAME(k, d) CONV(.stride = { 1, 1 }, .dilation = { d, d }, .pad = { (k) / 2 * (d), (k) / 2 * (d), (k) / 2 * (d), (k) / 2 * (d) })
#define HALVES(k, a, b) CONV(.stride = { 2, 2 }, .dilation = { 1, 1 }, .pad = { a, b, a, b })
#define SILU &(const lac_group_norm_attr){ .groups = 32, .eps = 1e-5f, .act = LAC_ACT_SILU }
#define MAP(n, side, c) { 4, { n, side, side, c } }
#define KERNEL(o, k, i) { 4, { o, k, k, i } }
#define TOKENS(n, c) { 3, { 1, n, c } }
#define HEADS(n) &(const lac_attention_attr){ .heads = n }

/* As DeepFill v2 meets them (batch 4, 256x256, cnum 48), and the UNet of SD 1.x (one picture of 512x512). */
static const op_case cases[] = {
    { LAC_OP_conv2d, SAME(5, 1), "5->48 k5 256x256", "xwf", { MAP(4, 256, 5), KERNEL(48, 5, 5), { 1, { 48 } } } },
    { LAC_OP_conv2d, SAME(3, 1), "24->48 k3 256x256", "xwf", { MAP(4, 256, 24), KERNEL(48, 3, 24), { 1, { 48 } } } },
    { LAC_OP_conv2d, SAME(3, 1), "48->48 k3 256x256", "xwf", { MAP(4, 256, 48), KERNEL(48, 3, 48), { 1, { 48 } } } },
    { LAC_OP_conv2d, HALVES(3, 0, 1), "48->192 k3 128x128 stride 2", "xwf", { MAP(4, 128, 48), KERNEL(192, 3, 48), { 1, { 192 } } } },
    { LAC_OP_conv2d, SAME(3, 1), "96->192 k3 64x64", "xwf", { MAP(4, 64, 96), KERNEL(192, 3, 96), { 1, { 192 } } } },
    { LAC_OP_conv2d, SAME(3, 2), "192->192 k3 64x64 dilated 2", "xwf", { MAP(4, 64, 192), KERNEL(192, 3, 192), { 1, { 192 } } } },
    { LAC_OP_conv2d, SAME(3, 16), "192->192 k3 64x64 dilated 16", "xwf", { MAP(4, 64, 192), KERNEL(192, 3, 192), { 1, { 192 } } } },
    { LAC_OP_conv2d, HALVES(5, 1, 2), "128->256 k5 64x64 stride 2", "xwf", { MAP(8, 64, 128), KERNEL(256, 5, 128), { 1, { 256 } } } },
    { LAC_OP_conv2d, SAME(3, 1), "320->320 k3 64x64", "xwf", { MAP(1, 64, 320), KERNEL(320, 3, 320), { 1, { 320 } } } },
    { LAC_OP_conv2d, SAME(3, 1), "640->640 k3 32x32", "xwf", { MAP(1, 32, 640), KERNEL(640, 3, 640), { 1, { 640 } } } },
    { LAC_OP_conv2d, SAME(3, 1), "1280->1280 k3 16x16", "xwf", { MAP(1, 16, 1280), KERNEL(1280, 3, 1280), { 1, { 1280 } } } },
    { LAC_OP_conv2d, SAME(3, 1), "1280->1280 k3 8x8", "xwf", { MAP(1, 8, 1280), KERNEL(1280, 3, 1280), { 1, { 1280 } } } },
    { LAC_OP_conv2d, SAME(1, 1), "640->320 k1 64x64", "xwf", { MAP(1, 64, 640), KERNEL(320, 1, 640), { 1, { 320 } } } },
    { LAC_OP_conv2d, SAME(3, 1), "128->128 k3 256x256", "xwf", { MAP(1, 256, 128), KERNEL(128, 3, 128), { 1, { 128 } } } },
    { LAC_OP_linear, NULL, "4096x320->2560", "xwf", { { 2, { 4096, 320 } }, { 2, { 2560, 320 } }, { 1, { 2560 } } } },
    { LAC_OP_linear, NULL, "4096x320->320", "xwf", { { 2, { 4096, 320 } }, { 2, { 320, 320 } }, { 1, { 320 } } } },
    { LAC_OP_linear, NULL, "1024x640->1280", "xwf", { { 2, { 1024, 640 } }, { 2, { 1280, 640 } }, { 1, { 1280 } } } },
    { LAC_OP_linear, NULL, "256x1280->10240", "xwf", { { 2, { 256, 1280 } }, { 2, { 10240, 1280 } }, { 1, { 10240 } } } },
    { LAC_OP_linear, NULL, "77x768->768", "xwf", { { 2, { 77, 768 } }, { 2, { 768, 768 } }, { 1, { 768 } } } },
    { LAC_OP_attention, HEADS(8), "4096 tokens, 8 of 40", "xxx", { MAP(1, 64, 320), MAP(1, 64, 320), MAP(1, 64, 320) } },
    { LAC_OP_attention, HEADS(8), "1024 tokens, 8 of 80", "xxx", { MAP(1, 32, 640), MAP(1, 32, 640), MAP(1, 32, 640) } },
    { LAC_OP_attention, HEADS(8), "256 tokens, 8 of 160", "xxx", { MAP(1, 16, 1280), MAP(1, 16, 1280), MAP(1, 16, 1280) } },
    { LAC_OP_attention, HEADS(16), "258 tokens, 16 of 64", "xxx", { TOKENS(258, 1024), TOKENS(258, 1024), TOKENS(258, 1024) } },
    { LAC_OP_attention, HEADS(8), "4096 tokens to 77, 8 of 40", "xxx", { MAP(1, 64, 320), TOKENS(77, 320), TOKENS(77, 320) } },
    { LAC_OP_contextual_attention, &(const lac_contextual_attention_attr){ .ksize = 3, .rate = 2, .fuse = true, .softmax_scale = 10 }, "96 64x64", "x-m",
      { MAP(4, 64, 96), { 0 }, MAP(1, 64, 1) } },
    { LAC_OP_gate, &(const lac_gate_attr){ .act = LAC_ACT_ELU, .upsample = 1 }, "48 256x256", "x", { MAP(4, 256, 48) } },
    { LAC_OP_gate, &(const lac_gate_attr){ .act = LAC_ACT_ELU, .upsample = 2 }, "96 128x128 upsampled", "x", { MAP(4, 128, 96) } },
    { LAC_OP_activation, &(const lac_activation_attr){ .act = { LAC_ACT_LEAKY, LAC_ACT_LEAKY_SLOPE } }, "64 128x128 leaky", "x", { MAP(8, 128, 64) } },
    { LAC_OP_activation, &(const lac_activation_attr){ .act = { LAC_ACT_ELU, 0 } }, "64 128x128 elu", "x", { MAP(8, 128, 64) } },
    { LAC_OP_activation, &(const lac_activation_attr){ .act = { .kind = LAC_ACT_GELU } }, "4096x3072 gelu", "x", { { 2, { 4096, 3072 } } } },
    { LAC_OP_group_norm, SILU, "320 64x64 silu", "xff", { MAP(4, 64, 320), { 1, { 320 } }, { 1, { 320 } } } },
    { LAC_OP_group_norm, SILU, "320 64x64 silu, one", "xff", { MAP(1, 64, 320), { 1, { 320 } }, { 1, { 320 } } } },
    { LAC_OP_group_norm, SILU, "1280 8x8 silu, one", "xff", { MAP(1, 8, 1280), { 1, { 1280 } }, { 1, { 1280 } } } },
    { LAC_OP_group_norm, SILU, "640+320 32x32 silu", "xffx", { MAP(4, 32, 640), { 1, { 960 } }, { 1, { 960 } }, MAP(4, 32, 320) } },
    { LAC_OP_group_norm, SILU, "320 64x64 silu, shifted", "xff-x", { MAP(4, 64, 320), { 1, { 320 } }, { 1, { 320 } }, { 0 }, { 2, { 4, 320 } } } },
    { LAC_OP_layer_norm, &(const lac_layer_norm_attr){ 1e-5f }, "4096x320", "xff", { { 2, { 4096, 320 } }, { 1, { 320 } }, { 1, { 320 } } } },
    { LAC_OP_layer_norm, &(const lac_layer_norm_attr){ 1e-5f }, "4096x320 after a residual", "xffx", { { 2, { 4096, 320 } }, { 1, { 320 } }, { 1, { 320 } }, { 2, { 4096, 320 } } } },
    { LAC_OP_geglu, NULL, "4096x2560", "x", { { 2, { 4096, 2560 } } } },
    { LAC_OP_timestep_embedding, &(const lac_timestep_embedding_attr){ .width = 320 }, "16x320", "c", { { 1, { 16 } } } },
    { LAC_OP_broadcast_add, NULL, "77x768 to 16 of them", "xx", { { 3, { 16, 77, 768 } }, { 2, { 77, 768 } } } },
    { LAC_OP_batch_norm, &(const lac_batch_norm_attr){ true, 1e-5f, 0.1f, { LAC_ACT_LEAKY, 0.2f } }, "128 64x64 leaky", "xffcc",
      { MAP(8, 64, 128), { 1, { 128 } }, { 1, { 128 } }, { 1, { 128 } }, { 1, { 128 } } } },
    { LAC_OP_channel_affine, &(const lac_channel_affine_attr){ .scale = { 2, 2, 2 }, .dtype = LAC_F32 }, "3 256x256", "x", { MAP(16, 256, 3) } },
    { LAC_OP_composite, &(const lac_composite_attr){ .dtype = LAC_F32 }, "3 256x256", "xxm", { MAP(16, 256, 3), MAP(16, 256, 3), MAP(1, 256, 1) } },
    { LAC_OP_concat, &(const lac_concat_attr){ .axis = -1 }, "96+96 64x64", "xx", { MAP(16, 64, 96), MAP(16, 64, 96) } },
    { LAC_OP_slice, &(const lac_slice_attr){ .axis = -1, .from = 320, .count = 640 }, "640 of 1280, 4096 tokens", "x", { { 2, { 4096, 1280 } } } },
    { LAC_OP_embedding, NULL, "1232 of 49408x768", "wi", { { 2, { 49408, 768 } }, { 2, { 16, 77 } } } },
    { LAC_OP_cross_entropy, NULL, "4096x4096, diagonal", "x-", { { 2, { 4096, 4096 } }, { 0 } } },
    { LAC_OP_exp_scale, NULL, "4096x4096", "xf", { { 2, { 4096, 4096 } }, { 0 } } },
    { LAC_OP_find_token, &(const lac_find_token_attr){ .token = 49407 }, "64x77", "i", { { 2, { 64, 77 } } } },
    { LAC_OP_l2_normalize, &(const lac_l2_normalize_attr){ .dtype = LAC_F32 }, "4096x768", "x", { { 2, { 4096, 768 } } } },
    { LAC_OP_repeat, &(const lac_repeat_attr){ .n = 16 }, "77x768", "x", { { 2, { 77, 768 } } } },
    { LAC_OP_pad2d, &(const lac_pad2d_attr){ .pad = { 3, 3, 3, 3 }, .mode = LAC_PAD_REFLECT }, "64 128x128 reflect 3", "x", { MAP(8, 128, 64) } },
    { LAC_OP_resize, &(const lac_resize_attr){ .height = 256, .width = 256, .mode = LAC_RESIZE_NEAREST }, "64 128x128 twice, nearest", "x", { MAP(4, 128, 64) } },
    { LAC_OP_resize, &(const lac_resize_attr){ .height = 256, .width = 256, .mode = LAC_RESIZE_BILINEAR }, "64 128x128 twice, bilinear", "x", { MAP(4, 128, 64) } },
    { LAC_OP_resize, &(const lac_resize_attr){ .height = 128, .width = 128, .mode = LAC_RESIZE_AREA }, "64 256x256 halved, area", "x", { MAP(4, 256, 64) } },
    { LAC_OP_dequantize, &(const lac_dequantize_attr){ .scale = 1, .shift = 0, .dtype = LAC_F32 }, "3 256x256", "u", { MAP(64, 256, 3) } },
    { LAC_OP_l1_loss, &(const lac_l1_loss_attr){ .region = LAC_REGION_HOLE }, "3 256x256 hole", "xcm", { MAP(16, 256, 3), MAP(16, 256, 3), MAP(1, 256, 1) } },
    { LAC_OP_gan_loss, &(const lac_gan_loss_attr){ .term = LAC_HINGE_REAL }, "256 64x64", "x", { MAP(8, 64, 256) } },
    { LAC_OP_spectral_norm, &(const lac_spectral_norm_attr){ .dtype = LAC_F32 }, "256x5x5x256", "fc", { KERNEL(256, 5, 256), { 1, { 256 } } } },
    { LAC_OP_lincomb, &(const lac_lincomb_attr){ .dtype = LAC_F32 }, "three of 4 64x64", "cxxx", { { 1, { 3 } }, MAP(16, 64, 4), MAP(16, 64, 4), MAP(16, 64, 4) } },
    { LAC_OP_lpips_distance, NULL, "256 64x64", "xxc", { MAP(2, 64, 256), MAP(2, 64, 256), { 1, { 256 } } } },
    { LAC_OP_match_std, &(const lac_match_std_attr){ .share = 0.7f }, "4 64x64", "xx", { MAP(16, 64, 4), MAP(16, 64, 4) } },
    { LAC_OP_avg_pool, &(const lac_avg_pool_attr){ 3 }, "192 35x35", "x", { MAP(8, 35, 192) } },
    { LAC_OP_max_pool, &(const lac_max_pool_attr){ .kernel = 2, .stride = 2 }, "64 256x256 halved", "x", { MAP(2, 256, 64) } },
    { LAC_OP_dice_loss, NULL, "1 64x64", "xc", { MAP(16, 64, 1), MAP(16, 64, 1) } },
    { LAC_OP_vlb_loss, NULL, "3 64x64", "xcccc", { MAP(16, 64, 3), MAP(16, 64, 3), MAP(16, 64, 3), MAP(16, 64, 3), { 2, { 16, 4 } } } },
    { LAC_OP_ranged_noise, NULL, "3 64x64", "ccc", { MAP(16, 64, 3), MAP(16, 64, 3), { 1, { 2 } } } },
    { LAC_OP_mse_loss, NULL, "4 64x64", "xxc", { MAP(16, 64, 4), MAP(16, 64, 4), { 1, { 16 } } } },
    { LAC_OP_gaussian, NULL, "4+4 64x64", "xx", { MAP(16, 64, 8), MAP(16, 64, 4) } },
    { LAC_OP_vector_quantize, &(const lac_vector_quantize_attr){ 1, 0.25f }, "16384 codes of 4, 32x32", "xf", { MAP(4, 32, 4), { 2, { 16384, 4 } } } },
    { LAC_OP_vector_quantize, &(const lac_vector_quantize_attr){ 1, 0.25f }, "16384 codes of 256, 16x16", "xf", { MAP(4, 16, 256), { 2, { 16384, 256 } } } },
    { LAC_OP_norm_ratio, &(const lac_norm_ratio_attr){ .eps = 1e-4f }, "3x3x128->3, twice", "cc", { KERNEL(3, 3, 128), KERNEL(3, 3, 128) } },
    { LAC_OP_rank_sum, NULL, "3x3x128->3", "c", { KERNEL(3, 3, 128) } },
    { LAC_OP_rank_gather, NULL, "256 of 512", "f", { { 2, { 256, 512 } } } },
    { LAC_OP_weighted_sum, &(const lac_weighted_sum_attr){ .w = { 1, 1 } }, "two scalars", "ff", { { 0 }, { 0 } } },
};

/* One call's tensors, in the device's memory. */
typedef struct op_set { lac_tensor in[LAC_MAX_IN], out[LAC_MAX_OUT], gout, gin[LAC_MAX_IN]; lac_op_ctx forward, backward; } op_set;

/* Several sets take turns, so that none finds its tensors in a cache. */
typedef struct op_bench {
    const lac_backend *b;
    const op_case *of;
    lac_dtype dtype;
    op_set set[MAX_SETS];
    int n;
    void *workspace[2];
    size_t workspace_size[2];
} op_bench;

static lac_status place(const lac_backend *b, lac_tensor *x)
{
    x->backend = b;
    return b->alloc(&x->data, LAC_MAX(lac_bytes(x), 1));
}

static void drop(const lac_backend *b, lac_tensor *x)
{
    if (x->data != NULL)
        b->free(x->data, LAC_MAX(lac_bytes(x), 1));
}

/* As random numbers in [-1, 1): bytes, or whole numbers of [0, below). */
static void make_whole(const lac_tensor *x, float *values, int64_t below)
{
    for (int64_t k = 0; x->dtype == LAC_U8 && k < lac_numel(x); k++)
        ((uint8_t *)values)[k] = (uint8_t)(128 + 127 * values[k]);
    for (int64_t k = 0; x->dtype == LAC_I32 && k < lac_numel(x); k++) {
        const int32_t whole = (int32_t)(0.5f * (values[k] + 1) * (float)below);
        memcpy(&values[k], &whole, sizeof whole);
    }
}

/* Random numbers in [-1, 1), whole ones, or a box of ones in the middle. */
static lac_status draw(const lac_backend *b, lac_tensor *x, bool box, int64_t below)
{
    lac_stream s = lac_stream_at(1, lac_purpose("bench"), 0, 0);
    float *values;
    LAC_TRY(lac_malloc((void **)&values, (size_t)lac_numel(x) * sizeof *values));
    for (int64_t k = 0; k < lac_numel(x); k++) {
        const int64_t w = box ? x->dim[2] : 1, at = k % w, row = box ? k / w % x->dim[1] : 0;
        values[k] = box ? (float)(at >= w / 4 && at < 3 * w / 4 && row >= w / 4 && row < 3 * w / 4) : 2 * lac_stream_uniform(&s) - 1;
    }
    make_whole(x, values, below);
    const lac_status status = x->dtype == LAC_U8 || x->dtype == LAC_I32 ? b->copy(x->data, values, lac_bytes(x)) : lac_backend_write(b, x, values);
    free(values);
    return status;
}

static lac_dtype dtype_of(char letter, lac_dtype d) { return letter == 'x' || letter == 'w' ? d : letter == 'u' ? LAC_U8 : letter == 'i' ? LAC_I32 : LAC_F32; }
static bool has_gradient(char letter) { return letter == 'x' || letter == 'w' || letter == 'f'; }

/* All gradients asked for, as in training: those of weights are f32. The gradient handed in has the output's shape. */
static lac_status make_set(const op_bench *o, op_set *s)
{
    const op_case *c = o->of;
    lac_op_ctx *f = &s->forward;
    *f = (lac_op_ctx){ .def = lac_op_find(c->op), .op = c->op, .attr = c->attr, .backend = o->b };
    for (int i = 0; c->inputs[i] != '\0'; i++) {
        const char letter = c->inputs[i];
        if (letter == '-')
            continue;
        lac_tensor_shape(&s->in[i], dtype_of(letter, o->dtype), c->in[i].ndim, c->in[i].dim);
        LAC_TRY(place(o->b, &s->in[i]));
        LAC_TRY(draw(o->b, &s->in[i], letter == 'm', c->in[0].dim[0]));
        f->in[i] = &s->in[i];
        f->wants[i] = has_gradient(letter);
    }
    for (int k = 0; k < lac_op_n_out(f->def); k++)
        f->out[k] = &s->out[k];
    LAC_TRY(f->def->infer(f));
    for (int k = 0; k < lac_op_n_out(f->def); k++)
        if (f->out[k] != NULL)
            LAC_TRY(place(o->b, f->out[k]));
    s->backward = *f;
    s->backward.backward = true;
    lac_tensor_like(&s->gout, &s->out[0]);
    LAC_TRY(place(o->b, &s->gout));
    LAC_TRY(draw(o->b, &s->gout, false, 0));
    s->backward.gout[0] = &s->gout;
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (f->wants[i]) {
            lac_tensor_shape(&s->gin[i], c->inputs[i] == 'x' ? o->dtype : LAC_F32, c->in[i].ndim, c->in[i].dim);
            LAC_TRY(place(o->b, &s->gin[i]));
            s->backward.gin[i] = &s->gin[i];
        }
    return LAC_OK;
}

static void drop_all(op_bench *o)
{
    for (int n = 0; n < o->n; n++) {
        op_set *s = &o->set[n];
        for (int i = 0; i < LAC_MAX_IN; i++)
            drop(o->b, &s->in[i]), drop(o->b, &s->gin[i]);
        for (int k = 0; k < LAC_MAX_OUT; k++)
            drop(o->b, &s->out[k]);
        drop(o->b, &s->gout);
    }
    for (int i = 0; i < 2; i++)
        if (o->workspace[i] != NULL)
            o->b->free(o->workspace[i], o->workspace_size[i]);
}

static lac_status make_all(op_bench *o)
{
    const lac_kernel *k = &o->b->kernels[o->of->op];
    do {
        memset(&o->set[o->n], 0, sizeof o->set[o->n]);
        LAC_TRY(make_set(o, &o->set[o->n++]));
    } while (o->n < MAX_SETS && o->n * (double)(lac_bytes(&o->set[0].in[0]) + lac_bytes(&o->set[0].out[0])) < BEYOND_CACHES);
    for (int i = 0; i < 2; i++) {
        if (k->workspace != NULL)
            LAC_TRY(k->workspace(i ? &o->set[0].backward : &o->set[0].forward, &o->workspace_size[i]));
        if (o->workspace_size[i] > 0)
            LAC_TRY(o->b->alloc(&o->workspace[i], o->workspace_size[i]));
        for (int n = 0; n < o->n; n++)
            (i ? &o->set[n].backward : &o->set[n].forward)->workspace = o->workspace[i];
    }
    return LAC_OK;
}

static lac_status forward(void *context)
{
    const op_bench *o = context;
    for (int n = 0; n < o->n; n++)
        LAC_TRY(o->b->kernels[o->of->op].forward(&o->set[n].forward));
    return LAC_OK;
}

static lac_status backward(void *context)
{
    const op_bench *o = context;
    for (int n = 0; n < o->n; n++)
        LAC_TRY(o->b->kernels[o->of->op].backward(&o->set[n].backward));
    return LAC_OK;
}

static lac_status time_both(op_bench *o, const lac_peaks *p, int64_t samples)
{
    char shape[64];
    LAC_TRY(make_all(o));
    snprintf(shape, sizeof shape, "%s %s", o->of->about, lac_dtype_name(o->dtype));
    for (int way = 0; way < 2; way++) {
        lac_bench_row row = { .name = lac_op_name(o->of->op), .way = way ? "backward" : "forward", .shape = shape };
        if (way && o->b->kernels[o->of->op].backward == NULL)
            continue;
        LAC_TRY(lac_stopwatch(o->b, way ? backward : forward, o, samples, &row.seconds));
        row.seconds /= o->n;
        lac_op_cost(way ? &o->set[0].backward : &o->set[0].forward, &row.bytes, &row.flops);
        lac_bench_row_print(&row, p);
    }
    return LAC_OK;
}

static bool is_wanted(const char *only, const char *name) { return only == NULL || strcmp(only, name) == 0; }

static lac_status find_case(const char *only)
{
    for (size_t i = 0; i < LAC_COUNT(cases); i++)
        if (is_wanted(only, lac_op_name(cases[i].op)))
            return LAC_OK;
    return is_wanted(only, LAC_BENCH_UPDATE) ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "no benchmark of '%s': there are the ops of 'lacuna ops', and %s", only, LAC_BENCH_UPDATE);
}

lac_status lac_bench_ops(const lac_backend *b, lac_dtype d, const char *only, int64_t samples)
{
    lac_peaks peaks;
    static op_bench o;
    LAC_TRY(find_case(only));
    LAC_TRY(lac_bench_machine(b, d, &peaks));
    lac_bench_heading();
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        if (!is_wanted(only, lac_op_name(cases[i].op)))
            continue;
        o = (op_bench){ .b = b, .of = &cases[i], .dtype = d };
        const lac_status s = lac_context(time_both(&o, &peaks, samples), "%s %s", lac_op_name(cases[i].op), cases[i].about);
        drop_all(&o);
        LAC_TRY(s);
    }
    return is_wanted(only, LAC_BENCH_UPDATE) ? lac_bench_update(b, &peaks, samples) : LAC_OK;
}
