/* benchmarks/floor.c -- for every convolution and product of the DeepFill v2 step or of another pass the fastest bare oneDNN call beside ours.
 *
 *     bench-floor [PASS] [f32|bf16] [rounds] [name]      PASS: deepfill, unet, vae-encode or vae-decode; name: only layers and products whose name contains it
 *     bench-floor [PASS] f32|bf16 serve                  chooses the fastest, then times them for benchmarks/step.py and network.py: "run N" is answered
 *                                                        with the seconds of N floors, each call made as often as the pass makes it; "serve forward":
 *                                                        without gradients
 *
 * Bare: direct or Winograd, NHWC or the library's own layout, packed weights (products: B as it lies or packed beforehand), all threads,
 * unsliced. Sums are weighted by how often a step runs each pass; the fraction of the floor is bare / ours. Left out of the products, as
 * nothing: spectral norm's with vectors. */
#include "benchmarks/layers.h"
#include "benchmarks/measure.h"
#include "core/cpu/dnn_library.h"
#include "core/threads.h"

#include <string.h>

/* The convolutions of one training step: batch 4, 256x256, cnum 48, discriminator width 64 on [real, fake], so batch 8. D phase: generator
 * forward, discriminator forward and backward. G phase: generator forward, discriminator forward, gradient through the discriminator into the
 * generator, generator backward. */
static const layer layers[] = {
    { "conv1 5->48 k5", 4, 256, 5, 48, 5, 1, 1, { 2, 0, 1 } },
    { "xconv1 3->48 k5", 4, 256, 3, 48, 5, 1, 1, { 4, 2, 2 } },
    { "conv2 24->96 s2", 4, 256, 24, 96, 3, 2, 1, { 2, 1, 1 } },
    { "xconv2 24->48 s2", 4, 256, 24, 48, 3, 2, 1, { 4, 2, 2 } },
    { "conv3 48->96", 4, 128, 48, 96, 3, 1, 1, { 6, 3, 3 } },
    { "xconv3 24->96", 4, 128, 24, 96, 3, 1, 1, { 4, 2, 2 } },
    { "conv4 48->192 s2", 4, 128, 48, 192, 3, 2, 1, { 4, 2, 2 } },
    { "xconv4 48->96 s2", 4, 128, 48, 96, 3, 2, 1, { 2, 1, 1 } },
    { "xconv5 48->192", 4, 64, 48, 192, 3, 1, 1, { 2, 1, 1 } },
    { "conv5 96->192", 4, 64, 96, 192, 3, 1, 1, { 20, 10, 10 } },
    { "conv7 96->192 d2", 4, 64, 96, 192, 3, 1, 2, { 4, 2, 2 } },
    { "conv8 96->192 d4", 4, 64, 96, 192, 3, 1, 4, { 4, 2, 2 } },
    { "conv9 96->192 d8", 4, 64, 96, 192, 3, 1, 8, { 4, 2, 2 } },
    { "conv10 96->192 d16", 4, 64, 96, 192, 3, 1, 16, { 4, 2, 2 } },
    { "allconv11 192->192", 4, 64, 192, 192, 3, 1, 1, { 2, 1, 1 } },
    { "conv13 96->96", 4, 128, 96, 96, 3, 1, 1, { 4, 2, 2 } },
    { "conv15 48->48", 4, 256, 48, 48, 3, 1, 1, { 4, 2, 2 } },
    { "conv16 24->24", 4, 256, 24, 24, 3, 1, 1, { 4, 2, 2 } },
    { "conv17 12->3", 4, 256, 12, 3, 3, 1, 1, { 4, 2, 2 } },
    { "D1 4->64 k5 s2", 8, 256, 4, 64, 5, 2, 1, { 2, 1, 1 } },
    { "D2 64->128 k5 s2", 8, 128, 64, 128, 5, 2, 1, { 2, 2, 1 } },
    { "D3 128->256 k5 s2", 8, 64, 128, 256, 5, 2, 1, { 2, 2, 1 } },
    { "D4 256->256 k5 s2", 8, 32, 256, 256, 5, 2, 1, { 2, 2, 1 } },
    { "D5 256->256 k5 s2", 8, 16, 256, 256, 5, 2, 1, { 2, 2, 1 } },
    { "D6 256->256 k5 s2", 8, 8, 256, 256, 5, 2, 1, { 2, 2, 1 } },
};

/* The attention's products, of one sample each: 1024 places, neighbourhoods of 864 and pieces of 1536 values. Generator forward twice,
 * backward once; dR and dK multiply by a matrix that lies transposed, which the bare call is spared. */
typedef struct product { const char *name; int64_t m, n, k; int runs; bool backward; } product;
static const product products[] = {
    { "attention scores", 1024, 1024, 864, 8, false },
    { "attention paste", 1024, 1536, 1024, 8, false },
    { "attention dA", 1024, 1024, 1536, 4, true },
    { "attention dR", 1024, 1536, 1024, 4, true },
    { "attention dQ, dK", 1024, 864, 1024, 8, true },
};

/* Stable Diffusion 1.5's UNet, one sample of 64x64: res-blocks and ends of levels; 1x1 convolutions are among the products. */
static const layer unet_layers[] = {
    { "conv_in 4->320", 1, 64, 4, 320, 3, 1, 1, { 1, 0, 1 } },
    { "64^2 320->320", 1, 64, 320, 320, 3, 1, 1, { 7, 7, 7 } },
    { "64^2 960->320", 1, 64, 960, 320, 3, 1, 1, { 1, 1, 1 } },
    { "64^2 640->320", 1, 64, 640, 320, 3, 1, 1, { 2, 2, 2 } },
    { "64^2 640->640", 1, 64, 640, 640, 3, 1, 1, { 1, 1, 1 } },
    { "64^2 320->320 s2", 1, 64, 320, 320, 3, 2, 1, { 1, 1, 1 } },
    { "conv_out 320->4", 1, 64, 320, 4, 3, 1, 1, { 1, 1, 1 } },
    { "32^2 320->640", 1, 32, 320, 640, 3, 1, 1, { 1, 1, 1 } },
    { "32^2 640->640", 1, 32, 640, 640, 3, 1, 1, { 6, 6, 6 } },
    { "32^2 1920->640", 1, 32, 1920, 640, 3, 1, 1, { 1, 1, 1 } },
    { "32^2 1280->640", 1, 32, 1280, 640, 3, 1, 1, { 1, 1, 1 } },
    { "32^2 960->640", 1, 32, 960, 640, 3, 1, 1, { 1, 1, 1 } },
    { "32^2 1280->1280", 1, 32, 1280, 1280, 3, 1, 1, { 1, 1, 1 } },
    { "32^2 640->640 s2", 1, 32, 640, 640, 3, 2, 1, { 1, 1, 1 } },
    { "16^2 640->1280", 1, 16, 640, 1280, 3, 1, 1, { 1, 1, 1 } },
    { "16^2 1280->1280", 1, 16, 1280, 1280, 3, 1, 1, { 7, 7, 7 } },
    { "16^2 2560->1280", 1, 16, 2560, 1280, 3, 1, 1, { 2, 2, 2 } },
    { "16^2 1920->1280", 1, 16, 1920, 1280, 3, 1, 1, { 1, 1, 1 } },
    { "16^2 1280->1280 s2", 1, 16, 1280, 1280, 3, 2, 1, { 1, 1, 1 } },
    { "8^2 1280->1280", 1, 8, 1280, 1280, 3, 1, 1, { 11, 11, 11 } },
    { "8^2 2560->1280", 1, 8, 2560, 1280, 3, 1, 1, { 3, 3, 3 } },
};

/* Its linear layers, and the gradients of their inputs and weights; the context's gradient is not asked for. Attention's products are those of one head, dense, which
 * no head of a step is; of 4096 tokens in pieces of 256 rows, as writing all scores would take longer than computing them. */
static const product unet_products[] = {
    { "attention 4096 qk", 256, 4096, 40, 640, false },
    { "attention 4096 pv", 256, 40, 4096, 640, false },
    { "attention 4096 dp", 256, 4096, 40, 640, true },
    { "attention 4096 dq,dk,dv", 256, 40, 4096, 1920, true },
    { "attention 1024 qk", 1024, 1024, 80, 40, false },
    { "attention 1024 pv", 1024, 80, 1024, 40, false },
    { "attention 1024 dp", 1024, 1024, 80, 40, true },
    { "attention 1024 dq,dk,dv", 1024, 80, 1024, 120, true },
    { "attention 256 qk", 256, 256, 160, 40, false },
    { "attention 256 pv", 256, 160, 256, 40, false },
    { "attention 256 dp", 256, 256, 160, 40, true },
    { "attention 256 dq,dk,dv", 256, 160, 256, 120, true },
    { "attention 64 qk", 64, 64, 160, 8, false },
    { "attention 64 pv", 64, 160, 64, 8, false },
    { "attention 64 dp", 64, 64, 160, 8, true },
    { "attention 64 dq,dk,dv", 64, 160, 64, 24, true },
    { "attention 4096x77 qk", 4096, 77, 40, 40, false },
    { "attention 4096x77 pv", 4096, 40, 77, 40, false },
    { "attention 4096x77 dp", 4096, 77, 40, 40, true },
    { "attention 4096x77 dq", 4096, 40, 77, 40, true },
    { "attention 4096x77 dk,dv", 77, 40, 4096, 80, true },
    { "attention 1024x77 qk", 1024, 77, 80, 40, false },
    { "attention 1024x77 pv", 1024, 80, 77, 40, false },
    { "attention 1024x77 dp", 1024, 77, 80, 40, true },
    { "attention 1024x77 dq", 1024, 80, 77, 40, true },
    { "attention 1024x77 dk,dv", 77, 80, 1024, 80, true },
    { "attention 256x77 qk", 256, 77, 160, 40, false },
    { "attention 256x77 pv", 256, 160, 77, 40, false },
    { "attention 256x77 dp", 256, 77, 160, 40, true },
    { "attention 256x77 dq", 256, 160, 77, 40, true },
    { "attention 256x77 dk,dv", 77, 160, 256, 80, true },
    { "attention 64x77 qk", 64, 77, 160, 8, false },
    { "attention 64x77 pv", 64, 160, 77, 8, false },
    { "attention 64x77 dp", 64, 77, 160, 8, true },
    { "attention 64x77 dq", 64, 160, 77, 8, true },
    { "attention 64x77 dk,dv", 77, 160, 64, 16, true },
    { "4096 320->320", 4096, 320, 320, 40, false },
    { "4096 320->320 dx", 4096, 320, 320, 40, true },
    { "4096 320->320 dw", 320, 320, 4096, 40, true },
    { "4096 320->2560", 4096, 2560, 320, 5, false },
    { "4096 320->2560 dx", 4096, 320, 2560, 5, true },
    { "4096 320->2560 dw", 2560, 320, 4096, 5, true },
    { "4096 1280->320", 4096, 320, 1280, 5, false },
    { "4096 1280->320 dx", 4096, 1280, 320, 5, true },
    { "4096 1280->320 dw", 320, 1280, 4096, 5, true },
    { "77 768->320", 77, 320, 768, 10, false },
    { "77 768->320 dw", 320, 768, 77, 10, true },
    { "1024 640->640", 1024, 640, 640, 40, false },
    { "1024 640->640 dx", 1024, 640, 640, 40, true },
    { "1024 640->640 dw", 640, 640, 1024, 40, true },
    { "1024 640->5120", 1024, 5120, 640, 5, false },
    { "1024 640->5120 dx", 1024, 640, 5120, 5, true },
    { "1024 640->5120 dw", 5120, 640, 1024, 5, true },
    { "1024 2560->640", 1024, 640, 2560, 5, false },
    { "1024 2560->640 dx", 1024, 2560, 640, 5, true },
    { "1024 2560->640 dw", 640, 2560, 1024, 5, true },
    { "77 768->640", 77, 640, 768, 10, false },
    { "77 768->640 dw", 640, 768, 77, 10, true },
    { "256 1280->1280", 256, 1280, 1280, 40, false },
    { "256 1280->1280 dx", 256, 1280, 1280, 40, true },
    { "256 1280->1280 dw", 1280, 1280, 256, 40, true },
    { "256 1280->10240", 256, 10240, 1280, 5, false },
    { "256 1280->10240 dx", 256, 1280, 10240, 5, true },
    { "256 1280->10240 dw", 10240, 1280, 256, 5, true },
    { "256 5120->1280", 256, 1280, 5120, 5, false },
    { "256 5120->1280 dx", 256, 5120, 1280, 5, true },
    { "256 5120->1280 dw", 1280, 5120, 256, 5, true },
    { "77 768->1280", 77, 1280, 768, 12, false },
    { "77 768->1280 dw", 1280, 768, 77, 12, true },
    { "64 1280->1280", 64, 1280, 1280, 8, false },
    { "64 1280->1280 dx", 64, 1280, 1280, 8, true },
    { "64 1280->1280 dw", 1280, 1280, 64, 8, true },
    { "64 1280->10240", 64, 10240, 1280, 1, false },
    { "64 1280->10240 dx", 64, 1280, 10240, 1, true },
    { "64 1280->10240 dw", 10240, 1280, 64, 1, true },
    { "64 5120->1280", 64, 1280, 5120, 1, false },
    { "64 5120->1280 dx", 64, 5120, 1280, 1, true },
    { "64 5120->1280 dw", 1280, 5120, 64, 1, true },
    { "4096 960->320", 4096, 320, 960, 1, false },
    { "4096 960->320 dx", 4096, 960, 320, 1, true },
    { "4096 960->320 dw", 320, 960, 4096, 1, true },
    { "4096 640->320", 4096, 320, 640, 2, false },
    { "4096 640->320 dx", 4096, 640, 320, 2, true },
    { "4096 640->320 dw", 320, 640, 4096, 2, true },
    { "1024 320->640", 1024, 640, 320, 1, false },
    { "1024 320->640 dx", 1024, 320, 640, 1, true },
    { "1024 320->640 dw", 640, 320, 1024, 1, true },
    { "1024 1920->640", 1024, 640, 1920, 1, false },
    { "1024 1920->640 dx", 1024, 1920, 640, 1, true },
    { "1024 1920->640 dw", 640, 1920, 1024, 1, true },
    { "1024 1280->640", 1024, 640, 1280, 1, false },
    { "1024 1280->640 dx", 1024, 1280, 640, 1, true },
    { "1024 1280->640 dw", 640, 1280, 1024, 1, true },
    { "1024 960->640", 1024, 640, 960, 1, false },
    { "1024 960->640 dx", 1024, 960, 640, 1, true },
    { "1024 960->640 dw", 640, 960, 1024, 1, true },
    { "256 640->1280", 256, 1280, 640, 1, false },
    { "256 640->1280 dx", 256, 640, 1280, 1, true },
    { "256 640->1280 dw", 1280, 640, 256, 1, true },
    { "256 2560->1280", 256, 1280, 2560, 2, false },
    { "256 2560->1280 dx", 256, 2560, 1280, 2, true },
    { "256 2560->1280 dw", 1280, 2560, 256, 2, true },
    { "256 1920->1280", 256, 1280, 1920, 1, false },
    { "256 1920->1280 dx", 256, 1920, 1280, 1, true },
    { "256 1920->1280 dw", 1280, 1920, 256, 1, true },
    { "64 2560->1280", 64, 1280, 2560, 3, false },
    { "64 2560->1280 dx", 64, 2560, 1280, 3, true },
    { "64 2560->1280 dw", 1280, 2560, 64, 3, true },
};

/* Stable Diffusion's autoencoder (128, 256, 512, 512 channels, two residual blocks a level), one picture of 256x256, forward. 1x1 convolutions of the attention
 * are products of 1024 pixels. An upsampling's 3x3 convolution stands as it is written, on the large map. */
static const layer encode_layers[] = {
    { "in 3->128", 1, 256, 3, 128, 3, 1, 1, { 1, 0, 0 } },
    { "128->128 of 256", 1, 256, 128, 128, 3, 1, 1, { 4, 0, 0 } },
    { "128->128 s2", 1, 256, 128, 128, 3, 2, 1, { 1, 0, 0 } },
    { "128->256 of 128", 1, 128, 128, 256, 3, 1, 1, { 1, 0, 0 } },
    { "128->256 k1 of 128", 1, 128, 128, 256, 1, 1, 1, { 1, 0, 0 } },
    { "256->256 of 128", 1, 128, 256, 256, 3, 1, 1, { 3, 0, 0 } },
    { "256->256 s2", 1, 128, 256, 256, 3, 2, 1, { 1, 0, 0 } },
    { "256->512 of 64", 1, 64, 256, 512, 3, 1, 1, { 1, 0, 0 } },
    { "256->512 k1 of 64", 1, 64, 256, 512, 1, 1, 1, { 1, 0, 0 } },
    { "512->512 of 64", 1, 64, 512, 512, 3, 1, 1, { 3, 0, 0 } },
    { "512->512 s2", 1, 64, 512, 512, 3, 2, 1, { 1, 0, 0 } },
    { "512->512 of 32", 1, 32, 512, 512, 3, 1, 1, { 8, 0, 0 } },
    { "out 512->8", 1, 32, 512, 8, 3, 1, 1, { 1, 0, 0 } },
};
static const layer decode_layers[] = {
    { "in 4->512", 1, 32, 4, 512, 3, 1, 1, { 1, 0, 0 } },
    { "512->512 of 32", 1, 32, 512, 512, 3, 1, 1, { 10, 0, 0 } },
    { "up 512->512 of 64", 1, 64, 512, 512, 3, 1, 1, { 1, 0, 0 } },
    { "512->512 of 64", 1, 64, 512, 512, 3, 1, 1, { 6, 0, 0 } },
    { "up 512->512 of 128", 1, 128, 512, 512, 3, 1, 1, { 1, 0, 0 } },
    { "512->256 of 128", 1, 128, 512, 256, 3, 1, 1, { 1, 0, 0 } },
    { "512->256 k1 of 128", 1, 128, 512, 256, 1, 1, 1, { 1, 0, 0 } },
    { "256->256 of 128", 1, 128, 256, 256, 3, 1, 1, { 5, 0, 0 } },
    { "up 256->256 of 256", 1, 256, 256, 256, 3, 1, 1, { 1, 0, 0 } },
    { "256->128 of 256", 1, 256, 256, 128, 3, 1, 1, { 1, 0, 0 } },
    { "256->128 k1 of 256", 1, 256, 256, 128, 1, 1, 1, { 1, 0, 0 } },
    { "128->128 of 256", 1, 256, 128, 128, 3, 1, 1, { 5, 0, 0 } },
    { "out 128->3", 1, 256, 128, 3, 3, 1, 1, { 1, 0, 0 } },
};
static const product middle_products[] = {
    { "attention q, k, v, out", 1024, 512, 512, 4, false },
    { "attention scores", 1024, 1024, 512, 1, false },
    { "attention mix", 1024, 512, 1024, 1, false },
};

typedef struct table { const char *name; const layer *layers; size_t n_layers; const product *products; size_t n_products; } table;
#define TABLE(name, layers, products) { name, layers, LAC_COUNT(layers), products, LAC_COUNT(products) }
static const table tables[] = {
    TABLE("deepfill", layers, products), TABLE("unet", unet_layers, unet_products), TABLE("vae-encode", encode_layers, middle_products),
    TABLE("vae-decode", decode_layers, middle_products),
};

typedef struct bare {
    lac_prim prim;
    int n, arg[4];
    void *data[4], *scratch;
    char name[80];
} bare;

static void run_bare(void *context)
{
    const bare *b = context;
    stop_on(lac_prim_run(&b->prim, b->n, b->arg, b->data, b->scratch));
}

static void act(lac_md_own *md, int64_t n, int64_t h, int64_t w, int64_t c, lac_dtype d, bool any)
{
    const int64_t stride[] = { h * w * c, 1, w * c, c };
    stop_on(lac_md_new(md, 4, (int64_t[]){ n, c, h, w }, any ? NULL : stride, d));
}

static bool make_prim(bare *b, const lac_conv *c, lac_conv_pass pass, bool any, bool winograd)
{
    lac_md_own x, y, w, w_forward, bias;
    const int64_t dim[] = { c->o, c->c, c->kh, c->kw };
    act(&x, c->n, c->h, c->w, c->c, c->dtype, any);
    act(&y, c->n, lac_conv_out_h(c), lac_conv_out_w(c), c->o, c->dtype, any);
    stop_on(lac_md_new(&w, 4, dim, NULL, pass == LAC_CONV_GRAD_W ? LAC_F32 : c->dtype));
    stop_on(lac_md_new(&w_forward, 4, dim, NULL, c->dtype));
    stop_on(lac_md_new(&bias, 1, &c->o, (int64_t[]){ 1 }, LAC_F32));
    const lac_prim_conv p = {
        .pass = pass, .threads = lac_threads(), .winograd = winograd, .x = lac_md_of(&x), .w = lac_md_of(&w), .y = lac_md_of(&y),
        .b = pass == LAC_CONV_GRAD_X ? NULL : lac_md_of(&bias), .x_forward = lac_md_of(&x), .w_forward = lac_md_of(&w_forward),
        .stride = { c->stride[0], c->stride[1] }, .dilation = { c->dilation[0], c->dilation[1] },
        .pad = { c->pad[0], c->pad[1], c->pad[2], c->pad[3] },
    };
    const bool made = lac_prim_new_conv(&b->prim, &p, false) == LAC_OK;
    lac_md_drop(&x), lac_md_drop(&y), lac_md_drop(&w), lac_md_drop(&w_forward), lac_md_drop(&bias);
    return made;
}

static bool make_bare(bare *b, const lac_conv *c, lac_conv_pass pass, bool any, bool winograd)
{
    static const int args[3][4] = { { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS },
                                    { DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST, 0 },
                                    { DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_BIAS } };
    memset(b, 0, sizeof *b);
    if (!make_prim(b, c, pass, any, winograd))
        return false;
    b->n = pass == LAC_CONV_GRAD_X ? 3 : 4;
    for (int i = 0; i < b->n; i++) {
        b->arg[i] = args[pass][i];
        const size_t bytes = lac_md_bytes(lac_prim_md(&b->prim, b->arg[i]));
        const bool wide = c->dtype == LAC_F32 || i == 3 || (i == 1 && pass == LAC_CONV_GRAD_W);
        b->data[i] = bench_random((int64_t)bytes / (wide ? 4 : 2), wide ? LAC_F32 : LAC_BF16);
    }
    b->scratch = bench_memory(b->prim.scratch);
    snprintf(b->name, sizeof b->name, "%s%s", any ? "any " : "nhwc ", b->prim.name);
    return true;
}

static void drop_bare(bare *b)
{
    for (int i = 0; i < b->n; i++)
        free(b->data[i]);
    free(b->scratch);
    lac_prim_drop(&b->prim);
}

typedef struct sums { double floor, ours; } sums;

/* The fastest calls, kept for serving. */
static struct { bare b; int runs; } kept[LAC_COUNT(unet_layers) * 3 + LAC_COUNT(unet_products) + LAC_COUNT(layers) * 3];
static int n_kept;
static FILE *out;

static void keep_best(bare *b, int n, int best, int runs)
{
    kept[n_kept].b = b[best];
    kept[n_kept++].runs = runs;
    for (int k = 0; k < n; k++)
        if (k != best)
            drop_bare(&b[k]);
}

static int fastest(const candidate *try, int n)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        if (try[k].best < try[best].best)
            best = k;
    return best;
}

static void one_pass(const layer *l, lac_dtype d, lac_conv_pass pass, int rounds, sums *total)
{
    static const char *const pass_name[] = { "fwd", "dx", "dw" };
    const lac_conv c = layer_conv(l, d);
    static bare b[3];
    candidate try[4];
    int n = 0;
    for (int k = 0; k < 3; k++)
        if ((k < 2 || d == LAC_F32) && make_bare(&b[n], &c, pass, k > 0, k == 2)) {
            try[n] = (candidate){ .run = run_bare, .context = &b[n] };
            n++;
        }
    ours o;
    make_ours(&o, &c, pass);
    try[n] = (candidate){ .run = run_ours, .context = &o };
    alternate(try, n + 1, rounds, 0.02);
    const int best = fastest(try, n);
    char algorithm[80];
    stop_on(lac_dnn_conv_algorithm(&c, pass, algorithm, sizeof algorithm));
    fprintf(out, "%-20s %-3s x%-2d %7.2f %7.2f ms %5.2f  %6.0f GFLOP/s  %-32s | %s\n", l->name, pass_name[pass], l->runs[pass], try[best].best * 1e3,
           try[n].best * 1e3, try[best].best / try[n].best, conv_gflop(&c) / try[n].best, b[best].name, algorithm);
    fflush(out);
    total->floor += l->runs[pass] * try[best].best;
    total->ours += l->runs[pass] * try[n].best;
    keep_best(b, n, best, l->runs[pass]);
    drop_ours(&o);
}

static lac_status new_product(bare *b, const product *p, lac_dtype d, bool packed)
{
    lac_md_own x, w, y;
    memset(b, 0, sizeof *b);
    stop_on(lac_md_new(&x, 2, (int64_t[]){ p->m, p->k }, (int64_t[]){ p->k, 1 }, d));
    stop_on(lac_md_new(&w, 2, (int64_t[]){ p->k, p->n }, packed ? NULL : (int64_t[]){ p->n, 1 }, d));
    stop_on(lac_md_new(&y, 2, (int64_t[]){ p->m, p->n }, (int64_t[]){ p->n, 1 }, LAC_F32));
    const lac_status s = lac_prim_new_matmul(&b->prim, lac_md_of(&x), lac_md_of(&w), NULL, lac_md_of(&y), false, lac_threads());
    lac_md_drop(&x), lac_md_drop(&w), lac_md_drop(&y);
    return s;
}

static void make_product(bare *b, const product *p, lac_dtype d, bool packed)
{
    static const int args[3] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST };
    stop_on(new_product(b, p, d, packed));
    b->n = 3;
    for (int i = 0; i < 3; i++) {
        b->arg[i] = args[i];
        const lac_dtype of = i == 2 ? LAC_F32 : d;
        b->data[i] = bench_random((int64_t)(lac_md_bytes(lac_prim_md(&b->prim, args[i])) / lac_dtype_size(of)), of);
    }
    b->scratch = bench_memory(b->prim.scratch);
    snprintf(b->name, sizeof b->name, "%s%s", packed ? "packed " : "plain ", b->prim.name);
}

typedef struct our_product { lac_product p; lac_dnn_weight w; void *a, *b, *c, *workspace; } our_product;

static void run_our_product(void *context)
{
    const our_product *o = context;
    stop_on(lac_dnn_matmul(&o->p, o->a, &o->w, NULL, o->c, o->workspace));
}

static void one_product(const product *p, lac_dtype d, int rounds, sums *total)
{
    bare b[2];
    our_product o = { .p = { .batch = 1, .m = p->m, .n = p->n, .k = p->k, .a_row = p->k, .a_col = 1, .b_row = p->n, .b_col = 1, .c_row = p->n,
                             .dtype = d, .c_dtype = LAC_F32 } };
    const bool weight = strstr(p->name, "->") && !strstr(p->name, " dw");      /* B is one, packed once */
    size_t size;
    lac_dnn_forget(78);
    stop_on(lac_dnn_matmul_workspace(&o.p, weight, &size));
    o.workspace = bench_memory(size);
    o.a = bench_random(p->m * p->k, d), o.b = bench_random(p->k * p->n, d), o.c = bench_random(p->m * p->n, LAC_F32);
    o.w = (lac_dnn_weight){ .data = o.b, .uid = weight ? 78 : 0, .version = 1 };
    for (int k = 0; k < 2; k++)
        make_product(&b[k], p, d, k == 1);
    candidate try[3] = { { .run = run_bare, .context = &b[0] }, { .run = run_bare, .context = &b[1] }, { .run = run_our_product, .context = &o } };
    alternate(try, 3, rounds, 0.02);
    const int best = fastest(try, 2);
    fprintf(out, "%-23s  x%-3d %7.2f %7.2f ms %5.2f  %6.0f GFLOP/s  %s\n", p->name, p->runs, try[best].best * 1e3, try[2].best * 1e3,
           try[best].best / try[2].best, 2e-9 * (double)(p->m * p->n * p->k) / try[2].best, b[best].name);
    fflush(out);
    total->floor += p->runs * try[best].best;
    total->ours += p->runs * try[2].best;
    keep_best(b, 2, best, p->runs);
    free(o.a), free(o.b), free(o.c), free(o.workspace);
}

static void run_floor(void)
{
    for (int i = 0; i < n_kept; i++)
        for (int k = 0; k < kept[i].runs; k++)
            run_bare(&kept[i].b);
}

static void serve(lac_dtype d)
{
    char line[64];
    printf("ready the fastest bare calls of oneDNN %s, %s\n", lac_dnn_version(), lac_dtype_name(d));
    fflush(stdout);
    for (int n; fgets(line, sizeof line, stdin) != NULL && sscanf(line, "run %d", &n) == 1; fflush(stdout)) {
        const double start = bench_now();
        for (int i = 0; i < n; i++)
            run_floor();
        printf("%.6f\n", bench_now() - start);
    }
}

static void choose(const table *s, lac_dtype d, int rounds, const char *name, bool backward)
{
    sums total[5] = { { 0, 0 } };
    fprintf(out, "oneDNN %s, %d threads, %s: fastest bare call, ours, bare / ours; best of %d rounds\n", lac_dnn_version(), lac_threads(), lac_dtype_name(d), rounds);
    for (size_t i = 0; i < s->n_layers; i++)
        for (int pass = 0; pass < (backward ? 3 : 1); pass++)
            if (s->layers[i].runs[pass] > 0 && strstr(s->layers[i].name, name))
                one_pass(&s->layers[i], d, (lac_conv_pass)pass, rounds, &total[pass]);
    for (size_t i = 0; i < s->n_products; i++)
        if (strstr(s->products[i].name, name) && (backward || !s->products[i].backward))
            one_product(&s->products[i], d, rounds, &total[3 + s->products[i].backward]);
    double floor = 0, ours = 0;
    for (int i = 0; i < 5; i++)
        floor += total[i].floor, ours += total[i].ours;
    fprintf(out, "forward %.0f / %.0f ms, gradients of x %.0f / %.0f, of weights %.0f / %.0f, products forward %.0f / %.0f, backward %.0f / %.0f\n",
            total[0].floor * 1e3, total[0].ours * 1e3, total[1].floor * 1e3, total[1].ours * 1e3, total[2].floor * 1e3, total[2].ours * 1e3,
            total[3].floor * 1e3, total[3].ours * 1e3, total[4].floor * 1e3, total[4].ours * 1e3);
    fprintf(out, "forward alone: floor %.0f ms, ours %.0f ms; all: floor %.0f ms, ours %.0f ms, fraction %.3f\n", (total[0].floor + total[3].floor) * 1e3,
            (total[0].ours + total[3].ours) * 1e3, floor * 1e3, ours * 1e3, floor / ours);
}

int main(int argc, char **argv)
{
    const table *s = &tables[0];
    for (size_t i = 0; argc > 1 && i < LAC_COUNT(tables); i++)
        s = strcmp(argv[1], tables[i].name) == 0 ? &tables[i] : s;
    const bool named = argc > 1 && strcmp(argv[1], s->name) == 0;
    argc -= named, argv += named;
    const lac_dtype d = argc > 1 && strcmp(argv[1], "bf16") == 0 ? LAC_BF16 : LAC_F32;
    const bool serves = argc > 2 && strcmp(argv[2], "serve") == 0;
    const int rounds = argc > 2 && !serves ? LAC_MIN(LAC_MAX(atoi(argv[2]), 1), 64) : 5;
    out = serves ? stderr : stdout;
    const bool forward = serves && argc > 3 && strcmp(argv[3], "forward") == 0;
    choose(s, d, rounds, argc > 3 && !forward ? argv[3] : "", !forward);
    if (serves)
        serve(d);
    for (int i = 0; i < n_kept; i++)
        drop_bare(&kept[i].b);
    return 0;
}
