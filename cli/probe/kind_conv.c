/* conv2d and gated-conv: a convolution with any padding, alone or under the gate. */
#include "cli/probe/probe.h"

#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/gate/gate.h"
#include "autograd/ops/pad2d/pad2d.h"
#include "autograd/ops/resize/resize.h"

#include <string.h>

#define CONV_KEYS(padding)                                                                                                          \
    { "stride", LAC_KEY_INT | LAC_KEY_LIST, "1", .min = 1, .max = INT32_MAX, .of = LAC_KEY_INT, .help = "int or [h, w], at least 1" },    \
    { "dilation", LAC_KEY_INT | LAC_KEY_LIST, "1", .min = 1, .max = INT32_MAX, .of = LAC_KEY_INT, .help = "int or [h, w], at least 1" },  \
    { "padding", LAC_KEY_INT | LAC_KEY_LIST | LAC_KEY_STR, padding, .choices = "same|valid", .min = 0, .max = INT32_MAX, .of = LAC_KEY_INT,                 \
      .help = "int, [h, w], [top, bottom, left, right], same (TF) or valid" },                                                      \
    { "pad_mode", LAC_KEY_STR, "\"zeros\"", .choices = "zeros|reflect|symmetric|replicate", .help = "what is padded with" }

static const lac_key conv_keys[] = { CONV_KEYS("0"), { "groups", LAC_KEY_INT, "1", .help = "divides input and output channels" }, { NULL } };
static const lac_key gated_keys[] = {
    CONV_KEYS("\"same\""),
    { "activation", LAC_KEY_STR, "\"elu\"", .choices = "elu|relu", .help = "of the features" },
    { "upsample", LAC_KEY_BOOL, "false", .help = "replicate the input twofold first" },
    { NULL },
};

static lac_status pair(const json_t *config, const char *key, int64_t least, int64_t to[2])
{
    const json_t *v = lac_config_at(config, key);
    if (json_is_array(v) && json_array_size(v) != 2)
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' must be an int or [h, w], found a list of %zu", key, json_array_size(v));
    for (int i = 0; i < 2; i++) {
        to[i] = json_integer_value(json_is_array(v) ? json_array_get(v, (size_t)i) : v);
        if (to[i] < least)
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s' must be at least %lld, found %lld", key, (long long)least, (long long)to[i]);
    }
    return LAC_OK;
}

static lac_status padding(const json_t *config, const lac_tensor *x, const lac_tensor *w, const lac_conv2d_attr *a, int64_t pad[4])
{
    const json_t *v = lac_config_at(config, "padding");
    int64_t two[2];
    memset(pad, 0, 4 * sizeof *pad);
    if (json_is_string(v)) {
        if (strcmp(json_string_value(v), "same") == 0) {
            lac_same_padding(x->dim[1], w->dim[1], a->stride[0], a->dilation[0], &pad[0], &pad[1]);
            lac_same_padding(x->dim[2], w->dim[2], a->stride[1], a->dilation[1], &pad[2], &pad[3]);
        }
        return LAC_OK;
    }
    if (!json_is_array(v) || json_array_size(v) != 4) {
        LAC_TRY(pair(config, "padding", 0, two));
        pad[0] = pad[1] = two[0];
        pad[2] = pad[3] = two[1];
        return LAC_OK;
    }
    for (int i = 0; i < 4; i++)
        if ((pad[i] = json_integer_value(json_array_get(v, (size_t)i))) < 0)
            return LAC_FAIL(LAC_ERR_CONFIG, "'padding' must be at least 0, found %lld", (long long)pad[i]);
    return LAC_OK;
}

static lac_tensor *pad_by_mode(lac_tape *t, const json_t *config, lac_tensor *x, int64_t pad[4])
{
    const char *mode = lac_config_str(config, "pad_mode");
    if (strcmp(mode, "zeros") == 0)
        return x;
    lac_pad2d_attr a = { .mode = mode[0] == 's' ? LAC_PAD_SYMMETRIC : strcmp(mode, "reflect") == 0 ? LAC_PAD_REFLECT : LAC_PAD_REPLICATE };
    memcpy(a.pad, pad, sizeof a.pad);
    memset(pad, 0, sizeof a.pad);
    return lac_pad2d(t, x, &a);
}

static lac_status convolve(lac_probe *p, lac_tape *t, lac_tensor *x, int64_t groups, lac_tensor **y)
{
    lac_tensor *w = lac_probe_tensor(p, "weight");
    lac_conv2d_attr a = { .groups = groups };
    LAC_TRY(pair(p->config, "stride", 1, a.stride));
    LAC_TRY(pair(p->config, "dilation", 1, a.dilation));
    LAC_TRY(padding(p->config, x, w, &a, a.pad));
    *y = lac_conv2d(t, pad_by_mode(t, p->config, x, a.pad), w, lac_probe_tensor(p, "bias"), NULL, &a);
    return lac_tape_status(t);
}

static lac_status conv_forward(lac_probe *p, lac_tape *t)
{
    lac_tensor *y;
    LAC_TRY(convolve(p, t, lac_probe_tensor(p, "x"), lac_config_int(p->config, "groups"), &y));
    return lac_probe_out(p, t, "y", LAC_LAYOUT_IMAGE, y);
}

static lac_status gated_forward(lac_probe *p, lac_tape *t)
{
    lac_tensor *x = lac_probe_tensor(p, "x"), *w = lac_probe_tensor(p, "weight"), *y;
    if (w->dim[0] % 2 != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "weight has %lld filters, expected an even number: features and gates", (long long)w->dim[0]);
    if (lac_config_bool(p->config, "upsample"))
        x = lac_resize(t, x, &(lac_resize_attr){ .height = 2 * x->dim[1], .width = 2 * x->dim[2], .mode = LAC_RESIZE_NEAREST });
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(convolve(p, t, x, 1, &y));
    y = lac_gate(t, y, strcmp(lac_config_str(p->config, "activation"), "elu") == 0 ? LAC_ACT_ELU : LAC_ACT_RELU, 1);
    return lac_probe_out(p, t, "y", LAC_LAYOUT_IMAGE, y);
}

#define CONV_PORTS(bias_flags)                                          \
    { "x", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,H,W]" },                       \
    { "weight", LAC_LAYOUT_CONV, 4, LAC_PORT_PARAMETER, "[O,C/groups,kh,kw]" },        \
    { "bias", LAC_LAYOUT_PLAIN, 1, LAC_PORT_PARAMETER | LAC_PORT_F32 | (bias_flags), "[O]" },  \
    { NULL }

static const lac_port conv_ports[] = { CONV_PORTS(LAC_PORT_OPTIONAL) };
static const lac_port gated_ports[] = { CONV_PORTS(0) };

const lac_kind lac_kind_conv2d = { "conv2d", "convolution", conv_keys, conv_ports, "y", .forward = conv_forward };
const lac_kind lac_kind_gated_conv = { "gated-conv", "act(features) * sigmoid(gates) of one convolution", gated_keys, gated_ports, "y",
                                       .forward = gated_forward };
