/* bench-step f32|bf16 WEIGHTS.safetensors IN.safetensors [cpu|cuda] -- the DeepFill v2 training step, driven by lines on stdin.
 *
 * WEIGHTS and IN as `lacuna probe deepfillv2-gan` takes them: sizes and widths follow from their shapes. It answers "run N" with the
 * seconds that N steps took, "loss" with d_loss and g_loss of the last step, "profile" with milliseconds by op. */
#include "autograd/ops/backend_cpu.h"
#include "autograd/peaks.h"
#include "core/clock.h"
#include "core/comm/comm.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "data/field.h"
#include "train/run.h"
#include "train/stages.h"
#include "train/step.h"
#include "train/timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench { lac_stages stages; lac_trainer trainer; lac_comm *comm; lac_batch batch; int64_t step; } bench;

static lac_status read_field(const lac_weights *w, const char *name, lac_field *field)
{
    const int64_t at = lac_weights_find(w, name);
    if (at < 0)
        return LAC_FAIL(LAC_ERR_KEY, "'%s' is missing", name);
    const lac_shape border = lac_weights_shape(w, at), ours = lac_inner_shape(LAC_ROLE_CONV, &border);
    lac_tensor *stored, *x;
    LAC_TRY(lac_tensor_new(&stored, LAC_F32, border.ndim, border.dim));
    LAC_TRY(lac_tensor_new(&x, LAC_F32, ours.ndim, ours.dim));
    LAC_TRY(lac_weights_read_f32(w, at, stored->data));
    lac_from_border(x->data, stored->data, LAC_ROLE_CONV, &ours);
    lac_tensor_free(stored);
    field->tensor = *x;
    free(x);                                    /* its data lives on in the field */
    return lac_field_find(&field->def, name);
}

static lac_status make_stages(bench *b, const lac_weights *w, const char *precision, const char *device)
{
    const lac_tensor *image = &b->batch.field[0].tensor;
    const int64_t conv = lac_weights_find(w, "generator.conv1.weight"), disc = lac_weights_find(w, "discriminator.conv1.weight");
    if (conv < 0 || disc < 0)
        return LAC_FAIL(LAC_ERR_KEY, "the weights hold no generator.conv1.weight and discriminator.conv1.weight");
    json_t *config = json_pack("{s:s,s:s,s:i,s:s,s:s,s:{s:I},s:{s:{s:I}},s:{s:{s:I},s:{s:I}},s:{s:{s:f,s:f},s:{s:f,s:f}}}",
        "name", "bench", "recipe", "deepfill", "steps", 1, "precision", precision, "device", device, "batch", "global", (json_int_t)image->dim[0],
        "data", "train", "size", (json_int_t)image->dim[1], "model", "generator", "cnum", (json_int_t)lac_weights_shape(w, conv).dim[0],
        "discriminator", "width", (json_int_t)lac_weights_shape(w, disc).dim[0],
        "optim", "generator", "lr", 1e-4, "beta1", 0.5, "discriminator", "lr", 1e-4, "beta1", 0.5);
    const lac_status s = lac_stages_resolve(&b->stages, config, NULL, NULL);
    json_decref(config);
    return s;
}

static lac_status load_weights(bench *b, const lac_weights *w)
{
    for (int i = 0; i < b->trainer.recipe.n_nets; i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "%s.", b->trainer.recipe.net[i]->name);
        LAC_TRY(lac_params_load(b->trainer.recipe.net[i], w, prefix, true, NULL));
    }
    return LAC_OK;
}

static lac_status setup(bench *b, const char *precision, const char *weights, const char *in, const char *device)
{
    lac_weights *w, *x;
    const lac_backend *backend;
    lac_dtype d;
    LAC_TRY(lac_backend_cpu_register());
    LAC_TRY(lac_weights_open(&x, in));
    LAC_TRY(lac_weights_open(&w, weights));
    LAC_TRY(read_field(x, "image", &b->batch.field[0]));
    LAC_TRY(read_field(x, "mask", &b->batch.field[1]));
    b->batch.n = b->batch.field[0].tensor.dim[0];
    if (b->batch.field[1].tensor.dim[0] != b->batch.n)
        return LAC_FAIL(LAC_ERR_SHAPE, "'%s': a mask for each of the %lld pictures is wanted", in, (long long)b->batch.n);
    b->batch.n_fields = 2;
    LAC_TRY(make_stages(b, w, precision, device));
    LAC_TRY(lac_comm_alone(&b->comm));
    LAC_TRY(lac_run_device(b->stages.stage[0].config, &backend, &d));
    LAC_TRY(lac_trainer_open(&b->trainer, b->stages.stage[0].recipe, b->stages.stage[0].config, "bench", backend, d, b->comm));
    const lac_status s = load_weights(b, w);
    lac_weights_close(w);
    lac_weights_close(x);
    return s;
}

static lac_status steps(bench *b, int64_t n, double *seconds)
{
    const lac_batch *batch[LAC_MAX_PHASES] = { &b->batch, &b->batch };
    const double start = lac_seconds();
    for (int64_t i = 0; i < n; i++)
        LAC_TRY(lac_trainer_step(&b->trainer, b->step++, batch, NULL));
    LAC_TRY(lac_trainer_settle(&b->trainer));
    *seconds = lac_seconds() - start;
    return LAC_OK;
}

static lac_status profile(bench *b)
{
    static lac_timing t;
    double seconds;
    lac_op op;
    bool backward;
    lac_timing_start(&t, b->trainer.tape);
    const lac_status s = steps(b, 1, &seconds);
    lac_timing_stop(b->trainer.tape);
    for (int k = 0; s == LAC_OK && lac_timing_at(&t, k, &op, &backward); k++)
        printf("%9.1f ms  %s %s\n", 1e3 * t.of[op][backward].seconds, lac_op_name(op), backward ? "backward" : "forward");
    if (s == LAC_OK)
        printf("%9.1f ms  in kernels, %.1f ms the step\n", 1e3 * lac_timing_seconds(&t), 1e3 * seconds);
    return s;
}

static lac_status answer(bench *b, const char *line)
{
    double seconds;
    if (strncmp(line, "run ", 4) == 0) {
        LAC_TRY(steps(b, atoll(line + 4), &seconds));
        printf("%.6f\n", seconds);
    } else if (strncmp(line, "loss", 4) == 0) {
        const lac_trainer *t = &b->trainer;
        printf("%.9g %.9g\n", 0.5 * (t->loss[0][0] + t->loss[0][1]), lac_trainer_total(t));
    } else if (strncmp(line, "profile", 7) == 0) {
        LAC_TRY(profile(b));
    } else {
        return LAC_FAIL(LAC_ERR_ARG, "expected 'run N', 'loss' or 'profile', got '%s'", line);
    }
    fflush(stdout);
    return LAC_OK;
}

int main(int argc, char **argv)
{
    bench b = { 0 };
    char line[256];
    lac_status s = argc == 4 || argc == 5 ? setup(&b, argv[1], argv[2], argv[3], argc == 5 ? argv[4] : "cpu")
                                           : LAC_FAIL(LAC_ERR_ARG, "bench-step f32|bf16 WEIGHTS IN [cpu|cuda]");
    if (s == LAC_OK) {
        char device[512];
        lac_device_words(b.trainer.recipe.backend, device, sizeof device);
        printf("ready %s, %s\n", argv[1], device);
        fflush(stdout);
    }
    while (s == LAC_OK && fgets(line, sizeof line, stdin) != NULL)
        s = answer(&b, line);
    if (s != LAC_OK)
        fprintf(stderr, "bench-step: %s\n", lac_error_message());
    return s == LAC_OK ? 0 : 1;
}
