/* LPIPS of pairs of pictures. */
#include "cli/probe/probe.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/dequantize/dequantize.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/resize/resize.h"
#include "models/lpips/lpips.h"

#include <string.h>

static const lac_key keys[] = {
    { "net", LAC_KEY_STR, "\"alex\"", .choices = "alex|vgg|squeeze", .help = "the backbone" },
    { "spatial", LAC_KEY_BOOL, "false", .help = "the map of distances instead of its mean" },
    { "region", LAC_KEY_STR, "\"whole\"", .choices = "whole|hole|known", .help = "pixels outside it are black in both pictures" },
    { NULL },
};

static const lac_port ports[] = {
    { "image", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OR_U8 | LAC_PORT_F32, "[B,C,H,W]" }, { "reference", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OR_U8 | LAC_PORT_F32, "[B,C,H,W]" },
    { "mask", LAC_LAYOUT_PLAIN, 3, LAC_PORT_U8 | LAC_PORT_OPTIONAL, "[B,H,W]" }, { NULL },
};

static bool has_region(const lac_probe *p) { return strcmp(lac_config_str(p->config, "region"), "whole") != 0; }

static lac_status check_mask(const lac_probe *p, const lac_tensor *image, const lac_tensor *mask)
{
    if (mask == NULL && has_region(p))
        return LAC_FAIL(LAC_ERR_KEY, "input 'mask' is missing: region \"%s\" wants it", lac_config_str(p->config, "region"));
    if (mask != NULL && memcmp(mask->dim, image->dim, 3 * sizeof *mask->dim) != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'mask' is %s, expected [%lld,%lld,%lld] as 'image'", lac_shape_str(mask), (long long)image->dim[0],
                        (long long)image->dim[1], (long long)image->dim[2]);
    return LAC_OK;
}

/* Heads and backbone are never trained; any mask becomes 0 and 1. */
static lac_status open(lac_probe *p)
{
    const lac_tensor *image = lac_probe_host(p, "image"), *reference = lac_probe_host(p, "reference"), *mask = lac_probe_host(p, "mask");
    p->net[0].params->frozen = true;
    if (image->dim[3] != 3)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image' has %lld channels, expected 3", (long long)image->dim[3]);
    LAC_TRY(lac_probe_same_shape(p, "reference", "image"));
    if (image->dtype != reference->dtype)
        return LAC_FAIL(LAC_ERR_DTYPE, "input 'reference' is %s, 'image' is %s", lac_dtype_name(reference->dtype), lac_dtype_name(image->dtype));
    LAC_TRY(check_mask(p, image, mask));
    for (int64_t i = 0; mask != NULL && i < lac_numel(mask); i++)
        ((uint8_t *)mask->data)[i] = ((uint8_t *)mask->data)[i] != 0;
    return LAC_OK;
}

/* y = x + by, for pictures that black is 0 in, or is -1. */
static lac_tensor *shifted(lac_tape *t, lac_tensor *x, float by)
{
    return lac_channel_affine(t, x, &(lac_channel_affine_attr){ { 1, 1, 1 }, { by, by, by }, LAC_F32 });
}

/* A picture in [-1, 1], black outside the region. */
static lac_tensor *picture(const lac_probe *p, lac_tape *t, const char *name)
{
    lac_tensor *x = lac_probe_tensor(p, name), *mask = lac_probe_tensor(p, "mask");
    if (x->dtype == LAC_U8)
        x = lac_dequantize(t, x, &(lac_dequantize_attr){ 1 / 127.5f, -1, LAC_F32 });
    if (!has_region(p))
        return x;
    const bool hole = strcmp(lac_config_str(p->config, "region"), "hole") == 0;
    mask = lac_dequantize(t, mask, &(lac_dequantize_attr){ hole ? -1 : 1, hole ? 1 : 0, LAC_F32 });       /* 1: black */
    mask = lac_reshape(t, mask, 4, (int64_t[]){ x->dim[0], x->dim[1], x->dim[2], 1 });
    return shifted(t, lac_composite(t, NULL, shifted(t, x, 1), mask, &(lac_composite_attr){ .dtype = LAC_F32 }), -1);
}

static lac_tensor *resized(lac_tape *t, lac_tensor *x, int64_t height, int64_t width, lac_resize_mode mode)
{
    return lac_resize(t, x, &(lac_resize_attr){ height, width, mode, false });
}

/* Every tap's map at the pictures' size, in one. */
static lac_status spatial(lac_probe *p, lac_tape *t, lac_tensor *const *map, int n)
{
    static const float one[LAC_LPIPS_TAPS] = { 1, 1, 1, 1, 1, 1, 1 };
    const lac_tensor *image = lac_probe_host(p, "image"), ones = { .dtype = LAC_F32, .ndim = 1, .dim = { n }, .data = (void *)one };
    lac_tensor *wide[LAC_LPIPS_TAPS];
    for (int l = 0; l < n; l++)
        wide[l] = resized(t, map[l], image->dim[1], image->dim[2], LAC_RESIZE_BILINEAR);
    return lac_probe_out(p, t, "map", LAC_LAYOUT_IMAGE, lac_lincomb(t, lac_tape_input(t, &ones, LAC_F32), wide, n, LAC_F32));
}

static lac_status forward(lac_probe *p, lac_tape *t)
{
    const lac_lpips *m = lac_probe_model(p, 0);
    lac_tensor *map[LAC_LPIPS_TAPS] = { NULL };
    lac_tensor *image = picture(p, t, "image"), *reference = picture(p, t, "reference");
    LAC_TRY(lac_tape_status(t));
    lac_tensor *value = lac_lpips_forward(t, m, image, reference, map);
    LAC_TRY(lac_tape_status(t));
    if (lac_config_bool(p->config, "spatial"))
        return spatial(p, t, map, m->n_taps);
    LAC_TRY(lac_probe_out(p, t, "value", LAC_LAYOUT_PLAIN, value));
    for (int l = 0; l < m->n_taps; l++)
        map[l] = resized(t, map[l], 1, 1, LAC_RESIZE_AREA);
    lac_tensor *layers = lac_concat(t, map, m->n_taps, -1);
    LAC_TRY(lac_tape_status(t));
    return lac_probe_out(p, t, "layers", LAC_LAYOUT_PLAIN, lac_reshape(t, layers, 2, (int64_t[]){ value->dim[0], m->n_taps }));
}

const lac_kind lac_kind_lpips = { "lpips", "how far pictures lie apart by the features of a network, version 0.1", keys, ports, "value, layers, or map",
                                  .network = &lac_network_lpips, .open = open, .forward = forward };
