/* The resamplings of evaluation: Pillow's, PyTorch's and TensorFlow's first. */
#include "cli/probe/probe.h"

#include "core/image/interpolate.h"
#include "core/image/resample.h"

#include <string.h>

#define SIZE_KEYS                                                                                \
    { "height", LAC_KEY_INT, NULL, .min = 1, .max = 65536, .help = "rows of the result" },       \
    { "width", LAC_KEY_INT, NULL, .min = 1, .max = 65536, .help = "columns of the result" }

static const lac_key pil_keys[] = {
    SIZE_KEYS,
    { "filter", LAC_KEY_STR, "\"bicubic\"", .choices = "nearest|box|bilinear|hamming|bicubic|lanczos", .help = "Pillow's filter" },
    { "passes", LAC_KEY_STR, "\"horizontal-first\"", .choices = "horizontal-first|pillow-13", .help = "order of the two passes" },
    { NULL },
};

static lac_status resize_bytes(lac_probe *p, const lac_tensor *x, int64_t h, int64_t w, lac_filter f, lac_passes passes)
{
    const lac_image from = { x->dim[0], x->dim[1], (int)x->dim[2], x->data };
    lac_image to = { 0 };
    lac_tensor *y;
    LAC_TRY(lac_image_resize(&to, &from, h, w, f, passes));
    const lac_status s = lac_probe_result(p, "image", LAC_U8, 3, (int64_t[]){ h, w, x->dim[2] }, &y);
    if (s == LAC_OK)
        memcpy(y->data, to.pixels, lac_bytes(y));
    lac_image_free(&to);
    return s;
}

static lac_status pil_resize(lac_probe *p)
{
    const lac_tensor *x = lac_probe_host(p, "image");
    const int64_t h = lac_config_int(p->config, "height"), w = lac_config_int(p->config, "width"), c = x->dim[2];
    const lac_passes passes = lac_config_str(p->config, "passes")[0] == 'h' ? LAC_PASSES_HORIZONTAL_FIRST : LAC_PASSES_PILLOW_13;
    lac_filter f;
    lac_tensor *y;
    LAC_TRY(lac_filter_named(&f, lac_config_str(p->config, "filter")));
    if (x->dim[0] < 1 || x->dim[1] < 1 || !(c == 1 || (x->dtype == LAC_U8 && (c == 3 || c == 4))))
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image' is %s %s, expected u8 [H,W,1|3|4] or f32 [H,W,1]", lac_dtype_name(x->dtype), lac_shape_str(x));
    if (x->dtype == LAC_U8)
        return resize_bytes(p, x, h, w, f, passes);
    LAC_TRY(lac_probe_result(p, "image", LAC_F32, 3, (int64_t[]){ h, w, 1 }, &y));
    return lac_plane_resize(y->data, h, w, x->data, x->dim[0], x->dim[1], f, passes);
}

static const lac_port pil_ports[] = { { "image", LAC_LAYOUT_PLAIN, 3, LAC_PORT_F32_OR_U8, "[H,W,C]" }, { NULL } };
const lac_kind lac_kind_pil_resize = { "pil-resize", "Pillow's resampling, 8-bit or float", pil_keys, pil_ports, "image", .compute = pil_resize };

static const lac_key tf1_keys[] = { SIZE_KEYS, { NULL } };
static const lac_key torch_keys[] = {
    SIZE_KEYS,
    { "mode", LAC_KEY_STR, "\"bilinear\"", .choices = "bilinear|bicubic", .help = "interpolation, align_corners = False" },
    { "antialias", LAC_KEY_BOOL, "false", .help = "widen the filter when shrinking" },
    { NULL },
};

static lac_status interpolate(lac_probe *p, lac_interpolation how)
{
    const lac_tensor *x = lac_probe_host(p, "x");
    const int64_t h = lac_config_int(p->config, "height"), w = lac_config_int(p->config, "width");
    lac_tensor *y;
    LAC_TRY(lac_probe_result(p, "y", LAC_F32, 4, (int64_t[]){ x->dim[0], x->dim[1], h, w }, &y));
    return lac_interpolate(y->data, h, w, x->data, x->dim[2], x->dim[3], x->dim[0] * x->dim[1], how);
}

static lac_status torch_resize(lac_probe *p)
{
    const bool cubic = strcmp(lac_config_str(p->config, "mode"), "bicubic") == 0, aa = lac_config_bool(p->config, "antialias");
    return interpolate(p, cubic ? (aa ? LAC_TORCH_BICUBIC_AA : LAC_TORCH_BICUBIC) : aa ? LAC_TORCH_BILINEAR_AA : LAC_TORCH_BILINEAR);
}

static lac_status tf1_resize(lac_probe *p) { return interpolate(p, LAC_TF1_BILINEAR); }

static const lac_port torch_ports[] = { { "x", LAC_LAYOUT_PLAIN, 4, 0, "[N,C,H,W]" }, { NULL } };
const lac_kind lac_kind_torch_resize = { "torch-resize", "PyTorch's interpolate", torch_keys, torch_ports, "y", .compute = torch_resize };
const lac_kind lac_kind_tf1_resize = { "tf1-resize", "TensorFlow 1's bilinear, without a half-pixel shift", tf1_keys, torch_ports, "y", .compute = tf1_resize };
