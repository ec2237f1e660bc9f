/* bench-network f32|bf16 FOLDER IN.safetensors [cpu|cuda] -- a published network forward, driven by lines on stdin (benchmarks/network.py).
 *
 * FOLDER as diffusers or transformers keep it, or a file with the network's name in its metadata; IN holds one input, f32 or integers, channels last, whose name says what is run:
 * "image" and "latent" of an autoencoder its encoder and decoder, "ids" and "image" of CLIP's towers, "picture" of FID's Inception network its 2048 features, with norms folded. It answers "run N" with the seconds that N calls took, results copied to the host among them; "loss" with two
 * numbers of the last result y: the root of the mean of y^2, and of (y + p)^2, where p_i = (7919 i mod 1000) / 500 - 1; "profile" with one call kernel by kernel. */
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/ops.h"
#include "autograd/peaks.h"
#include "core/backend.h"
#include "core/clock.h"
#include "core/file/weights.h"
#include "models/autoencoder/autoencoder.h"
#include "models/clip/text.h"
#include "models/clip/vision.h"
#include "models/inception/inception.h"
#include "models/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lac_status encode(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_autoencoder_encode(t, model, in[0]);
    return lac_tape_status(t);
}

static lac_status decode(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_autoencoder_decode(t, model, in[0]);
    return lac_tape_status(t);
}

static lac_status text(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_clip_text_forward(t, model, in[0]).last;
    return lac_tape_status(t);
}

static lac_status vision(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_clip_vision_forward(t, model, in[0]).embeds;
    return lac_tape_status(t);
}

static lac_status pool3(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    lac_inception_features f;
    lac_inception_forward(t, model, in[0], lac_inception_bit(LAC_INCEPTION_2048), &f);
    out[0] = f.pool3;
    return lac_tape_status(t);
}

static const struct part { const char *network, *input; lac_network_call *call; } parts[] = {
    { "autoencoder-kl", "image", encode }, { "autoencoder-kl", "latent", decode }, { "clip-text", "ids", text }, { "clip-vision", "image", vision },
    { "inception-fid", "picture", pool3 },
};

typedef struct bench { lac_network network; lac_tape *tape; const struct part *part; lac_tensor *in, *out; } bench;

static lac_status find_part(bench *b, const char *input)
{
    for (size_t i = 0; i < LAC_COUNT(parts); i++)
        if (strcmp(parts[i].network, b->network.def->name) == 0 && strcmp(parts[i].input, input) == 0) {
            b->part = &parts[i];
            return LAC_OK;
        }
    return LAC_FAIL(LAC_ERR_KEY, "nothing of network '%s' is run on an input '%s'", b->network.def->name, input);
}

/* Floats in the network's dtype, integers as they are. */
static lac_status read_input(bench *b, const lac_weights *w, lac_dtype d)
{
    const lac_shape shape = lac_weights_shape(w, 0);
    const lac_dtype stored = lac_weights_dtype(w, 0);
    lac_tensor *wide;
    LAC_TRY(find_part(b, lac_weights_name(w, 0)));
    if (stored != LAC_F32) {
        LAC_TRY(lac_tensor_new(&b->in, stored, shape.ndim, shape.dim));
        return lac_weights_read(w, 0, b->in->data, (size_t)lac_numel(b->in) * lac_dtype_size(stored));
    }
    LAC_TRY(lac_tensor_new(&wide, LAC_F32, shape.ndim, shape.dim));
    lac_status s = lac_tensor_new(&b->in, d, shape.ndim, shape.dim);
    if (s == LAC_OK)
        s = lac_weights_read_f32(w, 0, wide->data);
    if (s == LAC_OK)
        lac_from_f32(b->in->data, d, wide->data, lac_numel(wide));
    lac_tensor_free(wide);
    return s;
}

/* Inception as an evaluation runs it. */
static lac_status fold(bench *b, const lac_backend *backend, lac_dtype d)
{
    lac_network folded;
    if (b->network.def != &lac_network_inception_fid)
        return LAC_OK;
    json_t *config = json_pack("{s:b}", "folded", 1);
    lac_status s = lac_network_open(&folded, b->network.def, config, backend, d);
    json_decref(config);
    LAC_TRY(s);
    s = lac_inception_fold(folded.model, b->network.model);
    lac_network_close(&b->network);
    b->network = folded;
    return s;
}

static lac_status setup(bench *b, const char *precision, const char *folder, const char *in, const char *device)
{
    const lac_dtype d = strcmp(precision, "bf16") == 0 ? LAC_BF16 : LAC_F32;
    const lac_backend *backend;
    lac_weights *w;
    LAC_TRY(lac_backend_cpu_register());
    LAC_TRY(lac_backend_get(&backend, device));
    LAC_TRY(lac_network_load(&b->network, folder, NULL, backend, d));
    LAC_TRY(fold(b, backend, d));
    LAC_TRY(lac_tape_new(&b->tape, backend));
    LAC_TRY(lac_weights_open(&w, in));
    const lac_status s = read_input(b, w, d);
    lac_weights_close(w);
    return s;
}

static lac_status calls(bench *b, int64_t n, double *seconds)
{
    const double start = lac_seconds();
    for (int64_t i = 0; i < n; i++) {
        lac_tensor_free(b->out);
        LAC_TRY(lac_network_run(&b->network, b->tape, b->part->input, b->part->call, &b->in, 1, &b->out, 1));
    }
    *seconds = lac_seconds() - start;
    return LAC_OK;
}

static void print_size(const bench *b)
{
    const float *y = b->out->data;
    const int64_t n = lac_numel(b->out);
    double square = 0, moved = 0;
    for (int64_t i = 0; i < n; i++) {
        const double p = (double)(7919 * i % 1000) / 500 - 1;
        square += (double)y[i] * (double)y[i];
        moved += ((double)y[i] + p) * ((double)y[i] + p);
    }
    printf("%.9g %.9g\n", sqrt(square / (double)n), sqrt(moved / (double)n));
}

static void print_kernel(void *context, const char *path, const char *op, bool backward, double start, double seconds, int64_t bytes, int64_t flops)
{
    (void)backward, (void)start;
    *(double *)context += seconds;
    printf("%9.3f ms %8.1f GFLOP/s %7.2f GB/s  %-18s %s\n", 1e3 * seconds, 1e-9 * (double)flops / seconds, 1e-9 * (double)bytes / seconds, op, path);
}

static lac_status profile(bench *b)
{
    double seconds, inside = 0;
    lac_tape_profile(b->tape, print_kernel, &inside);
    const lac_status s = calls(b, 1, &seconds);
    lac_tape_profile(b->tape, NULL, NULL);
    if (s == LAC_OK)
        printf("%9.3f ms in kernels, %.3f ms the call\n", 1e3 * inside, 1e3 * seconds);
    return s;
}

static lac_status answer(bench *b, const char *line)
{
    double seconds;
    if (strncmp(line, "run ", 4) == 0) {
        LAC_TRY(calls(b, atoll(line + 4), &seconds));
        printf("%.6f\n", seconds);
    } else if (strncmp(line, "loss", 4) == 0 && b->out != NULL) {
        print_size(b);
    } else if (strncmp(line, "profile", 7) == 0) {
        LAC_TRY(profile(b));
    } else {
        return LAC_FAIL(LAC_ERR_ARG, "expected 'run N', then 'loss' or 'profile', got '%s'", line);
    }
    fflush(stdout);
    return LAC_OK;
}

int main(int argc, char **argv)
{
    bench b = { 0 };
    char line[256], device[512];
    lac_status s = argc == 4 || argc == 5 ? setup(&b, argv[1], argv[2], argv[3], argc == 5 ? argv[4] : "cpu")
                                           : LAC_FAIL(LAC_ERR_ARG, "bench-network f32|bf16 FOLDER IN [cpu|cuda]");
    if (s == LAC_OK) {
        lac_device_words(b.network.params->backend, device, sizeof device);
        printf("ready %s, %s\n", argv[1], device);
        fflush(stdout);
    }
    while (s == LAC_OK && fgets(line, sizeof line, stdin) != NULL)
        s = answer(&b, line);
    if (s != LAC_OK)
        fprintf(stderr, "bench-network: %s\n", lac_error_message());
    lac_tensor_free(b.in);
    lac_tensor_free(b.out);
    lac_tape_free(b.tape);
    lac_network_close(&b.network);
    return s == LAC_OK ? 0 : 1;
}
