#include "models/lpips/lpips.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/lpips_distance/lpips_distance.h"
#include "autograd/ops/max_pool/max_pool.h"

#include <stdio.h>
#include <string.h>

const lac_key lac_lpips_keys[] = {
    { "net", LAC_KEY_STR, "\"alex\"", .choices = "alex|vgg|squeeze", .help = "the backbone" },
    { NULL },
};

/* ---- the backbones, as torchvision's `features` number them ---- */

typedef enum { END, CONV, POOL, FIRE } step_kind;

typedef struct lac_lpips_step {
    step_kind kind;
    int place;                      /* features.PLACE */
    int64_t out, k, stride, pad;    /* conv; of a Fire module `out` filters are made by each expansion from k squeezed ones; a pool's window, stride */
    bool ceil, tap;
} step;

static const step alex[] = {
    { CONV, 0, 64, 11, 4, 2, .tap = true }, { POOL, 2, .k = 3, .stride = 2 }, { CONV, 3, 192, 5, 1, 2, .tap = true }, { POOL, 5, .k = 3, .stride = 2 },
    { CONV, 6, 384, 3, 1, 1, .tap = true }, { CONV, 8, 256, 3, 1, 1, .tap = true }, { CONV, 10, 256, 3, 1, 1, .tap = true }, { END },
};

#define VGG(place, out) { CONV, place, out, 3, 1, 1 }
#define VGG_TAP(place, out) { CONV, place, out, 3, 1, 1, .tap = true }
#define HALVE(place) { POOL, place, .k = 2, .stride = 2 }
static const step vgg[] = {
    VGG(0, 64), VGG_TAP(2, 64), HALVE(4), VGG(5, 128), VGG_TAP(7, 128), HALVE(9), VGG(10, 256), VGG(12, 256), VGG_TAP(14, 256), HALVE(16),
    VGG(17, 512), VGG(19, 512), VGG_TAP(21, 512), HALVE(23), VGG(24, 512), VGG(26, 512), VGG_TAP(28, 512), { END },
};

#define POOL_UP(place) { POOL, place, .k = 3, .stride = 2, .ceil = true }
#define FIRE_OF(place, squeezed, out) { FIRE, place, out, squeezed }
#define FIRE_TAP(place, squeezed, out) { FIRE, place, out, squeezed, .tap = true }
static const step squeeze[] = {
    { CONV, 0, 64, 3, 2, 0, .tap = true }, POOL_UP(2), FIRE_OF(3, 16, 64), FIRE_TAP(4, 16, 64), POOL_UP(5), FIRE_OF(6, 32, 128), FIRE_TAP(7, 32, 128), POOL_UP(8),
    FIRE_TAP(9, 48, 192), FIRE_TAP(10, 48, 192), FIRE_TAP(11, 64, 256), FIRE_TAP(12, 64, 256), { END },
};

/* ---- parameters ---- */

static lac_status add_conv(lac_lpips *m, lac_params *ps, const char *name, lac_conv_layer layer, int64_t in, int64_t out)
{
    m->conv[m->n_convs] = layer;
    return lac_conv_layer_init(&m->conv[m->n_convs++], ps, name, in, out);
}

static lac_status add_step(lac_lpips *m, lac_params *ps, const step *s, int64_t in)
{
    LAC_TRY(lac_params_enter(ps, "features"));
    if (s->kind == CONV) {
        char name[16];
        snprintf(name, sizeof name, "%d", s->place);
        LAC_TRY(add_conv(m, ps, name, (lac_conv_layer){ .k = s->k, .stride = s->stride, .pad = s->pad }, in, s->out));
    } else if (s->kind == FIRE) {
        LAC_TRY(lac_params_enter(ps, "%d", s->place));
        LAC_TRY(add_conv(m, ps, "squeeze", (lac_conv_layer){ .k = 1 }, in, s->k));
        LAC_TRY(add_conv(m, ps, "expand1x1", (lac_conv_layer){ .k = 1 }, s->k, s->out));
        LAC_TRY(add_conv(m, ps, "expand3x3", (lac_conv_layer){ .k = 3, .pad = 1 }, s->k, s->out));
        lac_params_leave(ps);
    }
    lac_params_leave(ps);
    return LAC_OK;
}

static bool begins(const char *name, const char *with) { return strncmp(name, with, strlen(with)) == 0; }
static bool ignores(const char *name) { return begins(name, "classifier.") || begins(name, "scaling_layer."); }

lac_status lac_lpips_init(lac_lpips *m, lac_params *ps, const json_t *config)
{
    const char *net = lac_config_str(config, "net");
    *m = (lac_lpips){ .params = ps, .steps = strcmp(net, "alex") == 0 ? alex : strcmp(net, "vgg") == 0 ? vgg : squeeze };
    ps->ignores = ignores;
    int64_t channels = 3;
    for (const step *s = m->steps; s->kind != END; s++) {
        LAC_TRY(add_step(m, ps, s, channels));
        channels = s->kind == CONV ? s->out : s->kind == FIRE ? 2 * s->out : channels;
        if (s->tap)     /* as it lies, in f32: one filter of one pixel is a row of numbers in any layout */
            LAC_TRY(lac_param_new(ps, &m->lin[m->n_taps], LAC_ROLE_OTHER, 4, (int64_t[]){ 1, channels, 1, 1 }, LAC_INIT_ONE, LAC_PARAM_F32, "lin%d.model.1.weight", m->n_taps));
        m->n_taps += s->tap;
    }
    return LAC_OK;
}

/* ---- the distance ---- */

static lac_tensor *fire(lac_tape *t, const lac_conv_layer *l, lac_tensor *x)
{
    const lac_act_fn relu = lac_act_of(LAC_ACT_RELU);
    x = lac_conv_layer_forward(t, &l[0], x, NULL, relu);
    lac_tensor *both[2] = { lac_conv_layer_forward(t, &l[1], x, NULL, relu), lac_conv_layer_forward(t, &l[2], x, NULL, relu) };
    return lac_concat(t, both, 2, -1);
}

/* (x - mean) / deviation of LPIPS' scaling layer. */
static lac_tensor *scaled(lac_tape *t, const lac_lpips *m, lac_tensor *x)
{
    const lac_channel_affine_attr a = { { 1 / 0.458f, 1 / 0.448f, 1 / 0.450f }, { 0.030f / 0.458f, 0.088f / 0.448f, 0.188f / 0.450f }, m->params->dtype };
    return lac_channel_affine(t, x, &a);
}

static void features(lac_tape *t, const lac_lpips *m, lac_tensor *x, lac_tensor *tap[LAC_LPIPS_TAPS])
{
    const lac_conv_layer *l = m->conv;
    int n = 0;
    x = scaled(t, m, x);
    for (const step *s = m->steps; s->kind != END; s++) {
        switch (s->kind) {
        case CONV: x = lac_conv_layer_forward(t, l++, x, NULL, lac_act_of(LAC_ACT_RELU)); break;
        case FIRE: x = fire(t, l, x); l += 3; break;
        default: x = lac_max_pool(t, x, &(lac_max_pool_attr){ .kernel = s->k, .stride = s->stride, .ceil = s->ceil }); break;
        }
        if (s->tap)
            tap[n++] = x;
    }
}

lac_tensor *lac_lpips_forward(lac_tape *t, const lac_lpips *m, lac_tensor *image, lac_tensor *reference, lac_tensor *map[LAC_LPIPS_TAPS])
{
    lac_tensor *a[LAC_LPIPS_TAPS] = { NULL }, *b[LAC_LPIPS_TAPS] = { NULL }, *sum = NULL;
    lac_tape_enter(t, m->params->name);
    features(t, m, image, a);
    features(t, m, reference, b);
    for (int l = 0; l < m->n_taps; l++)
        sum = lac_lpips_distance(t, a[l], b[l], m->lin[l]->value, sum, map != NULL ? &map[l] : NULL);
    lac_tape_leave(t);
    return sum;
}
