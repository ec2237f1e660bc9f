/* An autoencoder as inpainters and recipes use it: scaled latents, tiles, recomputation. References: tests/golden/autoencoder.py. */
#include "autograd/ops/backend_cpu.h"
#include "core/file/weights.h"
#include "models/autoencoder/tiles.h"
#include "tests/harness/test.h"

#include <string.h>

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

typedef struct subject { lac_network net; lac_weights *w; lac_tape *t; } subject;

static subject open_subject(void)
{
    subject s = { 0 };
    int64_t n = 0;
    json_t *config = json_pack("{s:[ii],s:[ss],s:[ss],s:i,s:i,s:i,s:f}", "block_out_channels", 4, 8, "down_block_types", "DownEncoderBlock2D", "DownEncoderBlock2D",
                               "up_block_types", "UpDecoderBlock2D", "UpDecoderBlock2D", "norm_num_groups", 4, "latent_channels", 3, "sample_size", 16,
                               "scaling_factor", 0.5);
    LAC_CHECK_STATUS(lac_network_open(&s.net, &lac_network_autoencoder_kl, config, cpu(), LAC_F32));
    LAC_CHECK_STATUS(lac_params_init(s.net.params, 1));
    LAC_CHECK_STATUS(lac_weights_open(&s.w, lac_test_golden("autoencoder.safetensors")));
    LAC_CHECK_STATUS(lac_params_load(s.net.params, s.w, "weights.", true, &n));
    LAC_CHECK_STATUS(lac_tape_new(&s.t, cpu()));
    json_decref(config);
    return s;
}

static void close_subject(subject *s)
{
    lac_tape_free(s->t);
    lac_weights_close(s->w);
    lac_network_close(&s->net);
}

static lac_tensor *golden(const subject *s, const char *name)
{
    const int64_t at = lac_weights_find(s->w, name);
    LAC_CHECK(at >= 0);
    const lac_shape shape = lac_weights_shape(s->w, at);
    lac_tensor *x;
    LAC_CHECK_STATUS(lac_tensor_new(&x, LAC_F32, shape.ndim, shape.dim));
    LAC_CHECK_STATUS(lac_weights_read_f32(s->w, at, x->data));
    return x;
}

static void check_same(const subject *s, lac_tensor *found, const char *name)
{
    lac_tensor *want = golden(s, name);
    LAC_CHECK(lac_same_shape(found, want) && lac_gap(found->data, want->data, lac_numel(want)) < 1e-5);
    lac_tensor_free(want);
    lac_tensor_free(found);
}

LAC_TEST(tiles_are_those_of_diffusers)
{
    subject s = open_subject();
    lac_tensor *image = golden(&s, "image"), *latent = golden(&s, "noise"), *moments, *decoded, *none;
    LAC_CHECK_STATUS(lac_tiled_encode(&s.net, s.t, image, 0, &moments));
    check_same(&s, moments, "tiled_moments");
    LAC_CHECK_STATUS(lac_tiled_decode(&s.net, s.t, latent, 0, &decoded));
    check_same(&s, decoded, "tiled_decoded");
    LAC_CHECK_FAILS(lac_tiled_decode(&s.net, s.t, latent, 12, &none), LAC_ERR_ARG, "multiple of 8");
    image->dim[1] = 13;
    LAC_CHECK_FAILS(lac_tiled_encode(&s.net, s.t, image, 0, &none), LAC_ERR_SHAPE, "multiple of 2");
    lac_tensor_free(image);
    lac_tensor_free(latent);
    close_subject(&s);
}

static lac_status there_and_back(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    const lac_autoencoder *a = model;
    out[0] = lac_autoencoder_latent(t, a, lac_autoencoder_encode(t, a, in[0]), in[1]);
    out[1] = lac_autoencoder_picture(t, a, out[0]);
    return lac_tape_status(t);
}

LAC_TEST(latents_are_scaled_there_and_back)
{
    subject s = open_subject();
    lac_tensor *in[2] = { golden(&s, "image"), golden(&s, "noise") }, *out[2];
    LAC_CHECK_STATUS(lac_network_run(&s.net, s.t, "there and back", there_and_back, in, 2, out, 2));
    check_same(&s, out[0], "latent");
    check_same(&s, out[1], "picture");
    lac_tensor_free(in[0]);
    lac_tensor_free(in[1]);
    close_subject(&s);
}

/* A gradient of everything, and the region's memory. */
typedef struct training { subject *s; lac_tensor *image, *noise, *gradient; } training;

static lac_status train(lac_tape *t, void *context)
{
    training *r = context;
    const lac_autoencoder *a = r->s->net.model;
    lac_tensor *image = lac_tape_input(t, r->image, LAC_F32), *gx[1];
    lac_tape_watch(t, image);
    lac_tensor *y = lac_autoencoder_picture(t, a, lac_autoencoder_latent(t, a, lac_autoencoder_encode(t, a, image), lac_tape_input(t, r->noise, LAC_F32)));
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(lac_grad(t, &(lac_root){ .y = y, .gy = lac_tape_input(t, r->image, LAC_F32) }, 1, &image, 1, gx));
    return lac_keep(t, gx[0], &r->gradient);
}

static int64_t run_training(subject *s, training *r, bool recompute)
{
    lac_autoencoder *a = s->net.model;
    lac_plan_stats stats;
    a->encoder.recompute = a->decoder.recompute = recompute;
    LAC_CHECK_STATUS(lac_tape_run(s->t, recompute ? "again" : "kept", train, r));
    LAC_CHECK_STATUS(lac_tape_plan_stats(s->t, recompute ? "again" : "kept", &stats));
    return stats.peak_bytes;
}

LAC_TEST(blocks_that_are_run_again_change_no_bit_and_take_less_memory)
{
    subject s = open_subject();
    training kept = { &s, golden(&s, "image"), golden(&s, "noise"), NULL }, again = kept;
    const int64_t whole = run_training(&s, &kept, false), less = run_training(&s, &again, true);
    LAC_CHECK(memcmp(kept.gradient->data, again.gradient->data, lac_bytes(kept.gradient)) == 0);
    LAC_CHECK(less < whole);
    lac_tensor_free(kept.gradient), lac_tensor_free(again.gradient);
    lac_tensor_free(kept.image), lac_tensor_free(kept.noise);
    close_subject(&s);
}
