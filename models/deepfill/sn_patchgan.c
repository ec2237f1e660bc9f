#include "models/deepfill/sn_patchgan.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/linear/linear.h"
#include "autograd/ops/spectral_norm/spectral_norm.h"

static lac_status conv_init(lac_sn_layer *l, lac_params *ps, const char *name, lac_padding_mode mode, int64_t in, int64_t out)
{
    l->conv = (lac_conv_layer){ .k = 5, .stride = 2, .flags = LAC_PARAM_F32, .padding = mode == LAC_MODE_TF ? LAC_PAD_SAME : LAC_PAD_EXPLICIT, .pad = 2 };
    LAC_TRY(lac_conv_layer_init(&l->conv, ps, name, in, out));
    l->conv.weight->init = LAC_INIT_XAVIER;             /* TensorFlow's */
    l->conv.weight->gain = 1;
    lac_param_zero(l->conv.bias);
    return lac_param_new(ps, &l->u, LAC_ROLE_BUFFER, 1, &out, LAC_INIT_TRUNCATED, 0, "%s.u", name);
}

static lac_status dense_init(lac_sn_layer *l, lac_params *ps, int64_t in)
{
    const int64_t out = 1;
    LAC_TRY(lac_params_name(ps, &l->conv.name, "linear"));
    LAC_TRY(lac_param_new(ps, &l->conv.weight, LAC_ROLE_LINEAR, 2, (int64_t[]){ out, in }, LAC_INIT_XAVIER, LAC_PARAM_F32, "linear.weight"));
    LAC_TRY(lac_param_new(ps, &l->conv.bias, LAC_ROLE_BIAS, 1, &out, LAC_INIT_ZERO, 0, "linear.bias"));
    return lac_param_new(ps, &l->u, LAC_ROLE_BUFFER, 1, &out, LAC_INIT_TRUNCATED, 0, "linear.u");
}

static int64_t halved(int64_t n)
{
    for (int i = 0; i < LAC_SN_CONVS; i++)
        n = (n + 1) / 2;
    return n;
}

static int64_t last_width(const lac_sn_patchgan *d) { return 4 * d->config.width; }

lac_status lac_sn_patchgan_init(lac_sn_patchgan *d, lac_params *ps, const lac_sn_patchgan_config *c)
{
    static const char *const names[LAC_SN_CONVS] = { "conv1", "conv2", "conv3", "conv4", "conv5", "conv6" };
    *d = (lac_sn_patchgan){ .config = *c, .params = ps, .n_layers = LAC_SN_CONVS };
    int64_t in = 4;
    for (int i = 0; i < LAC_SN_CONVS; i++) {
        const int64_t out = c->width * (i == 0 ? 1 : i == 1 ? 2 : 4);
        LAC_TRY(conv_init(&d->layer[i], ps, names[i], c->mode, in, out));
        in = out;
    }
    if (c->kind == LAC_DISC_PATCH)
        return LAC_OK;
    d->n_layers = LAC_SN_LAYERS;
    const int64_t flat = halved(c->height) * halved(c->width_px) * last_width(d);
    return dense_init(&d->layer[LAC_SN_CONVS], ps, flat);
}

static lac_tensor *normalised(lac_tape *t, const lac_sn_patchgan *d, int i, lac_sn_patchgan_out *out)
{
    const lac_spectral_norm_attr a = { .full = d->config.full_sn_grad, .dtype = d->params->dtype };
    return lac_spectral_norm(t, d->layer[i].conv.weight->value, d->layer[i].u->value, &a, &out->sigma[i], &out->u[i]);
}

static lac_tensor *conv_layer(lac_tape *t, const lac_sn_patchgan *d, int i, lac_tensor *x, lac_sn_patchgan_out *out)
{
    const lac_conv_layer *l = &d->layer[i].conv;
    lac_tape_enter(t, l->name);
    x = lac_conv_layer_with(t, l, x, normalised(t, d, i, out), NULL, lac_act_of(LAC_ACT_NONE));
    x = lac_activation(t, x, LAC_ACT_LEAKY);
    lac_tape_leave(t);
    return x;
}

static lac_tensor *dense_layer(lac_tape *t, const lac_sn_patchgan *d, lac_tensor *x, lac_sn_patchgan_out *out)
{
    const lac_conv_layer *l = &d->layer[LAC_SN_CONVS].conv;
    if (x == NULL)
        return NULL;
    lac_tape_enter(t, l->name);
    x = lac_reshape(t, x, 2, (int64_t[]){ x->dim[0], x->dim[1] * x->dim[2] * x->dim[3] });
    x = lac_linear(t, x, normalised(t, d, LAC_SN_CONVS, out), l->bias->value);
    lac_tape_leave(t);
    return x;
}

lac_sn_patchgan_out lac_sn_patchgan_forward(lac_tape *t, const lac_sn_patchgan *d, lac_tensor *x)
{
    lac_sn_patchgan_out out = { 0 };
    lac_tape_enter(t, d->params->name);
    for (int i = 0; i < LAC_SN_CONVS; i++)
        x = conv_layer(t, d, i, x, &out);
    if (d->config.kind == LAC_DISC_GLOBAL)
        x = dense_layer(t, d, x, &out);
    lac_tape_leave(t);
    out.logits = x;
    return out;
}

void lac_sn_patchgan_commit(lac_tape *t, const lac_sn_patchgan *d, const lac_sn_patchgan_out *out)
{
    for (int i = 0; i < d->n_layers; i++)
        lac_tape_commit(t, d->layer[i].u, out->u[i]);
}

int64_t lac_sn_patchgan_logits(const lac_sn_patchgan *d, int64_t n, int64_t h, int64_t w)
{
    return d->config.kind == LAC_DISC_GLOBAL ? n : n * halved(h) * halved(w) * last_width(d);
}
