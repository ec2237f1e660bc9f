/* LPIPS version 0.1 (models/lpips/lpips.h) as a network that compares, one for each backbone; weights by the network's own name. */
#include "eval/features.h"

#include "autograd/ops/dequantize/dequantize.h"
#include "core/memory.h"
#include "models/lpips/lpips.h"
#include "models/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct lpips { lac_network net; lac_tape *tape; int64_t least; } lpips;

/* Sides under `least` leave a window of the backbone without a pixel. */
static lac_status open(lac_features *f, const char *backbone, int64_t least)
{
    const lac_eval_files *files;
    char *mark;
    lpips *l;
    LAC_TRY(lac_calloc(&f->state, 1, sizeof *l));
    l = f->state;
    l->least = least;
    LAC_TRY(lac_eval_weights_want(f->weights, f->def->name, &files));
    json_t *config = json_pack("{s:s}", "net", backbone);
    const lac_status s = lac_network_open(&l->net, &lac_network_lpips, config, f->backend, LAC_F32);
    json_decref(config);
    LAC_TRY(s);
    LAC_TRY(lac_eval_files_load(files, &l->net));
    LAC_TRY(lac_tape_new(&l->tape, f->backend));
    LAC_TRY(lac_eval_files_mark(files, &mark));
    const lac_status made = lac_format(&f->recipe, "%s,v0.1,weights=%s", backbone, mark);
    free(mark);
    return made;
}

static lac_status open_alex(lac_features *f, const char *option) { return (void)option, open(f, "alex", 31); }
static lac_status open_vgg(lac_features *f, const char *option) { return (void)option, open(f, "vgg", 16); }
static lac_status open_squeeze(lac_features *f, const char *option) { return (void)option, open(f, "squeeze", 17); }

static void close(lac_features *f)
{
    lpips *l = f->state;
    if (l == NULL)
        return;
    lac_tape_free(l->tape);
    lac_network_close(&l->net);
    free(l);
}

static lac_status distance(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    const lac_dequantize_attr to_unit = { 1 / 127.5f, -1, LAC_F32 };
    lac_tensor *image = lac_dequantize(t, in[0], &to_unit), *reference = lac_dequantize(t, in[1], &to_unit);
    out[0] = lac_lpips_forward(t, model, image, reference, NULL);
    return lac_tape_status(t);
}

/* n pictures, black outside the region of the mask that stands beside `where`. */
static void put(lac_tensor *x, const lac_picture *picture, const lac_picture *where, lac_region region)
{
    const int64_t pixels = picture->height * picture->width;
    for (int64_t i = 0; i < x->dim[0]; i++) {
        uint8_t *to = (uint8_t *)x->data + i * pixels * 3;
        memcpy(to, picture[i].pixels, (size_t)pixels * 3);
        for (int64_t k = 0; region != LAC_WHOLE && k < pixels; k++)
            if ((where[i].mask[k] != 0) != (region == LAC_HOLE))
                memset(to + 3 * k, 0, 3);
    }
}

static lac_status compare(lpips *l, lac_tensor *in[2], int64_t n, double *value)
{
    lac_tensor *out;
    const lac_status s = lac_network_run(&l->net, l->tape, "distance", distance, in, 2, &out, 1);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        value[i] = ((const float *)out->data)[i];
    lac_tensor_free(out);
    return s;
}

static lac_status between(lac_features *f, const lac_picture *image, const lac_picture *reference, lac_region region, int64_t n, double *value)
{
    lpips *l = f->state;
    const int64_t dim[] = { n, image->height, image->width, 3 };
    lac_tensor *in[2] = { NULL, NULL };
    for (int64_t i = 0; i < n; i++)
        value[i] = NAN;
    if (LAC_MIN(image->height, image->width) < l->least)
        return LAC_OK;
    lac_status s = lac_tensor_new(&in[0], LAC_U8, 4, dim);
    if (s == LAC_OK)
        s = lac_tensor_new(&in[1], LAC_U8, 4, dim);
    if (s == LAC_OK) {
        put(in[0], image, image, region);
        put(in[1], reference, image, region);
        s = compare(l, in, n, value);
    }
    lac_tensor_free(in[0]);
    lac_tensor_free(in[1]);
    return s;
}

#define LPIPS(net, called, backbone)                                                                                            \
    static const char *const weights_##net[] = { called, NULL };                                                                \
    const lac_features_def lac_features_lpips_##net = { called, "LPIPS on " backbone, 1, open_##net, .close = close,            \
                                                        .between = between, .weights = weights_##net };
LPIPS(alex, "lpips-alex", "AlexNet")
LPIPS(vgg, "lpips-vgg", "VGG-16")
LPIPS(squeeze, "lpips-squeeze", "SqueezeNet 1.1")
