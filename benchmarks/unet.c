/* bench-unet f32|bf16 CONFIG.json WEIGHTS.safetensors IN.safetensors -- a UNet forward, and forward with all gradients, driven by lines on stdin.
 *
 * The files are those of `lacuna probe unet2d-condition`, IN with grad.sample. It answers "forward N" and "both N" with the seconds that N of them took, "norms" with the
 * length of the prediction and of all parameters' gradients of the last, "profile forward" and "profile both" with milliseconds by op. */
#include "autograd/ops/backend_cpu.h"
#include "core/clock.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "models/unet/unet.h"
#include "models/network.h"
#include "train/timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench {
    lac_network net;
    lac_tape *tape;
    lac_tensor *sample, *timestep, *context, *gy, *y;
    float *gradients;
    bool backward;
} bench;

static lac_status read_input(const lac_weights *w, const char *name, bool image, lac_tensor **x)
{
    const int64_t at = lac_weights_find(w, name);
    if (at < 0)
        return LAC_FAIL(LAC_ERR_KEY, "'%s' is missing", name);
    const lac_role role = image ? LAC_ROLE_CONV : LAC_ROLE_OTHER;
    const lac_shape border = lac_weights_shape(w, at), ours = lac_inner_shape(role, &border);
    float *stored;
    LAC_TRY(lac_malloc((void **)&stored, (size_t)lac_shape_numel(&border) * sizeof *stored));
    LAC_TRY(lac_tensor_new(x, LAC_F32, ours.ndim, ours.dim));
    LAC_TRY(lac_weights_read_f32(w, at, stored));
    lac_from_border((*x)->data, stored, role, &ours);
    free(stored);
    return LAC_OK;
}

/* diffusers' config without what it says of itself. */
static json_t *read_config(const char *path)
{
    const char *name;
    json_t *config = json_load_file(path, 0, NULL), *value;
    void *next;
    json_object_foreach_safe(config, next, name, value) {
        if (name[0] == '_')
            json_object_del(config, name);
    }
    return config;
}

/* Room for every parameter's gradient, one after another. */
static lac_status hold_gradients(bench *b)
{
    int64_t at = 0;
    if (b->gradients != NULL)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)&b->gradients, (size_t)lac_params_numel(b->net.params), sizeof *b->gradients));
    for (int64_t i = 0; i < b->net.params->n; i++) {
        b->net.params->param[i]->grad = b->gradients + at;
        at += lac_numel(b->net.params->param[i]->value);
    }
    return LAC_OK;
}

static lac_status setup(bench *b, const char *precision, const char *config, const char *weights, const char *in)
{
    const lac_backend *backend;
    const lac_network_def *def;
    lac_weights *w, *x;
    json_t *given = read_config(config);
    LAC_TRY(lac_backend_cpu_register());
    LAC_TRY(lac_backend_get(&backend, "cpu"));
    LAC_TRY(lac_network_find(&def, "unet2d-condition"));
    LAC_TRY(lac_weights_open(&w, weights));
    LAC_TRY(lac_weights_open(&x, in));
    LAC_TRY(lac_network_make(&b->net, def, "unet", given, backend, strcmp(precision, "bf16") == 0 ? LAC_BF16 : LAC_F32));
    for (int64_t i = 0; i < b->net.params->n; i++)
        b->net.params->param[i]->init = LAC_INIT_ZERO;          /* all of them are read */
    LAC_TRY(lac_params_init(b->net.params, 0));
    LAC_TRY(lac_params_load(b->net.params, w, "", true, NULL));
    LAC_TRY(read_input(x, "sample", true, &b->sample));
    LAC_TRY(read_input(x, "timestep", false, &b->timestep));
    LAC_TRY(read_input(x, "encoder_hidden_states", false, &b->context));
    LAC_TRY(read_input(x, "grad.sample", true, &b->gy));
    LAC_TRY(lac_tape_new(&b->tape, backend));
    lac_weights_close(w);
    lac_weights_close(x);
    json_decref(given);
    return LAC_OK;
}

static lac_status body(lac_tape *t, void *context)
{
    bench *b = context;
    const lac_dtype d = b->net.params->dtype;
    if (b->backward)
        lac_tape_train(t, b->net.params);
    const lac_unet_in in = { .sample = lac_tape_input(t, b->sample, d), .timestep = lac_tape_input(t, b->timestep, LAC_F32), .context = lac_tape_input(t, b->context, d) };
    lac_tensor *y = lac_unet_forward(t, b->net.model, &in);
    lac_tensor_free(b->y);
    LAC_TRY(lac_keep(t, y, &b->y));
    return b->backward ? lac_backward(t, &(lac_root){ .y = y, .gy = lac_tape_input(t, b->gy, LAC_F32) }, 1) : lac_tape_status(t);
}

static lac_status run(bench *b, bool backward, int64_t n, double *seconds)
{
    b->backward = backward;
    if (backward)
        LAC_TRY(hold_gradients(b));
    const double start = lac_seconds();
    for (int64_t i = 0; i < n; i++) {
        lac_params_clear_grad(b->net.params);
        LAC_TRY(lac_tape_run(b->tape, backward ? "both" : "forward", body, b));
    }
    *seconds = lac_seconds() - start;
    return LAC_OK;
}

static double length(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; x != NULL && i < n; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum);
}

static lac_status profile(bench *b, bool backward)
{
    static lac_timing t;
    double seconds;
    lac_op op;
    bool back;
    lac_timing_start(&t, b->tape);
    const lac_status s = run(b, backward, 1, &seconds);
    lac_timing_stop(b->tape);
    for (int k = 0; s == LAC_OK && lac_timing_at(&t, k, &op, &back); k++) {
        const lac_op_time *o = &t.of[op][back];
        printf("%9.1f ms  %5lld calls  %7.1f GFLOP/s  %6.1f GB/s  %s %s\n", 1e3 * o->seconds, (long long)o->calls, 1e-9 * (double)o->flops / o->seconds,
               1e-9 * (double)o->bytes / o->seconds, lac_op_name(op), back ? "backward" : "forward");
    }
    if (s == LAC_OK)
        printf("%9.1f ms  in kernels, %.1f ms in all\n", 1e3 * lac_timing_seconds(&t), 1e3 * seconds);
    return s;
}

/* Each call by itself, slowest first: `sort -rn`. */
static void print_call(void *context, const char *path, const char *op, bool backward, double start, double seconds, int64_t bytes, int64_t flops)
{
    (void)context, (void)start, (void)bytes;
    printf("%9.2f ms  %7.1f GFLOP/s  %s %s  %s\n", 1e3 * seconds, 1e-9 * (double)flops / seconds, op, backward ? "backward" : "forward", path);
}

static lac_status calls(bench *b, bool backward)
{
    double seconds;
    lac_tape_profile(b->tape, print_call, NULL);
    const lac_status s = run(b, backward, 1, &seconds);
    lac_tape_profile(b->tape, NULL, NULL);
    return s;
}

static lac_status answer(bench *b, const char *line)
{
    double seconds;
    const bool both = strstr(line, "both") != NULL;
    if (strncmp(line, "profile", 7) == 0) {
        LAC_TRY(profile(b, both));
    } else if (strncmp(line, "calls", 5) == 0) {
        LAC_TRY(calls(b, both));
    } else if (strncmp(line, "norms", 5) == 0) {
        printf("%.9g %.9g\n", length(b->y->data, lac_numel(b->y)), length(b->gradients, lac_params_numel(b->net.params)));
    } else {
        LAC_TRY(run(b, both, atoll(strchr(line, ' ') != NULL ? strchr(line, ' ') : "1"), &seconds));
        printf("%.6f\n", seconds);
    }
    fflush(stdout);
    return LAC_OK;
}

int main(int argc, char **argv)
{
    bench b = { 0 };
    char line[256];
    lac_status s = argc == 5 ? setup(&b, argv[1], argv[2], argv[3], argv[4]) : LAC_FAIL(LAC_ERR_ARG, "bench-unet f32|bf16 CONFIG WEIGHTS IN");
    if (s == LAC_OK) {
        printf("ready %s\n", argv[1]);
        fflush(stdout);
    }
    while (s == LAC_OK && fgets(line, sizeof line, stdin) != NULL)
        s = answer(&b, line);
    if (s != LAC_OK)
        fprintf(stderr, "bench-unet: %s\n", lac_error_message());
    return s == LAC_OK ? 0 : 1;
}
