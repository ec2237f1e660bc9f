#include "models/patchgan/patchgan.h"

#include <stdio.h>

const lac_key lac_patchgan_keys[] = {
    { "input_nc", LAC_KEY_INT, "3", .min = 1, .max = 64, .help = "channels of the pictures" },
    { "ndf", LAC_KEY_INT, "64", .min = 1, .max = 1024, .help = "filters of the first layer" },
    { "n_layers", LAC_KEY_INT, "3", .min = 1, .max = LAC_PATCHGAN_CONVS - 2, .help = "layers of stride 2" },
    { "use_actnorm", LAC_KEY_BOOL, "false", .help = "must be false" },
    { NULL },
};

static lac_status add_conv(lac_patchgan *d, lac_params *ps, int place, int64_t in, int64_t out, bool strided, bool bias)
{
    char name[32];
    lac_conv_layer *l = &d->conv[d->n_convs++];
    snprintf(name, sizeof name, "main.%d", place);
    *l = (lac_conv_layer){ .k = 4, .stride = strided ? 2 : 1, .pad = 1, .no_bias = !bias };
    LAC_TRY(lac_conv_layer_init(l, ps, name, in, out));
    lac_param_normal(l->weight, 0, 0.02);
    return LAC_OK;
}

static lac_status add_norm(lac_batch_norm_layer *l, lac_params *ps, int place, int64_t channels)
{
    char name[32];
    snprintf(name, sizeof name, "main.%d", place);
    *l = (lac_batch_norm_layer){ .eps = 1e-5f, .momentum = 0.1f };
    LAC_TRY(lac_batch_norm_layer_init(l, ps, name, channels));
    lac_param_normal(l->weight, 1, 0.02);
    return LAC_OK;
}

lac_status lac_patchgan_init(lac_patchgan *d, lac_params *ps, const json_t *config)
{
    const int64_t ndf = lac_config_int(config, "ndf"), n_layers = lac_config_int(config, "n_layers");
    int64_t in = ndf;
    if (lac_config_bool(config, "use_actnorm"))
        return LAC_FAIL(LAC_ERR_CONFIG, "'use_actnorm' must be false, found true");
    *d = (lac_patchgan){ .params = ps };
    LAC_TRY(add_conv(d, ps, 0, lac_config_int(config, "input_nc"), ndf, true, true));
    for (int i = 1; i <= n_layers; i++) {
        const int64_t out = i < 3 ? ndf << i : 8 * ndf;
        LAC_TRY(add_conv(d, ps, 3 * i - 1, in, out, i < n_layers, false));
        LAC_TRY(add_norm(&d->norm[i], ps, 3 * i, out));
        in = out;
    }
    return add_conv(d, ps, (int)(3 * n_layers + 2), in, 1, false, true);
}

lac_tensor *lac_patchgan_forward(lac_tape *t, const lac_patchgan *d, lac_tensor *x, bool training, lac_patchgan_state *state)
{
    const lac_act_fn leaky = lac_act_leaky(0.2f), none = lac_act_of(LAC_ACT_NONE);
    lac_tape_enter(t, d->params->name);
    x = lac_conv_layer_forward(t, &d->conv[0], x, NULL, leaky);
    for (int i = 1; i < d->n_convs - 1; i++) {
        x = lac_conv_layer_forward(t, &d->conv[i], x, NULL, none);
        x = lac_batch_norm_layer_forward(t, &d->norm[i], x, training, leaky, &state->norm[i]);
    }
    x = lac_conv_layer_forward(t, &d->conv[d->n_convs - 1], x, NULL, none);
    lac_tape_leave(t);
    return x;
}

void lac_patchgan_commit(lac_tape *t, const lac_patchgan *d, const lac_patchgan_state *state)
{
    for (int i = 1; i < d->n_convs - 1; i++)
        lac_batch_norm_layer_commit(t, &d->norm[i], &state->norm[i]);
}

static int64_t patches(const lac_patchgan *d, int64_t n)
{
    for (int i = 0; i < d->n_convs && n > 0; i++)
        n = n < 2 ? 0 : (n - 2) / d->conv[i].stride + 1;
    return n;
}

int64_t lac_patchgan_logits(const lac_patchgan *d, int64_t h, int64_t w) { return patches(d, h) * patches(d, w); }
